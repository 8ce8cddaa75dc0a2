import Foundation

/// Reads and writes small text files.
enum FileText {
    /// All bytes of a file of at most 16 MiB.
    static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw .usage("\(path): \(String(cString: strerror(errno)))")
        }
        let limit = 16 << 20
        do {
            let data = try file.read(upToCount: limit + 1) ?? Data()
            guard data.count <= limit else { throw CommandFailure.usage("\(path): over 16 MiB") }
            return [UInt8](data)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw .usage("\(path): cannot be read")
        }
    }

    /// The first line of a file with a secret, without its end of line.
    static func secret(_ path: String) throws(CommandFailure) -> String {
        let line = try read(path).prefix { $0 != 10 && $0 != 13 }
        guard !line.isEmpty, let text = String(validating: line, as: UTF8.self) else {
            throw .usage("\(path): the first line must hold the secret")
        }
        return text
    }

    /// Writes a text to a file.
    static func write(_ text: String, to path: String) throws(CommandFailure) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be written")
        }
    }
}
