import FuzzTargets
import Glibc

/// libFuzzer's entry, for programs that have a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ take: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

// A global, because the fuzzer's callback cannot capture; written once, before the fuzzer begins.
nonisolated(unsafe) private var target: (any FuzzTarget)?

/// `fuzz --target=NAME [libFuzzer's options and folders]`; FUZZ_REDIS names a server's socket.
@main
struct Driver {
    static func main() throws {
        target = try chosenTarget()
        guard target != nil else {
            print(
                "usage: fuzz --target=\(FuzzTargets.names.joined(separator: "|")) [OPTION|FOLDER]..."
            )
            exit(2)
        }
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(
            runFuzzer(&count, &arguments) { bytes, count in
                let input = Array(UnsafeBufferPointer(start: bytes, count: count))
                if let finding = target?.finding(for: input) {
                    print("\(finding)\ninput: \(String(decoding: input, as: UTF8.self))")
                    fflush(nil)
                    abort()
                }
                return 0
            })
    }

    // A function of its own, so that its values are freed before the fuzzer looks for leaks.
    private static func chosenTarget() throws -> (any FuzzTarget)? {
        let mark = "--target="
        guard let option = CommandLine.arguments.first(where: { $0.hasPrefix(mark) }) else {
            return nil
        }
        let redis = getenv("FUZZ_REDIS").map { String(cString: $0) }
        // libFuzzer ignores options with two hyphens, and passes them on when it starts itself
        // again.
        return try FuzzTargets.make(String(option.dropFirst(mark.count)), redis: redis)
    }
}
