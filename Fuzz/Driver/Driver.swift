import FuzzTargets
import Glibc

/// libFuzzer's entry, for programs that have a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ take: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

// Written once, before the fuzzer begins; its callback can capture nothing.
nonisolated(unsafe) private var target: (any FuzzTarget)?

/// `fuzz TARGET [libFuzzer's options and folders]`; ODOMETER_FUZZ_REDIS names a server's socket.
@main
struct Driver {
    static func main() throws {
        let name = CommandLine.arguments.dropFirst().first ?? ""
        let redis = getenv("ODOMETER_FUZZ_REDIS").map { String(cString: $0) }
        target = try FuzzTargets.make(name, redis: redis)
        guard target != nil else {
            print("usage: fuzz \(FuzzTargets.names.joined(separator: "|")) [OPTION|FOLDER]...")
            exit(2)
        }
        // The target's name takes the place of the program's.
        var count = CommandLine.argc - 1
        var arguments = CommandLine.unsafeArgv + 1
        exit(
            runFuzzer(&count, &arguments) { bytes, count in
                let input = Array(UnsafeBufferPointer(start: bytes, count: count))
                if let problem = target?.problem(with: input) {
                    print("\(problem)\ninput: \(String(decoding: input, as: UTF8.self))")
                    fflush(nil)
                    abort()
                }
                return 0
            })
    }
}
