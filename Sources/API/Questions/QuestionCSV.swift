import Metering
import Query

extension QuestionAnswer {
    /// RFC 4180, with a line of names; a value that is not there is an empty field.
    func csv() -> [UInt8] {
        var csv = CSVWriter()
        csv.line((["start", "end", "label"] + plan.ask.by + valueNames).map { Array($0.utf8) })
        let zone = plan.ask.zone
        let ranks = ranks
        for (index, place) in page.enumerated() {
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
            case .percentiles(let count, let values):
                let percentiles = values.map { text($0.map { .integer($0) }) }
                csv.line(head + [Array(String(count).utf8)] + percentiles)
            case .single, .quotient:
                csv.line(
                    head + [text(rows.value(place))] + comparedFields(place)
                        + (ranks.map { rankFields(place, $0.ranks[index], $0.total) } ?? []))
            }
        }
        return csv.bytes
    }

    private func comparedFields(_ place: QuestionRows.Place) -> [[UInt8]] {
        guard !plan.compared.isEmpty else { return [] }
        let range = plan.compared[place.bucket]
        let zone = plan.ask.zone
        return [
            Array(zone.text(range.start).utf8), Array(zone.text(range.end).utf8),
            range.start == range.end ? [] : text(rows.compared(place)),
        ]
    }

    /// The names of the fields behind the dimensions.
    private var valueNames: [String] {
        if plan.meter.kind == "histogram" {
            let percentiles = plan.ask.percentiles
            return percentiles.isEmpty
                ? ["low", "high", "count"] : ["value"] + percentiles.map { "p\($0.text)" }
        }
        return ["value"]
            + (plan.compared.isEmpty ? [] : ["compare_start", "compare_end", "compare_value"])
            + (plan.ask.isRanked ? ["rank", "share"] : [])
    }

    private func rankFields(
        _ place: QuestionRows.Place, _ rank: Int?, _ total: Int64
    ) -> [[UInt8]] {
        [rank.map { String($0) } ?? "", share(place, of: total)?.text ?? ""].map { Array($0.utf8) }
    }

    /// A value that is one field; steps and percentiles are none.
    private func text(_ value: QuestionRows.Value) -> [UInt8] {
        switch value {
        case .single(let number): text(number)
        case .quotient(let quotient): Array((quotient?.text ?? "").utf8)
        case .steps, .percentiles: []
        }
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

/// Writes lines of CSV.
struct CSVWriter {
    private(set) var bytes: [UInt8] = []
    private let lineEnd: [UInt8]

    /// `lineEnd`: what ends each line; RFC 4180's where nothing is said.
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
