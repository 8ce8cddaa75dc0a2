import HTTPServer
import Metering
import Query
import Zones

/// Makes a question of what a client wrote; everything that is wrong is a 400 that names it.
struct QuestionReader {
    /// The zones of the system.
    let zones: ZoneDatabase
    /// The most rows of one page.
    static let mostRows: Int64 = 10_000

    /// The question; `subjects`: whose events it counts.
    func ask(
        _ fields: QuestionFields, of subjects: Subjects = .own
    ) throws(Problem) -> MeterAsk {
        var ask = MeterAsk(meter: fields.meter, by: fields.by, filters: fields.filters)
        ask.subjects = subjects
        ask.zone = try zone(fields.texts["zone"])
        ask.from = try time(fields, "from", ask.zone, roundingUp: false)
        ask.to = try time(fields, "to", ask.zone, roundingUp: true)
        ask.step = try word(fields, "window") ?? .none
        ask.order = try word(fields, "order")
        ask.compare = try word(fields, "compare")
        ask.fill = try word(fields, "fill") ?? .zero
        ask.limit = Int(try integer(fields, "limit", 1...QuestionReader.mostRows) ?? 1_000)
        ask.offset = Int(try integer(fields, "offset", 0...1_000_000_000) ?? 0)
        ask.percentiles = fields.percentiles
        ask.member = fields.member
        ask.isRanked = fields.isRanked || fields.member != nil
        guard let cursor = fields.texts["cursor"] else { return ask }
        guard fields.texts["offset"] == nil else {
            throw Problem(400, "offset cannot be given together with cursor")
        }
        guard let place = Cursor(cursor), place.digest == Cursor.digest(ask) else {
            throw Problem(
                400, "cursor is none of this question: repeat the question that gave it unchanged")
        }
        ask.offset = place.offset
        ask.from = place.from
        ask.to = place.to
        return ask
    }

    /// Whether numbers are wanted as texts.
    static func asksForTexts(_ fields: QuestionFields) throws(Problem) -> Bool {
        guard let text = fields.texts["numbers"] else { return false }
        guard text.elementsEqual("text".utf8) else { throw Problem(400, "numbers must be text") }
        return true
    }

    private func zone(_ text: [UInt8]?) throws(Problem) -> Zone {
        guard let text else { return .utc }
        let name = String(decoding: text.prefix(64), as: UTF8.self)
        do throws(ZoneDatabase.Fault) {
            return try zones.zone(named: name)
        } catch {
            throw Problem(400, "zone must be a time zone like Europe/Berlin; \(error.text)")
        }
    }

    /// A time of RFC 3339, or a date of the zone, which is its first moment.
    func time(
        _ fields: QuestionFields, _ name: String, _ zone: Zone, roundingUp: Bool
    ) throws(Problem) -> Int64? {
        guard let text = fields.texts[name] else { return nil }
        if text.count == 10, let midnight = TimeText.nanoseconds(rfc3339: text + "T00:00:00Z".utf8)
        {
            return zone.firstMoment(ofLocal: midnight / 1_000_000_000)
        }
        guard let nanoseconds = TimeText.nanoseconds(rfc3339: text) else {
            throw Problem(400, "\(name) is not an RFC 3339 time with a zone, and not a date")
        }
        let second = Metering.floorDivide(nanoseconds, 1_000_000_000)
        let isWhole = second * 1_000_000_000 == nanoseconds
        return roundingUp && !isWhole ? second + 1 : second
    }

    private func word<Word: RawRepresentable & CaseIterable>(
        _ fields: QuestionFields, _ name: String
    ) throws(Problem) -> Word? where Word.RawValue == String {
        guard let text = fields.texts[name] else { return nil }
        if let word = Word(rawValue: String(decoding: text, as: UTF8.self)) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(400, "\(name) must be one of: \(words)")
    }

    private func integer(
        _ fields: QuestionFields, _ name: String, _ range: ClosedRange<Int64>
    ) throws(Problem) -> Int64? {
        guard let text = fields.texts[name] else { return nil }
        guard text.count <= 18,
            text.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: "-") }),
            let number = Int64(String(decoding: text, as: UTF8.self))
        else { throw Problem(400, "\(name) is not an integer") }
        guard range.contains(number) else {
            throw Problem(400, "\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

/// Where the next page of an answer begins: its first row and the range, so that pages fit together
/// while time goes on.
struct Cursor {
    let offset: Int
    let from: Int64?
    let to: Int64?
    /// Of the question without page and range.
    let digest: UInt64

    init(offset: Int, range: TimeRange?, of ask: MeterAsk) {
        self.offset = offset
        from = range?.start
        to = range?.end
        digest = Cursor.digest(ask)
    }

    /// `OFFSET.FROM.TO.DIGEST`; nil for anything else.
    init?(_ text: [UInt8]) {
        let parts = String(decoding: text, as: UTF8.self).split(
            separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let offset = Int(parts[0]), (0...1_000_000_000).contains(offset),
            let digest = UInt64(parts[3], radix: 16)
        else { return nil }
        self.offset = offset
        self.digest = digest
        if parts[1].isEmpty, parts[2].isEmpty {
            from = nil
            to = nil
            return
        }
        // Years 1700 to 2200, as times of events.
        let known = Int64(-8_520_336_000)...Int64(7_289_654_400)
        guard let from = Int64(parts[1]), let to = Int64(parts[2]), known.contains(from),
            known.contains(to)
        else { return nil }
        self.from = from
        self.to = to
    }

    var text: String {
        let (start, end) = (from.map { String($0) } ?? "", to.map { String($0) } ?? "")
        return "\(offset).\(start).\(end).\(String(digest, radix: 16))"
    }

    /// A sum over everything that decides which rows there are, and their order.
    static func digest(_ ask: MeterAsk) -> UInt64 {
        var sum: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            // No UTF-8 text contains the byte 255.
            sum = (sum ^ 255) &* 0x0000_0100_0000_01b3
        }
        add(ask.meter.utf8)
        add(ask.step.rawValue.utf8)
        add(ask.zone.name.utf8)
        add((ask.order?.rawValue ?? "").utf8)
        add((ask.compare?.rawValue ?? "").utf8)
        add(ask.fill.rawValue.utf8)
        for name in ask.by { add(name.utf8) }
        for filter in ask.filters {
            add((filter.dimension + (filter.isExcluding ? "!" : "=")).utf8)
            for value in filter.values { add(value) }
        }
        switch ask.subjects {
        case .own: break
        case .all: add("*".utf8)
        case .some(let ids): for id in ids { add("=".utf8 + id) }
        }
        for percentile in ask.percentiles { add(percentile.text.utf8) }
        if ask.isRanked { add("rest".utf8) }
        // A member has one row and no next page.
        return sum
    }
}
