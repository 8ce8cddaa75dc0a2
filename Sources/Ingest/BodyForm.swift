/// How a body holds its events.
public enum BodyForm: Sendable, Hashable {
    /// One event.
    case single
    /// A JSON array of events.
    case batch
    /// An object that is one event, or an array of events.
    case singleOrBatch
    /// One event in each line; blank lines are none.
    case lines

    /// The form that a media type says, whatever its parameters; nil: one that has no events.
    ///
    /// `hasLines`: whether lines of JSON are one of the permitted forms.
    public init?(mediaType: [UInt8], hasLines: Bool = true) {
        let end = mediaType.firstIndex(of: UInt8(ascii: ";")) ?? mediaType.endIndex
        let name = mediaType[..<end].filter { $0 != 0x20 && $0 != 0x09 }
            .map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        switch String(decoding: name, as: UTF8.self) {
        case "application/cloudevents+json": self = .single
        case "application/cloudevents-batch+json": self = .batch
        case "application/json": self = .singleOrBatch
        case "application/x-ndjson" where hasLines, "application/ndjson" where hasLines:
            self = .lines
        default: return nil
        }
    }

    /// The media types, in one line for people.
    public static let mediaTypes =
        "application/cloudevents+json, application/cloudevents-batch+json, application/json "
        + "or application/x-ndjson"

    /// Where the events of a body are, in their order and without blanks around them.
    ///
    /// Brackets and quotes are followed, nothing else is checked: each event is read by itself
    /// later. Throws where they do not fit together, or there are too many events.
    public func events(of body: [UInt8]) throws(IngestRefusal) -> [Range<Int>] {
        let whole = BodyForm.trimmed(body, 0..<body.count)
        switch self {
        case .single: return [whole]
        case .batch: return try BodyForm.elements(of: body, whole)
        case .singleOrBatch:
            return !whole.isEmpty && body[whole.lowerBound] == UInt8(ascii: "[")
                ? try BodyForm.elements(of: body, whole) : [whole]
        case .lines: return try BodyForm.lines(of: body)
        }
    }

    private static func lines(of body: [UInt8]) throws(IngestRefusal) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var start = 0
        while start < body.count {
            let end = body[start...].firstIndex(of: UInt8(ascii: "\n")) ?? body.count
            let line = trimmed(body, start..<end)
            if !line.isEmpty { try append(line, to: &found) }
            start = end + 1
        }
        return found
    }

    /// The elements of an array: what is between its brackets and the commas of its own level.
    private static func elements(
        of body: [UInt8], _ whole: Range<Int>
    ) throws(IngestRefusal) -> [Range<Int>] {
        let broken = IngestRefusal(.malformed, "the body is not a JSON array")
        guard whole.count >= 2, body[whole.lowerBound] == UInt8(ascii: "["),
            body[whole.upperBound - 1] == UInt8(ascii: "]")
        else { throw broken }
        let inside = whole.lowerBound + 1..<whole.upperBound - 1
        if trimmed(body, inside).isEmpty { return [] }
        var found: [Range<Int>] = []
        var start = inside.lowerBound
        var depth = 0
        var isText = false
        var index = start
        while index < inside.upperBound {
            let byte = body[index]
            if isText {
                if byte == UInt8(ascii: "\\") { index += 1 }
                if byte == UInt8(ascii: "\"") { isText = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    guard depth >= 0 else { throw broken }
                case UInt8(ascii: ",") where depth == 0:
                    let element = trimmed(body, start..<index)
                    guard !element.isEmpty else { throw broken }
                    try append(element, to: &found)
                    start = index + 1
                default: break
                }
            }
            index += 1
        }
        // An escape before the last bracket would take it into a text.
        guard depth == 0, !isText, index == inside.upperBound else { throw broken }
        let last = trimmed(body, start..<inside.upperBound)
        guard !last.isEmpty else { throw broken }
        try append(last, to: &found)
        return found
    }

    private static func append(
        _ event: Range<Int>, to found: inout [Range<Int>]
    ) throws(IngestRefusal) {
        guard found.count < IngestLimits.events else {
            throw IngestRefusal(.tooLarge, "the body has more than \(IngestLimits.events) events")
        }
        found.append(event)
    }

    private static func trimmed(_ body: [UInt8], _ range: Range<Int>) -> Range<Int> {
        func isBlank(_ byte: UInt8) -> Bool {
            byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
        }
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(body[start]) { start += 1 }
        while end > start, isBlank(body[end - 1]) { end -= 1 }
        return start..<end
    }
}
