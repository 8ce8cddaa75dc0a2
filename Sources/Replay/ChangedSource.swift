import Workload

/// What is changed in the records of a source before they are sent.
public struct RecordChange: Sendable {
    /// The CloudEvents content mode.
    public enum Mode: Sendable {
        case structured
        case binary
    }

    /// By how much event times are moved.
    public var shiftMilliseconds: Int64 = 0
    /// The content mode of all records; nil: each keeps its own.
    public var mode: Mode?

    /// Makes a change that leaves records as they are.
    public init() {}

    /// Changes a record; a record that is not a readable CloudEvent stays as it is.
    func apply(to record: inout SourceRecord) {
        if shiftMilliseconds != 0 { move(&record) }
        switch mode {
        case .binary: if !RecordChange.isBinary(record) { RecordChange.makeBinary(&record) }
        case .structured: if RecordChange.isBinary(record) { RecordChange.makeStructured(&record) }
        case nil: break
        }
    }

    private static func isBinary(_ record: SourceRecord) -> Bool {
        record.headers.contains { $0.name.hasPrefix("ce_") }
    }

    // MARK: Times

    private func move(_ record: inout SourceRecord) {
        if let time = record.timeMilliseconds { record.timeMilliseconds = time + shiftMilliseconds }
        if let place = record.headers.lastIndex(where: { $0.name == "ce_time" }) {
            record.headers[place].value = record.headers[place].value.map(moved)
        } else if let value = record.value, !RecordChange.isBinary(record) {
            // From the end, so that the places before it stay where they are.
            for range in EnvelopeScanner.times(in: value[...]).reversed() {
                record.value?.replaceSubrange(range, with: moved(Array(value[range])))
            }
        }
    }

    private func moved(_ text: [UInt8]) -> [UInt8] {
        guard let time = text.withUnsafeBytes({ EventTime.milliseconds($0) }) else { return text }
        return EventTime.text(time + shiftMilliseconds)
    }

    // MARK: Modes

    private static func makeBinary(_ record: inout SourceRecord) {
        guard let value = record.value, let event = JSONNodeReader.read(value[...]),
            case .object(let members) = event.value
        else { return }
        var headers: [(name: String, value: [UInt8]?)] = []
        var data: [UInt8]?
        for (name, node) in members {
            let name = String(decoding: name, as: UTF8.self)
            let text: [UInt8]
            switch node.value {
            case .text(let bytes): text = bytes
            case .number, .boolean: text = Array(value[node.range])
            default:
                // Only the data may be an object or array; a null attribute is an absent one.
                guard name == "data" else {
                    if case .null = node.value { continue }
                    return
                }
                text = []
            }
            switch name {
            case "data": data = Array(value[node.range])
            case "datacontenttype": headers.append(("content-type", text))
            default: headers.append(("ce_" + name, text))
            }
        }
        guard headers.contains(where: { $0.name == "ce_specversion" }) else { return }
        record.headers += headers
        record.value = data
    }

    private static func makeStructured(_ record: inout SourceRecord) {
        if let value = record.value, JSONNodeReader.read(value[...]) == nil { return }
        var text = Array("{".utf8)
        var names: Set<String> = []
        var others: [(name: String, value: [UInt8]?)] = []
        // Of two headers with one name, the last one counts.
        for header in record.headers.reversed() {
            let name: String
            if header.name.hasPrefix("ce_") {
                name = String(header.name.dropFirst(3))
            } else if header.name == "content-type" {
                name = "datacontenttype"
            } else {
                others.insert(header, at: 0)
                continue
            }
            guard let value = header.value, names.insert(name).inserted else { continue }
            guard String(validating: value, as: UTF8.self) != nil else { return }
            if text.count > 1 { text.append(0x2C) }
            JSONNode.quote(name.utf8, into: &text)
            text.append(0x3A)
            JSONNode.quote(value, into: &text)
        }
        guard names.contains("specversion") else { return }
        if let value = record.value { text += Array(",\"data\":".utf8) + value }
        record.value = text + [0x7D]
        record.headers = others
    }
}

/// A source whose records are changed.
public struct ChangedSource: RecordSource {
    private var source: any RecordSource
    private let change: RecordChange

    /// Makes a source that gives the records of another one, changed.
    public init(_ source: any RecordSource, _ change: RecordChange) {
        self.source = source
        self.change = change
    }

    /// The next record, changed.
    public mutating func next() throws(ReplayError) -> SourceRecord? {
        guard var record = try source.next() else { return nil }
        change.apply(to: &record)
        return record
    }
}
