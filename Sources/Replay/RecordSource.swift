/// A record to be sent.
public struct SourceRecord: Sendable {
    /// The key; nil = none, then any partition takes the record.
    public var key: [UInt8]?
    /// The value; nil = null.
    public var value: [UInt8]?
    /// Headers in their order.
    public var headers: [(name: String, value: [UInt8]?)]

    /// A record of these parts.
    public init(
        key: [UInt8]?, value: [UInt8]?, headers: [(name: String, value: [UInt8]?)] = []
    ) {
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// Something that gives records one after the other.
public protocol RecordSource: ~Copyable {
    /// The next record, or nil after the last one.
    mutating func next() throws(ReplayError) -> SourceRecord?
}

/// A file of structured CloudEvents, one JSON text a line; the key is the event's subject.
///
/// Lines are sent as they are: what is wrong with one is for the counting side to say.
public struct JSONLinesSource: RecordSource, ~Copyable {
    private var lines: LineSource

    /// Opens a file, plain or packed; `-` is standard input.
    public init(path: String) throws(ReplayError) { lines = try LineSource(path: path) }

    /// The next line as a record.
    public mutating func next() throws(ReplayError) -> SourceRecord? {
        guard let line = try lines.next() else { return nil }
        return SourceRecord(key: SubjectScanner.subject(of: line), value: Array(line))
    }
}

/// Finds the text of the member `subject` of a JSON object without reading the rest as JSON.
enum SubjectScanner {
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    /// nil where there is none, or where it holds an escape: a key decides no more than the
    /// partition, so an exotic subject may do without one.
    static func subject(of line: ArraySlice<UInt8>) -> [UInt8]? {
        var depth = 0
        var index = line.startIndex
        while index < line.endIndex {
            switch line[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case quote:
                guard let end = endOfText(line, from: index + 1) else { return nil }
                let text = line[index + 1..<end]
                index = end
                if depth == 1, text.elementsEqual("subject".utf8),
                    let value = textAfterColon(line, from: end + 1)
                {
                    return value.contains(backslash) ? nil : Array(value)
                }
            default: break
            }
            index += 1
        }
        return nil
    }

    private static func endOfText(_ line: ArraySlice<UInt8>, from start: Int) -> Int? {
        var index = start
        while index < line.endIndex {
            if line[index] == backslash {
                index += 1
            } else if line[index] == quote {
                return index
            }
            index += 1
        }
        return nil
    }

    private static func textAfterColon(
        _ line: ArraySlice<UInt8>, from start: Int
    ) -> ArraySlice<UInt8>? {
        let spaces: [UInt8] = [0x20, 0x09]
        var rest = line[start...].drop { spaces.contains($0) }
        guard rest.first == UInt8(ascii: ":") else { return nil }
        rest = rest.dropFirst().drop { spaces.contains($0) }
        guard rest.first == quote, let end = endOfText(line, from: rest.startIndex + 1) else {
            return nil
        }
        return line[rest.startIndex + 1..<end]
    }
}
