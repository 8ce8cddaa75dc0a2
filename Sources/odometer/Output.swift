import Foundation

/// What commands print for people and scripts: answers on stdout, failures on stderr.
enum Output {
    static func line(_ text: String) { self.text(text + "\n") }

    static func text(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// One JSON document for programs.
    static func json(_ object: Any) throws(CommandFailure) { line(try JSONText.document(object)) }

    static func failure(_ message: String) { write("odometer: \(message)\n", to: STDERR_FILENO) }

    /// Writes without a buffer, so that lines of progress appear when they are made.
    ///
    /// A reader that went away is no failure of ours.
    static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// A table: the columns as wide as their widest cell, two spaces between.
    static func table(_ rows: [[String]]) {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        for row in rows {
            var text = ""
            for (column, cell) in row.enumerated() {
                text += cell
                if column < row.count - 1 {
                    text += String(repeating: " ", count: widths[column] - cell.count + 2)
                }
            }
            line(text)
        }
    }
}
