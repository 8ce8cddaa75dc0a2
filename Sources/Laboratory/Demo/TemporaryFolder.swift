import Foundation

/// A private folder under /tmp; `remove` deletes it with its content.
final class TemporaryFolder {
    let path: String

    init() throws(DemoError) {
        var template = Array((NSTemporaryDirectory() + "odometer-demo-XXXXXX").utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else {
            throw DemoError("no folder: \(String(cString: strerror(errno)))")
        }
        path = made
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
