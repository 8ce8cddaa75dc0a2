internal import Metering
internal import Spelling
internal import Zones

/// Reads how times are written: the keys `format` and `zone`.
enum TimeRuleReader {
    /// The most formats of one time.
    private static let mostFormats = 8

    static func read(
        format: NodeReader?, zone: NodeReader?
    ) throws(CatalogError) -> TimeRule {
        var rule = TimeRule()
        if let format { rule.formats = try formats(format) }
        if let zone {
            let name = try zone.text()
            guard rule.formats.contains(where: \.mayLackZone) else {
                throw zone.fail("is for iso8601 and for patterns without %z")
            }
            do throws(ZoneDatabase.Fault) {
                rule.zone = LocalZone(try ZoneDatabase.system.zone(named: name))
            } catch { throw zone.fail("must be a time zone like Europe/Berlin; \(error.text)") }
        }
        if let format, rule.zone == nil, rule.formats.contains(where: \.lacksZone) {
            throw format.fail("a pattern without %z needs 'zone'")
        }
        return rule
    }

    private static func formats(_ node: NodeReader) throws(CatalogError) -> [TimeFormat] {
        guard node.isList else { return [try format(node)] }
        let items = try node.items()
        guard (1...mostFormats).contains(items.count) else {
            throw node.fail("must be 1 to \(mostFormats) formats")
        }
        var formats: [TimeFormat] = []
        for item in items {
            let format = try format(item)
            if formats.contains(format) { throw item.fail("is there twice") }
            formats.append(format)
        }
        return formats
    }

    private static func format(_ node: NodeReader) throws(CatalogError) -> TimeFormat {
        let text = try node.text()
        do throws(TimePatternError) {
            if let format = try TimeFormat(text) { return format }
        } catch { throw node.fail(error.message) }
        let near = Suggestion.text(for: text, among: TimeFormat.words)
        throw node.fail(
            "must be one of \(TimeFormat.words.joined(separator: ", ")), or a pattern like "
                + "%d.%m.%Y %H:%M:%S%z\(near)")
    }
}
