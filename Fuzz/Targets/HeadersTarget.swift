import Metering
import Workload

/// A record in binary mode: its outcome must be the oracle's, which shares no code with the
/// product.
///
/// The input is that of `FuzzRecord`.
final class HeadersTarget: FuzzTarget {
    private static let catalog = """
        version: 1
        events:
          sale:
            fields:
              shop: {at: /data/shop, required: true, values: [a, b, "é"]}
              cents: {at: /data/cents, is: integer}
              paid: {at: /data/paid, is: time}
              tags: {at: /data/tags, each: true}
        meters:
          sales: {kind: count, windows: [day, all], by: [shop], on: [{event: sale}]}
          revenue: {kind: sum, windows: [month, all], on: [{event: sale, amount: cents, time: paid}]}
          tagged: {kind: ranking, windows: [day], by: [tags.key], on: [{event: sale}]}
        """
    private let twin: RecordTwin

    init() throws { twin = try RecordTwin(catalog: Self.catalog) }

    func finding(for input: [UInt8]) -> String? {
        let record = FuzzRecord(input)
        let binary = record.attributes
        let isMarked = record.headers.contains {
            $0.name.starts(with: "ce_".utf8) && $0.name.count > 3
        }
        if binary.isBinary, !isMarked { return "binary mode without a header of CloudEvents" }
        return lastCounts(record, binary) ?? twin.finding(for: record)
    }

    /// Each attribute must be the value of the last header with its name, not copied.
    private func lastCounts(_ record: FuzzRecord, _ binary: BinaryAttributes) -> String? {
        let read = [
            ("ce_specversion", binary.specversion), ("ce_id", binary.id),
            ("ce_source", binary.source), ("ce_type", binary.type),
            ("ce_subject", binary.subject), ("ce_time", binary.time),
        ]
        for (name, value) in read {
            let last = record.headers.last { $0.name.elementsEqual(name.utf8) }?.value
            if last?.baseAddress != value?.baseAddress || last?.count != value?.count {
                return "\(name) is \(shown(value.map { Array($0) } ?? []))"
            }
        }
        return nil
    }
}
