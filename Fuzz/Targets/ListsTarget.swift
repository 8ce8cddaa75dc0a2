/// Records of several events: entries of arrays within each other, of the value itself, lines, and
/// batches of CloudEvents.
///
/// The input is that of `FuzzRecord`, read by each of four catalogs; outcomes and cells must be the
/// oracle's, which shares no code with the product.
final class ListsTarget: FuzzTarget {
    private static let envelopes = [
        """
          each: [/a, /b/c, /d]
          id: [/id, {record: true}]
          source: [{in: record, at: /s}, {const: s}]
          type: [{in: /b/c, at: /type}, {const: use}]
          subject: {at: [/org, {in: /a, list: /kv, key: k, value: v, name: org}, {in: /b/c, at: /org}], from: any}
          time: [/at, {in: /a, at: /at}]
        """,
        """
          each: [array, /d]
          id: {record: true}
          source: {const: s}
          type: {const: use}
          subject: [{in: array, at: /org}, {key: true}]
          time: /at
        """,
        """
          each: lines
          id: /id
          source: {const: s}
          type: {const: use}
          subject: [/org, {header: org}]
          time: /at
        """,
        "",
    ]
    private let twins: [RecordTwin]

    init() throws {
        twins = try Self.envelopes.enumerated().map { number, envelope in
            let outer = ["{in: /b/c, at: /n}", "{in: array, at: /n}"]
            let n = number < 2 ? "[/n, \(outer[number])]" : "[/n, /data/n]"
            return try RecordTwin(
                catalog: """
                    version: 1
                    \(envelope.isEmpty ? "" : "envelope:\n" + envelope)
                    events:
                      use:
                        fields:
                          n: {at: \(n), is: integer, from: text}
                          t: {at: /t, from: any}
                          l: {at: /l, each: true, otherwise: unknown}
                    meters:
                      ns: {kind: sum, windows: [all], by: [t], on: [{event: use, amount: n}]}
                      ls: {kind: count, windows: [all], by: [l.value], on: [{event: use}]}
                    """)
        }
    }

    func finding(for input: [UInt8]) -> String? {
        let record = FuzzRecord(input)
        for (number, twin) in twins.enumerated() {
            if let found = twin.finding(for: record) { return "catalog \(number): \(found)" }
        }
        return nil
    }
}
