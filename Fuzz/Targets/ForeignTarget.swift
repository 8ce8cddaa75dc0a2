/// A record of a catalog that takes what others write: values in many forms and places,
/// times in many formats.
///
/// The input is that of `FuzzRecord`; outcome and cells must be the oracle's, which shares no code
/// with the product.
final class ForeignTarget: FuzzTarget {
    private static let catalog = """
        version: 1
        envelope:
          id: {at: [/id, {header: id}, {key: /id}], from: any}
          source: {const: s}
          type: [/type, {header: type}, {const: use}]
          subject: {at: [/org, /orgs/0, {list: /kv, key: k, value: v, name: org}, {key: true}], from: any}
          data: {at: /text, inside: json}
          time: {at: [/at, {header: at}], format: [unix-ms, unix, iso8601, common-log, "%d.%m.%Y %H:%M:%S"], zone: Europe/Berlin}
        events:
          use:
            fields:
              a: {at: /a, is: decimal, scale: 0, from: text}
              b: {at: [/b, {header: b}], is: decimal, scale: 3, round: half_even, from: text}
              c: {at: /c, is: decimal, scale: 12, round: half_even, otherwise: unknown}
              n: {at: /n, is: integer, from: text, max: 9007199254740991}
              t: {at: /t, from: any}
              v: {at: /v, from: any, values: ["1", "true", "0.5", x]}
              o: {at: [/o, {header: o}], is: boolean, otherwise: unknown}
              l: {at: /l, each: true, from: any, otherwise: unknown}
          place:
            fields:
              a: {at: [/text/a/0, /text/b, {list: /text/kv, key: k, value: v, name: a}], is: integer, otherwise: unknown}
              b: {at: {list: /kv, key: k, value: /v/s, name: b}, otherwise: unknown}
              c: {at: {list: /kv, key: k, value: v, name: "c"}, from: any}
              d: {at: [/d/1/x, /d/0, {key: /d}, {header: d}], otherwise: unknown}
          when:
            fields:
              a: {at: /a, is: time, format: [unix-ns, unix-us]}
              b: {at: /b, is: time, format: iso8601, zone: America/Havana, otherwise: unknown}
              c: {at: /c, is: time, format: ["%b %d %Y %I:%M:%S.%f%p%z", "%y%m%d", unix], zone: Australia/Lord_Howe}
              d: {at: /d, is: time}
        meters:
          as: {kind: sum, windows: [all], by: [t], signed: true, on: [{event: use, amount: a}]}
          bs: {kind: sum, windows: [all], per: [v], by: [n], signed: true, on: [{event: use, amount: b}]}
          cs: {kind: ranking, windows: [all], by: [o, n], signed: true, on: [{event: use, amount: c}]}
          ns: {kind: level, windows: [all], signed: true, on: [{event: use, amount: n}]}
          ls: {kind: count, windows: [all], by: [l.value, l.key], on: [{event: use}]}
          hs: {kind: histogram, windows: [all], value: b, on: [{event: use}]}
          ps: {kind: count, windows: [all], by: [b, c, d], on: [{event: place}]}
          ts: {kind: extreme, keep: max, value: time, windows: [all], on: [{event: use}]}
          was: {kind: extreme, keep: max, value: a, windows: [all], on: [{event: when}]}
          wbs: {kind: extreme, keep: max, value: b, windows: [all], on: [{event: when}]}
          wcs: {kind: count, windows: [minute, month], on: [{event: when, time: c}]}
          wds: {kind: extreme, keep: min, value: d, windows: [all], on: [{event: when}]}
          qs: {kind: sum, windows: [all], by: [a], signed: true, on: [{event: place, amount: a}]}
        """
    private let twin: RecordTwin

    init() throws { twin = try RecordTwin(catalog: Self.catalog) }

    func finding(for input: [UInt8]) -> String? { twin.finding(for: FuzzRecord(input)) }
}
