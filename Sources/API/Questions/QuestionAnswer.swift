import HTTPServer
import Metering
import Query
import Zones

/// A question with its plan, its rows, and how they are written.
struct QuestionAnswer {
    let plan: QuestionPlan
    let rows: QuestionRows
    let page: [QuestionRows.Place]
    let isText: Bool
    let asOfMilliseconds: Int64?
    let nowMilliseconds: Int64

    /// The cursor of the next page; nil where this is the last one.
    var next: String? {
        let end = plan.ask.offset + page.count
        guard end < rows.count, !page.isEmpty else { return nil }
        return Cursor(offset: end, range: plan.range, of: plan.ask).text
    }

    /// What the rows of the page are among all; nil where that is not asked for.
    var ranks: QuestionRows.Ranks? { plan.ask.isRanked ? rows.ranks(page) : nil }

    /// Error of numbers that are not exact: the standard error of an estimate, or the greatest one
    /// of a percentile.
    private var error: String? {
        if plan.meter.kind == "distinct" || rows.hasEstimates { return "0.0081" }
        return hasStepsOfSeveral ? Percentile.error : nil
    }

    /// Whether the page has a percentile from a step that holds more than one value.
    private var hasStepsOfSeveral: Bool {
        guard !plan.ask.percentiles.isEmpty else { return false }
        return page.contains { place in
            guard case .percentiles(_, let values) = rows.value(place) else { return false }
            return values.contains { $0 ?? 0 >= 128 }
        }
    }

    private var isExact: Bool {
        error == nil && !rows.hasOthers && plan.buckets.allSatisfy(\.isExact)
    }

    // MARK: JSON

    func write(to json: inout JSONWriter) {
        let ranks = ranks
        json.object { json in
            json.member("meter", string: plan.meter.name)
            json.member("kind", string: plan.meter.kind)
            json.member("window", string: plan.ask.step.rawValue)
            json.array("by") { list in plan.ask.by.forEach { list.string($0) } }
            json.array("data") { list in
                // Rows of one bucket come one after the other: its times are written once.
                var times = BucketTimes(plan)
                for (index, place) in page.enumerated() {
                    write(place, rank: ranks.map { ($0.ranks[index], $0.total) }, &times, to: &list)
                }
            }
            json.object("meta") { writeMeta(ranks, to: &$0) }
        }
    }

    private func write(
        _ place: QuestionRows.Place, rank: (rank: Int?, total: Int64)?,
        _ times: inout BucketTimes, to list: inout JSONWriter
    ) {
        let bucket = plan.buckets[place.bucket]
        list.object { json in
            json.name("start")
            json.raw(times.json(place.bucket).start)
            json.name("end")
            json.raw(times.json(place.bucket).end)
            json.name("label")
            json.raw(times.json(place.bucket).label)
            // The range itself is no step of the calendar of which a part could be missing.
            if bucket.isPartial, plan.ask.step != .none { json.member("partial", bool: true) }
            if !bucket.isExact || rows.isEstimate(place) { json.member("exact", bool: false) }
            json.object("by") {
                for (name, value) in zip(plan.ask.by, rows.groups[place.group]) {
                    $0.member(name, string: value)
                }
            }
            write(rows.value(place), to: &json)
            if let (rank, total) = rank {
                json.member("rank", integer: rank.map { Int64($0) })
                json.name("share")
                write(share(place, of: total), to: &json)
            }
            guard !plan.compared.isEmpty else { return }
            let range = plan.compared[place.bucket]
            json.object("compare") { json in
                json.member("start", string: plan.ask.zone.text(range.start))
                json.member("end", string: plan.ask.zone.text(range.end))
                if range.start == range.end {
                    json.memberNull("value")
                } else {
                    write(rows.compared(place), to: &json)
                }
            }
        }
    }

    private func write(_ value: QuestionRows.Value, to json: inout JSONWriter) {
        switch value {
        case .single(let number):
            json.name("value")
            write(number, to: &json)
        case .quotient(let quotient):
            json.name("value")
            write(quotient, to: &json)
        case .percentiles(let count, let values):
            json.name("value")
            write(.integer(count), scale: 0, to: &json)
            json.object("percentiles") { json in
                for (percentile, value) in zip(plan.ask.percentiles, values) {
                    json.name(percentile.text)
                    write(value.map { .integer($0) }, to: &json)
                }
            }
        case .steps(let steps):
            json.name("value")
            write(.integer(steps.reduce(0) { $0 + $1.count }), scale: 0, to: &json)
            json.array("steps") { list in
                for step in steps {
                    list.object { json in
                        json.name("low")
                        write(.integer(step.low), to: &json)
                        json.name("high")
                        write(.integer(step.high), to: &json)
                        json.name("count")
                        write(.integer(step.count), scale: 0, to: &json)
                    }
                }
            }
        }
    }

    private func write(_ number: MeterNumber?, scale: Int? = nil, to json: inout JSONWriter) {
        switch number {
        case .integer(let value):
            let scale = scale ?? plan.meter.scale
            if isText {
                json.string(ScaledNumber.text(value, scale: scale))
            } else {
                json.decimal(scaled: value, digits: scale)
            }
        case .time(let nanoseconds):
            TimeText.withSevenDecimals(nanoseconds: nanoseconds) { json.string($0) }
        case .text(let text): json.string(text)
        case nil: json.null()
        }
    }

    private func write(_ quotient: Quotient?, to json: inout JSONWriter) {
        guard let quotient else { return json.null() }
        if isText { json.string(quotient.text) } else { json.raw(Array(quotient.text.utf8)) }
    }

    /// Which part of the sum of all rows a row is; nil where that sum is 0.
    func share(_ place: QuestionRows.Place, of total: Int64) -> Quotient? {
        guard case .single(.integer(let value)?) = rows.value(place) else { return nil }
        return Quotient(value, total)
    }

    private func writeMeta(_ ranks: QuestionRows.Ranks?, to json: inout JSONWriter) {
        let zone = plan.ask.zone
        json.member("zone", string: zone.name)
        json.member("from", string: plan.range.map { Array(zone.text($0.start).utf8) })
        json.member("to", string: plan.range.map { Array(zone.text($0.end).utf8) })
        json.array("clipped") { list in
            for clip in plan.clips {
                list.object {
                    $0.member("edge", string: clip.isStart ? "from" : "to")
                    $0.member("asked", string: zone.text(clip.asked))
                    $0.member("answered", string: zone.text(clip.answered))
                }
            }
        }
        json.member("asOf", string: asOfMilliseconds.map { Array(TimeText.millisecond($0).utf8) })
        json.member("lagMs", integer: asOfMilliseconds.map { max(0, nowMilliseconds - $0) })
        json.member("exact", bool: isExact)
        json.member("error", json: error.map { Array($0.utf8) })
        json.member("others", bool: rows.hasOthers)
        json.member("rows", integer: Int64(rows.count))
        json.member("offset", integer: Int64(plan.ask.offset))
        json.member("next", string: next.map { Array($0.utf8) })
        guard let ranks else { return }
        json.name("total")
        write(.integer(ranks.total), to: &json)
        json.name("rest")
        write(.integer(ranks.rest), to: &json)
    }
}

/// The times of the bucket that was written last, as JSON.
private struct BucketTimes {
    private let plan: QuestionPlan
    private var bucket = -1
    private var known: (start: [UInt8], end: [UInt8], label: [UInt8]) = ([], [], [])

    init(_ plan: QuestionPlan) { self.plan = plan }

    mutating func json(_ index: Int) -> (start: [UInt8], end: [UInt8], label: [UInt8]) {
        if index == bucket { return known }
        bucket = index
        let null = Array("null".utf8)
        guard plan.range != nil else {
            known = (null, null, null)
            return known
        }
        let found = plan.buckets[index]
        func quoted(_ text: String) -> [UInt8] { Array("\"\(text)\"".utf8) }
        known = (
            quoted(plan.ask.zone.text(found.start)), quoted(plan.ask.zone.text(found.end)),
            plan.ask.step.label(ofLocal: found.local).map(quoted) ?? null
        )
        return known
    }
}
