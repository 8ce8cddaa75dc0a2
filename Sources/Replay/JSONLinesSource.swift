import Workload

/// A file of structured CloudEvents, one JSON text a line; the key is the event's subject.
///
/// Lines are sent as they are, also those that are not events: the counting side rejects them.
public struct JSONLinesSource: RecordSource, ~Copyable {
    private var lines: LineSource

    /// Opens a file, plain or compressed; `-` is standard input.
    public init(path: String) throws(ReplayError) { lines = try LineSource(path: path) }

    /// How much of the file has been read, 0 to 1; nil when that is not known.
    public var share: Double? { lines.share }

    /// The next line as a record; nil at the end.
    public mutating func next() throws(ReplayError) -> SourceRecord? {
        guard let line = try lines.next() else { return nil }
        let found = EnvelopeScanner.find(in: line)
        let time = found.time.flatMap { range in
            line[range].withUnsafeBytes { EventTime.milliseconds($0) }
        }
        return SourceRecord(
            key: found.subject.map { Array(line[$0]) }, value: Array(line), timeMilliseconds: time)
    }
}

/// Finds the members `subject` and `time` of a JSON object without reading the rest as JSON.
enum EnvelopeScanner {
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    /// Where the two texts are, without their quotes.
    ///
    /// Nil when there is no such text, or when it has an escape: the key only chooses the
    /// partition, so a record with such a subject may go without one.
    struct Found: Equatable {
        var subject: Range<Int>?
        var time: Range<Int>?
    }

    static func find(in line: ArraySlice<UInt8>) -> Found {
        var found = Found()
        var depth = 0
        var index = line.startIndex
        while index < line.endIndex {
            switch line[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case quote:
                guard let end = endOfText(line, from: index + 1) else { return found }
                let name = line[index + 1..<end]
                index = end
                guard depth == 1 else { break }
                if found.subject == nil, name.elementsEqual("subject".utf8) {
                    found.subject = textAfterColon(line, from: end + 1)
                } else if found.time == nil, name.elementsEqual("time".utf8) {
                    found.time = textAfterColon(line, from: end + 1)
                }
                if found.subject != nil, found.time != nil { return found }
            default: break
            }
            index += 1
        }
        return found
    }

    /// Where the times of all events of a record are: of one, or of each in a list or a line.
    static func times(in value: ArraySlice<UInt8>) -> [Range<Int>] {
        let isList = value.first { $0 > 0x20 } == UInt8(ascii: "[")
        let level = isList ? 2 : 1
        var times: [Range<Int>] = []
        var hasTime = false
        var depth = 0
        var index = value.startIndex
        while index < value.endIndex {
            switch value[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth == level { hasTime = false }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case quote:
                guard let end = endOfText(value, from: index + 1) else { return times }
                let isTime = value[index + 1..<end].elementsEqual("time".utf8)
                index = end
                guard depth == level, isTime, !hasTime,
                    let time = textAfterColon(value, from: end + 1)
                else { break }
                times.append(time)
                hasTime = true
            default: break
            }
            index += 1
        }
        return times
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

    private static func textAfterColon(_ line: ArraySlice<UInt8>, from start: Int) -> Range<Int>? {
        let spaces: [UInt8] = [0x20, 0x09]
        var rest = line[start...].drop { spaces.contains($0) }
        guard rest.first == UInt8(ascii: ":") else { return nil }
        rest = rest.dropFirst().drop { spaces.contains($0) }
        guard rest.first == quote, let end = endOfText(line, from: rest.startIndex + 1) else {
            return nil
        }
        let range = rest.startIndex + 1..<end
        return line[range].contains(backslash) ? nil : range
    }
}
