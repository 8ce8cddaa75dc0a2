import Foundation

/// What commands print for people and scripts: answers on stdout, errors on stderr.
public enum Output {
    /// A line on stdout.
    public static func line(_ text: String) { self.text(text + "\n") }

    /// Text on stdout.
    public static func text(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// A line on stderr that begins with the program's name.
    public static func failure(_ message: String) {
        write("odometer: \(message)\n", to: STDERR_FILENO)
    }

    /// Writes without a buffer, so that lines of progress appear at once.
    ///
    /// When the reader has closed its end, the rest of the text is dropped.
    public static func write(_ text: String, to descriptor: Int32) {
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

    /// A table on stdout: each column as wide as its widest cell, two spaces between columns.
    public static func table(_ rows: [[String]]) {
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
