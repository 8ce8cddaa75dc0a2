import Metering
import Replay
import Spelling
import Zones

/// A mapping of a foreign file as YAML; docs/REPLAY.md describes it.
struct MappingFile {
    private let isCSV: Bool

    /// The mapping that a file describes.
    static func read(_ text: [UInt8], name: String) throws(CommandFailure) -> EventMapping {
        let form = try YAMLForm.read(text, name: name)
        let format = try form.text("format") ?? "csv"
        guard format == "csv" || format == "json" else {
            throw form.failure("format", "must be csv or json")
        }
        let file = MappingFile(isCSV: format == "csv")
        let rows: EventMapping.Rows = file.isCSV ? .csv(try csv(form)) : .json
        guard let event = try form.form("event") else { throw form.failure("event", "is needed") }
        var attributes: [EventMapping.Member] = []
        for name in ["id", "source", "type", "subject"] {
            guard let place = try event.form(name) else { throw event.failure(name, "is needed") }
            var member = try file.member(name, place)
            guard case .text = member.kind else {
                throw place.failure("is", "must be text for \(name)")
            }
            member.isRequired = true
            attributes.append(member)
        }
        if let place = try event.form("time") {
            attributes.append(try file.member("time", place, isTime: true))
        }
        try event.end()
        var data: [EventMapping.Member] = []
        if let members = try form.form("data") {
            for name in members.names {
                guard let place = try members.form(name) else { continue }
                data.append(try file.member(name, place))
            }
        }
        var mapping = EventMapping(rows: rows, attributes: attributes, data: data)
        if let only = try form.form("only") {
            let texts = try only.texts("values") ?? []
            mapping.only = (try file.place(only), Set(texts.map { Array($0.utf8) }))
            try only.end()
        }
        switch try form.text("bad_rows") ?? "stop" {
        case "stop": break
        case "skip": mapping.skipsBadRows = true
        default: throw form.failure("bad_rows", "must be stop or skip")
        }
        try form.end()
        return mapping
    }

    private static func csv(_ form: YAMLForm) throws(CommandFailure) -> CSVFormat {
        var format = CSVFormat()
        guard let csv = try form.form("csv") else { return format }
        if let byte = try byte(csv, "delimiter") { format.delimiter = byte }
        if let byte = try byte(csv, "quote") { format.quote = byte }
        format.columns = try csv.texts("columns")
        switch try csv.text("encoding") ?? "utf-8" {
        case "utf-8": break
        case "latin-1": format.isLatin1 = true
        default: throw csv.failure("encoding", "must be utf-8 or latin-1")
        }
        try csv.end()
        return format
    }

    private static func byte(_ form: YAMLForm, _ name: String) throws(CommandFailure) -> UInt8? {
        guard let text = try form.text(name) else { return nil }
        if text == "tab" { return 9 }
        guard text.utf8.count == 1, let byte = text.utf8.first, byte < 0x80 else {
            throw form.failure(name, "must be one character of ASCII, or tab")
        }
        return byte
    }

    private func place(_ form: YAMLForm) throws(CommandFailure) -> EventMapping.Place {
        var places: [EventMapping.Place] = []
        if let column = try form.text("column") {
            guard isCSV else { throw form.failure("column", "is for csv; json has at") }
            places.append(.column(column))
        }
        if let pointer = try form.text("at") {
            guard !isCSV, let parts = JSONPointer.parts(pointer) else {
                throw form.failure("at", "must be a JSON pointer like /a/b, and is for json only")
            }
            places.append(.pointer(parts))
        }
        if let text = try form.text("const") { places.append(.constant(Array(text.utf8))) }
        if let text = try form.text("line") { places.append(.line(prefix: Array(text.utf8))) }
        guard places.count == 1 else {
            throw .usage(
                "\(form.file):\(form.line): \(form.path) needs one of "
                    + (isCSV ? "column" : "at") + ", const and line")
        }
        return places[0]
    }

    private func member(
        _ name: String, _ form: YAMLForm, isTime: Bool = false
    ) throws(CommandFailure) -> EventMapping.Member {
        var member = EventMapping.Member(name: Array(name.utf8), place: try place(form))
        if let map = try form.form("map") {
            for key in map.names {
                member.map[Array(key.utf8)] = Array((try map.text(key) ?? "").utf8)
            }
        }
        member.standIn = try form.text("default").map { Array($0.utf8) }
        member.isRequired = try form.boolean("required") ?? false
        member.kind = try kind(form, isTime: isTime)
        try form.end()
        return member
    }

    private func kind(
        _ form: YAMLForm, isTime: Bool
    ) throws(CommandFailure) -> EventMapping.Kind {
        let kind = try form.text("is") ?? (isTime ? "time" : "text")
        guard !isTime || kind == "time" else { throw form.failure("is", "must be time") }
        switch kind {
        case "text": return .text
        case "integer":
            let factor = try form.integer("factor", 1...1_000_000_000) ?? 1
            return .integer(
                factor: Int64(factor), decimal: try MappingFile.byte(form, "decimal") ?? 0x2E,
                group: try MappingFile.byte(form, "group"))
        case "boolean":
            let texts = try form.texts("true") ?? ["true"]
            return .boolean(isTrue: texts.map { Array($0.utf8) })
        case "time": return .time(try time(form))
        case "json": return .json
        default: throw form.failure("is", "must be text, integer, boolean, time or json")
        }
    }

    private func time(_ form: YAMLForm) throws(CommandFailure) -> ForeignTime {
        let name = try form.text("zone") ?? "UTC"
        let zone: Zone
        do throws(ZoneDatabase.Fault) {
            zone = try ZoneDatabase.system.zone(named: name)
        } catch {
            throw form.failure("zone", "must be a time zone like Europe/Berlin; \(error.text)")
        }
        let text = try form.text("format") ?? "rfc3339"
        let format: TimeFormat?
        do throws(TimePatternError) {
            format = try TimeFormat(text)
        } catch { throw form.failure("format", error.message) }
        guard let format else {
            throw form.failure(
                "format",
                "must be one of \(TimeFormat.words.joined(separator: ", ")), or a pattern like "
                    + "%d.%m.%Y %H:%M:%S\(Suggestion.text(for: text, among: TimeFormat.words))")
        }
        let reader = TimeReader([format], zone: LocalZone(zone))
        return ForeignTime { reader.nanoseconds($0) }
    }
}
