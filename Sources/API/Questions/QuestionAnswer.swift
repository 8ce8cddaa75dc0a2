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

    /// Standard error of a number that is not exact.
    private var error: String? { plan.meter.kind == "distinct" ? "0.0081" : nil }

    private var isExact: Bool {
        error == nil && !rows.hasOthers && plan.buckets.allSatisfy(\.isExact)
    }

    // MARK: JSON

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("meter", string: plan.meter.name)
            json.member("kind", string: plan.meter.kind)
            json.member("window", string: plan.ask.step.rawValue)
            json.array("by") { list in plan.ask.by.forEach { list.string($0) } }
            json.array("data") { list in
                // Rows of one bucket come one after the other: its times are written once.
                var times = BucketTimes(plan)
                for place in page { write(place, &times, to: &list) }
            }
            json.object("meta") { writeMeta(to: &$0) }
        }
    }

    private func write(
        _ place: QuestionRows.Place, _ times: inout BucketTimes, to list: inout JSONWriter
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
            if !bucket.isExact { json.member("exact", bool: false) }
            json.object("by") {
                for (name, value) in zip(plan.ask.by, rows.groups[place.group]) {
                    $0.member(name, string: value)
                }
            }
            write(rows.value(place), to: &json)
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

    private func writeMeta(to json: inout JSONWriter) {
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
    }

    // MARK: CSV

    /// RFC 4180, with a line of names; a value that is not there is an empty field.
    func csv() -> [UInt8] {
        var csv = CSVWriter()
        let isHistogram = plan.meter.kind == "histogram"
        csv.line(
            (["start", "end", "label"] + plan.ask.by
                + (isHistogram ? ["low", "high", "count"] : ["value"])
                + (plan.compared.isEmpty ? [] : ["compare_start", "compare_end", "compare_value"]))
                .map { Array($0.utf8) })
        let zone = plan.ask.zone
        for place in page {
            let bucket = plan.buckets[place.bucket]
            let isDated = plan.range != nil
            let label = isDated ? plan.ask.step.label(ofLocal: bucket.local) ?? "" : ""
            let head =
                [
                    isDated ? zone.text(bucket.start) : "", isDated ? zone.text(bucket.end) : "",
                    label,
                ].map { Array($0.utf8) } + rows.groups[place.group]
            switch rows.value(place) {
            case .steps(let steps):
                for step in steps {
                    csv.line(
                        head + [
                            text(.integer(step.low)), text(.integer(step.high)),
                            Array(String(step.count).utf8),
                        ])
                }
            case .single(let number): csv.line(head + [text(number)] + comparedFields(place))
            }
        }
        return csv.bytes
    }

    private func comparedFields(_ place: QuestionRows.Place) -> [[UInt8]] {
        guard !plan.compared.isEmpty, case .single(let number) = rows.compared(place) else {
            return []
        }
        let range = plan.compared[place.bucket]
        let zone = plan.ask.zone
        return [
            Array(zone.text(range.start).utf8), Array(zone.text(range.end).utf8),
            range.start == range.end ? [] : text(number),
        ]
    }

    private func text(_ number: MeterNumber?) -> [UInt8] {
        switch number {
        case .integer(let value):
            return Array(ScaledNumber.text(value, scale: plan.meter.scale).utf8)
        case .time(let nanoseconds):
            var text: [UInt8] = []
            TimeText.withSevenDecimals(nanoseconds: nanoseconds) { text = [UInt8]($0) }
            return text
        case .text(let text): return text
        case nil: return []
        }
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

/// Writes lines of CSV.
struct CSVWriter {
    private(set) var bytes: [UInt8] = []
    /// What each line ends with.
    private let lineEnd: [UInt8]

    init(lineEnd: [UInt8] = [0x0D, 0x0A]) { self.lineEnd = lineEnd }

    /// Fields with a comma, a quote or a line end are quoted.
    mutating func line(_ fields: [[UInt8]]) {
        for (index, field) in fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            guard field.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else {
                bytes.append(contentsOf: field)
                continue
            }
            bytes.append(UInt8(ascii: "\""))
            for byte in field {
                if byte == UInt8(ascii: "\"") { bytes.append(byte) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(contentsOf: lineEnd)
    }
}
