import Metering
import Workload

/// What a random schema should have at a pointer.
indirect enum Shape: Sendable {
    /// What a value is for.
    enum Wish: Sendable {
        case version, id, kind, subject, time, key, text, plan, integer, decimal, boolean, any
    }
    case value(Wish)
    case members([(name: String, shape: Shape)])
    /// A record, message or map with these names.
    case map([String], Wish)
    case list(Shape)
}

/// Catalogs of records with schemas, and the shape of their records.
enum FramedCatalogs {
    /// One under an envelope of its own, or with the data of CloudEvents.
    static func catalog(_ format: String, isCloudEvents: Bool) throws -> MeterCatalog {
        let data = isCloudEvents ? "/data" : ""
        let envelope =
            isCloudEvents
            ? "envelope: {not_before: 1980}"
            : """
            envelope:
              not_before: 1980
              id: /id
              source: {const: gateway}
              type: {at: /type, from: any}
              subject: {at: [/who/name, /who/id], from: any}
              time: {at: [/at, /times/1], format: [rfc3339, unix-ms]}
            """
        return try Catalogs.read(
            "version: 1\nrecords: {format: \(format)}\n\(envelope)\n"
                + declared.replacing("DATA", with: data))
    }

    /// The data that the catalogs ask for.
    private static let data: [(name: String, shape: Shape)] = [
        (
            "call",
            .members([
                ("model", .value(.text)), ("plan", .value(.plan)), ("tokens", .value(.integer)),
                ("inner", .members([("cost", .value(.decimal)), ("hit", .value(.boolean))])),
            ])
        ),
        ("any", .value(.any)), ("count", .value(.integer)), ("exact", .value(.decimal)),
        ("when", .value(.time)), ("day", .value(.time)), ("local", .value(.time)),
        ("labels", .map(["region", "zone", "7", "true"], .text)),
        ("numbers", .list(.value(.integer))),
        (
            "items", .list(.members([("name", .value(.any)), ("size", .value(.integer))]))
        ),
        (
            "attributes",
            .list(
                .members([
                    ("key", .value(.key)),
                    ("value", .members([("text", .value(.text)), ("number", .value(.any))])),
                ]))
        ),
        ("tags", .list(.value(.text))),
        ("pairs", .map(["a", "b", "c", "a longer one"], .any)),
    ]

    /// A structured record.
    static func record(isCloudEvents: Bool) -> Shape {
        isCloudEvents
            ? .members([
                ("specversion", .value(.version)), ("id", .value(.id)), ("source", .value(.text)),
                ("type", .value(.kind)), ("subject", .value(.subject)), ("time", .value(.time)),
                ("data", .members(data)),
            ])
            : .members(
                [
                    ("id", .value(.id)), ("type", .value(.kind)),
                    (
                        "who",
                        .members([("name", .value(.subject)), ("id", .value(.integer))])
                    ),
                    ("at", .value(.time)), ("times", .list(.value(.time))),
                ] + data)
    }

    /// The value of a record in binary mode.
    static let binary = Shape.members(data)

    private static let declared = """
        events:
          use:
            fields:
              model: {at: DATA/call/model}
              plan: {at: DATA/call/plan, values: [free, paid], otherwise: unknown}
              tokens: {at: DATA/call/tokens, is: integer, otherwise: unknown, default: 5}
              cost: {at: DATA/call/inner/cost, is: decimal, scale: 4, round: half_even, from: text, otherwise: unknown}
              hit: {at: DATA/call/inner/hit, is: boolean, otherwise: unknown}
              any: {at: DATA/any, from: any, otherwise: unknown}
              count: {at: [DATA/count, DATA/numbers/1], is: integer, from: text, otherwise: unknown}
              exact: {at: DATA/exact, is: decimal, scale: 2, otherwise: unknown}
              when: {at: DATA/when, is: time, format: unix-ms, otherwise: unknown}
              day: {at: DATA/day, is: time, otherwise: unknown}
              local: {at: DATA/local, is: time, format: [iso8601, unix], zone: Europe/Berlin, otherwise: unknown}
              region: {at: [DATA/labels/region, DATA/labels/7, DATA/labels/true], otherwise: unknown}
              item: {at: [DATA/items/0/name, DATA/items/2/name], from: any, otherwise: unknown}
              attribute: {at: {list: DATA/attributes, key: key, value: value/text, name: model}, otherwise: unknown}
              number: {at: {list: DATA/attributes, key: key, value: value/number, name: size}, from: any, otherwise: unknown}
              tags: {at: DATA/tags, each: true, otherwise: unknown}
              pairs: {at: DATA/pairs, each: true, from: any, otherwise: unknown}
          strict:
            fields:
              model: {at: DATA/call/model, required: true}
              tokens: {at: DATA/call/tokens, is: integer, required: true}
              cost: {at: DATA/call/inner/cost, is: decimal, scale: 6}
              when: {at: DATA/when, is: time}
              any: {at: DATA/any}
        meters:
          calls: {kind: count, windows: [day, all], by: [model, plan], on: [{event: use}]}
          items: {kind: count, windows: [all], by: [item, any], on: [{event: use}]}
          found: {kind: count, windows: [all], by: [attribute, number, region], on: [{event: use}]}
          tokens: {kind: sum, signed: true, windows: [all], by: [hit], on: [{event: use, amount: tokens}, {event: strict, amount: tokens, with: {hit: model}}]}
          costs: {kind: sum, signed: true, windows: [all], on: [{event: use, amount: cost}]}
          strict_costs: {kind: sum, signed: true, windows: [all], on: [{event: strict, amount: cost}]}
          exacts: {kind: extreme, keep: max, value: exact, windows: [all], on: [{event: use}]}
          counts: {kind: distinct, of: count, windows: [all], on: [{event: use}]}
          first_when: {kind: extreme, keep: min, value: when, windows: [all], on: [{event: use}, {event: strict}]}
          last_day: {kind: extreme, keep: max, value: day, windows: [all], on: [{event: use}]}
          last_local: {kind: extreme, keep: last, value: local, windows: [all], on: [{event: use}]}
          last_any: {kind: extreme, keep: last, value: any, windows: [all], on: [{event: strict}]}
          tagged: {kind: count, windows: [all], by: [tags.value], on: [{event: use}]}
          paired: {kind: count, windows: [all], by: [pairs.key, pairs.value], on: [{event: use}]}
        """
}

/// Random values, most of them as a wish has them.
struct RandomValues {
    var random: SeededRandom

    mutating func happens(_ percent: Int) -> Bool { random.below(100) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[random.below(elements.count)]
    }

    mutating func text(_ wish: Shape.Wish) -> [UInt8] {
        if happens(2) { return pick([[0xFF, 0x41], [0xED, 0xA0, 0x80], [0x80], [0xC3]]) }
        if happens(2) { return [UInt8](repeating: 0x61, count: 250 + random.below(20)) }
        if happens(4) { return [] }
        let texts: [String] =
            switch wish {
            case .version: ["1.0"]
            case .id: ["e\(random.below(600))"]
            case .kind: happens(60) ? ["use"] : ["strict", "use", "other"]
            case .subject: ["acme", "zürich", "o'neil\"s\\", "a\u{1}b"]
            case .key: ["model", "size", "size", "other"]
            case .plan: ["free", "paid", "paid", "gold"]
            case .integer, .decimal: ["\(integer())", "0.5", "1e3", "-2.25", "7x", "007", "12"]
            case .boolean: ["true", "false"]
            case .time:
                [
                    "2026-03-09T14:00:00Z", "2026-03-09T15:00:00.25+01:00", "2026-03-09 14:00:00",
                    "20260309T140000", "1773064800", "1773064800000", "2026-03-09",
                ]
            case .text, .any: ["gpt", "clau de", "zwölf", "\u{1F600}", "1.50", "true", "x"]
            }
        return Array(pick(texts).utf8)
    }

    mutating func integer() -> Int64 {
        switch random.below(12) {
        case 0: .min
        case 1: pick([.max, 9_007_199_254_740_991, 9_007_199_254_740_992, -9_007_199_254_740_992])
        case 2: Int64(random.below(1 << 40)) << 11
        default: Int64(random.below(400)) - 20
        }
    }

    /// A time near the records' in units of which one second has 10^digits; now and then no time.
    mutating func time(digits: Int) -> Int64 {
        if happens(4) { return pick([0, -1, .max, .min, 1 << 62, -(1 << 62), 1 << 40]) }
        let unit: Int64 = [0: 1, 3: 1_000, 6: 1_000_000, 9: 1_000_000_000][digits] ?? 1
        let seconds = 1_773_000_000 + Int64(random.below(60_000))
        if happens(3) { return Int64(random.below(20_000)) * 86_400 * unit }
        return seconds * unit + (happens(50) ? Int64(random.below(Int(unit))) : 0)
    }

    mutating func double() -> Double {
        switch random.below(14) {
        case 0: .nan
        case 1: pick([.infinity, -.infinity, -0.0, .leastNonzeroMagnitude, 1e22, 1e300])
        case 2: Double(bitPattern: random.next())
        case 3: pick([123_456_789_012_345_680_000.0, 1_773_064_800_123_456_768, 1.5e21, 1.2345e-7])
        case 4: Double(Int64(truncatingIfNeeded: random.next()) >> 3)
        case 5, 6: Double(random.below(1_000_000)) / 1_000
        default: Double(random.below(4_000)) / 4
        }
    }

    mutating func float() -> Float {
        switch random.below(8) {
        case 0: .infinity
        case 1: Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
        case 2: pick([123_456_792, 16_777_216, 1e10, 3e20, 1.2345679e13, 0.1])
        default: Float(random.below(4_000)) / 8
        }
    }

    mutating func bytes() -> [UInt8] {
        let count = pick([0, 1, 2, 8, 16, 17, 18, 127, 128, 129, 130])
        if happens(20) { return [UInt8](repeating: pick([0, 0xFF]), count: count) }
        return (0..<min(count, 20)).map { _ in UInt8(random.below(256)) }
            + [UInt8](repeating: 7, count: max(0, count - 20))
    }

    mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for place in elements.indices.dropFirst() {
            elements.swapAt(place, random.below(place + 1))
        }
        return elements
    }
}
