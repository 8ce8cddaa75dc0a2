/// How a CSV file is written.
public struct CSVFormat: Sendable, Equatable {
    /// The byte between two fields.
    public var delimiter: UInt8 = 0x2C
    /// The byte around a field that has delimiters, line ends or quotes (each written twice).
    public var quote: UInt8 = 0x22
    /// The names of the columns; nil: the first line has them.
    public var columns: [String]?
    /// Whether bytes are ISO 8859-1 instead of UTF-8.
    public var isLatin1 = false

    /// Makes the usual format: commas, double quotes, a first line with names, UTF-8.
    public init() {}
}

/// Reads the rows of a CSV file (RFC 4180), plain or compressed.
final class CSVReader {
    private let format: CSVFormat
    private let name: String
    private var lines: LineSource
    private(set) var columns: [String] = []
    /// The line in which the last row began, from 1.
    private(set) var lineNumber = 0

    init(path: String, format: CSVFormat) throws(ReplayError) {
        self.format = format
        name = path
        lines = try LineSource(path: path, keepsEmptyLines: true)
        if let columns = format.columns {
            self.columns = columns
        } else if var first = try next() {
            // Spreadsheets begin files with a byte order mark.
            if first.first?.starts(with: [0xEF, 0xBB, 0xBF]) == true { first[0].removeFirst(3) }
            columns = first.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// How much of the file has been read, 0 to 1; nil when that is not known.
    var share: Double? { lines.share }

    /// The fields of the next row; nil at the end.
    ///
    /// Rows of one empty field are skipped.
    func next() throws(ReplayError) -> [[UInt8]]? {
        while let line = try lines.next() {
            lineNumber = lines.lineNumber
            var row: [[UInt8]] = []
            var text = line
            var length = line.count
            while true {
                if try fields(of: text, into: &row) { break }
                // A line that ends inside quotes does not end the field.
                guard let more = try lines.next() else {
                    throw ReplayError(.source, "\(name):\(lineNumber): a quote is not closed")
                }
                length += more.count
                guard length <= LineSource.lineLimitBytes else {
                    throw ReplayError(.source, "\(name):\(lineNumber): a row over 4 MiB")
                }
                text = more
                isContinued = true
            }
            isContinued = false
            if row.count > 1 || row.first?.isEmpty == false {
                return format.isLatin1 ? row.map(CSVReader.utf8) : row
            }
        }
        return nil
    }

    private var isContinued = false

    /// Adds the fields of a line; false when it ends inside quotes.
    private func fields(
        of line: ArraySlice<UInt8>, into row: inout [[UInt8]]
    ) throws(ReplayError) -> Bool {
        var isQuoted = isContinued
        var field: [UInt8] = isContinued ? (row.popLast() ?? []) + [10] : []
        var hasQuotes = isContinued
        var index = line.startIndex
        while index < line.endIndex {
            let byte = line[index]
            index += 1
            if isQuoted {
                guard byte == format.quote else {
                    field.append(byte)
                    continue
                }
                if index < line.endIndex, line[index] == format.quote {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
            } else if byte == format.delimiter {
                row.append(field)
                field = []
                hasQuotes = false
            } else if byte == format.quote, field.isEmpty, !hasQuotes {
                isQuoted = true
                hasQuotes = true
            } else {
                guard !hasQuotes else {
                    throw ReplayError(
                        .source, "\(name):\(lines.lineNumber): text behind a quoted field")
                }
                field.append(byte)
            }
        }
        row.append(field)
        return !isQuoted
    }

    private static func utf8(_ latin: [UInt8]) -> [UInt8] {
        latin.flatMap { $0 < 0x80 ? [$0] : [0xC0 | $0 >> 6, 0x80 | $0 & 0x3F] }
    }
}
