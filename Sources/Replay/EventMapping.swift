import Workload

/// How CloudEvents are made from the rows of a file of another form.
public struct EventMapping: Sendable {
    /// What the file's rows are.
    public enum Rows: Sendable {
        case csv(CSVFormat)
        /// One JSON object a line.
        case json
    }

    /// Where a value comes from.
    public enum Place: Sendable {
        /// The column of a CSV file with this name.
        case column(String)
        /// The parts of a JSON pointer.
        case pointer([[UInt8]])
        /// The same text for every row.
        case constant([UInt8])
        /// A text followed by the number of the row's line.
        case line(prefix: [UInt8])
    }

    /// What a value becomes.
    public enum Kind: Sendable {
        case text
        /// An integer: the number in the text times the factor; `decimal` is the byte before its
        /// decimals, `group` the byte between groups of digits.
        case integer(factor: Int64, decimal: UInt8, group: UInt8?)
        /// A boolean: true for these texts, false for all others.
        case boolean(isTrue: [[UInt8]])
        /// RFC 3339 in UTC.
        case time(ForeignTime)
        /// The JSON value as it is; a CSV field must hold JSON.
        case json
    }

    /// An attribute of the event, or a member of its data.
    public struct Member: Sendable {
        /// Its name.
        public var name: [UInt8]
        /// Where its value comes from.
        public var place: Place
        /// What the value becomes.
        public var kind: Kind
        /// What the file's texts become; a text that is not in it is an error; empty: texts stay as
        /// they are.
        public var map: [[UInt8]: [UInt8]]
        /// The default that replaces an absent or empty value; nil: none.
        public var standIn: [UInt8]?
        /// Whether a row without it is an error.
        public var isRequired: Bool

        /// Makes a member of these parts.
        public init(
            name: [UInt8], place: Place, kind: Kind = .text, map: [[UInt8]: [UInt8]] = [:],
            standIn: [UInt8]? = nil, isRequired: Bool = false
        ) {
            self.name = name
            self.place = place
            self.kind = kind
            self.map = map
            self.standIn = standIn
            self.isRequired = isRequired
        }
    }

    /// What the file's rows are.
    public var rows: Rows
    /// id, source, type, subject and time, all but the time required.
    public var attributes: [Member]
    /// The members of the data.
    public var data: [Member]
    /// Only rows that have one of these texts at this place are taken; nil: all rows.
    public var only: (place: Place, texts: Set<[UInt8]>)?
    /// Whether a row that cannot be mapped is skipped and counted; else it ends the replay.
    public var skipsBadRows = false

    /// Makes a mapping of these parts.
    public init(rows: Rows, attributes: [Member], data: [Member]) {
        self.rows = rows
        self.attributes = attributes
        self.data = data
    }
}

/// Makes CloudEvents from the rows of a file by a mapping.
public final class MappedSource: RecordSource {
    private let mapping: EventMapping
    private let name: String
    private let csv: CSVReader?
    private let lines: HeldLines?
    private let columns: [String: Int]
    /// Rows that were skipped because they could not be mapped.
    public private(set) var skipped = 0

    private final class HeldLines {
        var source: LineSource
        init(_ source: consuming LineSource) { self.source = source }
    }

    /// Opens the file, plain or compressed; throws when a column of the mapping is missing.
    public init(path: String, mapping: EventMapping) throws(ReplayError) {
        self.mapping = mapping
        name = path
        guard case .csv(let format) = mapping.rows else {
            lines = HeldLines(try LineSource(path: path))
            csv = nil
            columns = [:]
            return
        }
        let csv = try CSVReader(path: path, format: format)
        self.csv = csv
        lines = nil
        var columns: [String: Int] = [:]
        for (number, column) in csv.columns.enumerated() where columns[column] == nil {
            columns[column] = number
        }
        self.columns = columns
        let places =
            (mapping.attributes + mapping.data).map(\.place)
            + (mapping.only.map { [$0.place] } ?? [])
        for case .column(let column) in places where columns[column] == nil {
            throw ReplayError(
                .source,
                "\(path): there is no column \"\(column)\"; there are "
                    + csv.columns.map { "\"\($0)\"" }.joined(separator: ", "))
        }
    }

    /// How much of the file has been read, 0 to 1; nil when that is not known.
    public var share: Double? { csv?.share ?? lines?.source.share }

    /// The event of the next row that is taken; nil at the end.
    public func next() throws(ReplayError) -> SourceRecord? {
        while let row = try nextRow() {
            do throws(ReplayError) {
                if csv == nil, row.json == nil { throw ReplayError(.source, "not JSON") }
                if let only = mapping.only {
                    guard let text = row.find(only.place), only.texts.contains(text) else {
                        continue
                    }
                }
                return try record(row)
            } catch {
                guard mapping.skipsBadRows else {
                    throw ReplayError(.source, "\(name):\(row.line): \(error.message)")
                }
                skipped += 1
            }
        }
        return nil
    }

    private func nextRow() throws(ReplayError) -> ForeignRow? {
        if let csv {
            guard let fields = try csv.next() else { return nil }
            return ForeignRow(fields: fields, columns: columns, line: csv.lineNumber)
        }
        guard let lines, let line = try lines.source.next() else { return nil }
        return ForeignRow(
            json: JSONNodeReader.read(line), source: line, line: lines.source.lineNumber)
    }

    private func record(_ row: ForeignRow) throws(ReplayError) -> SourceRecord {
        var text = Array("{\"specversion\":\"1.0\"".utf8)
        var subject: [UInt8]?
        var time: Int64?
        for member in mapping.attributes {
            guard let value = try row.value(of: member) else { continue }
            text.append(0x2C)
            JSONNode.quote(member.name, into: &text)
            text.append(0x3A)
            text += value.json
            if member.name.elementsEqual("subject".utf8) { subject = value.text }
            if member.name.elementsEqual("time".utf8) {
                time = value.text.withUnsafeBytes { EventTime.milliseconds($0) }
            }
        }
        text += Array(",\"datacontenttype\":\"application/json\",\"data\":{".utf8)
        var isFirst = true
        for member in mapping.data {
            guard let value = try row.value(of: member) else { continue }
            if !isFirst { text.append(0x2C) }
            isFirst = false
            JSONNode.quote(member.name, into: &text)
            text.append(0x3A)
            text += value.json
        }
        text += Array("}}".utf8)
        return SourceRecord(key: subject, value: text, timeMilliseconds: time)
    }
}

/// One row of the file.
private struct ForeignRow {
    var fields: [[UInt8]] = []
    var columns: [String: Int] = [:]
    var json: JSONNode?
    /// The bytes from which `json` was read.
    var source: ArraySlice<UInt8> = []
    let line: Int

    /// The text at a place; nil when there is none, or an empty CSV field.
    func find(_ place: EventMapping.Place) -> [UInt8]? {
        switch place {
        case .column(let name):
            guard let column = columns[name], column < fields.count else { return nil }
            return fields[column].isEmpty ? nil : fields[column]
        case .pointer(let parts):
            guard let node = json?.at(parts[...]) else { return nil }
            switch node.value {
            case .null: return nil
            case .text(let bytes): return bytes
            default: return Array(source[node.range])
            }
        case .constant(let bytes): return bytes
        case .line(let prefix): return prefix + Array(String(line).utf8)
        }
    }

    /// The value of a member as a text and as JSON; nil when it is absent and not required.
    func value(
        of member: EventMapping.Member
    ) throws(ReplayError) -> (text: [UInt8], json: [UInt8])? {
        func error(_ reason: String) -> ReplayError {
            ReplayError(.source, "\(String(decoding: member.name, as: UTF8.self)) \(reason)")
        }
        guard var text = find(member.place) ?? member.standIn else {
            guard member.isRequired else { return nil }
            throw error("is absent")
        }
        let shown = "\"\(String(decoding: text.prefix(80), as: UTF8.self))\""
        if !member.map.isEmpty {
            guard let mapped = member.map[text] ?? member.standIn else {
                throw error("is \(shown), for which the map has nothing")
            }
            text = mapped
        }
        guard String(validating: text, as: UTF8.self) != nil else { throw error("is no UTF-8") }
        switch member.kind {
        case .text: break
        case .integer(let factor, let decimal, let group):
            guard
                let number = ForeignDecimal.integer(
                    text, factor: factor, decimal: decimal, group: group)
            else { throw error("is \(shown), which gives no integer") }
            text = Array(String(number).utf8)
            return (text, text)
        case .boolean(let isTrue):
            text = Array((isTrue.contains(text) ? "true" : "false").utf8)
            return (text, text)
        case .time(let form):
            guard let time = form.milliseconds(text) else {
                throw error("is \(shown), which is no time of its format")
            }
            text = EventTime.text(time)
        case .json:
            if case .pointer(let parts) = member.place, let node = json?.at(parts[...]) {
                return (text, Array(source[node.range]))
            }
            guard JSONNodeReader.read(text[...]) != nil else {
                throw error("is \(shown), which is no JSON")
            }
            return (text, text)
        }
        var json: [UInt8] = []
        JSONNode.quote(text, into: &json)
        return (text, json)
    }
}
