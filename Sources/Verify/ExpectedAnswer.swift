import Workload

/// What `GET /v1/meters/METER` must answer for one organization over all time, by the oracle's
/// cells.
public struct ExpectedAnswer: Sendable, Equatable {
    /// One value of a meter.
    public struct Row: Sendable, Hashable {
        /// The dimensions of the meter's `by`; none where the answer is a single value.
        public var dimensions: [String: String]
        /// The number, times 10^scale.
        public var value: Int64

        /// Makes a row of these parts.
        public init(dimensions: [String: String], value: Int64) {
            self.dimensions = dimensions
            self.value = value
        }
    }

    /// The organization's id.
    public let organization: String
    /// The meter's name.
    public let meter: String
    /// Decimals of the meter's numbers.
    public let scale: Int
    /// Whether the answer is one value without dimensions.
    public let isSingle: Bool
    /// Its rows; exactly one when `isSingle`.
    public let rows: Set<Row>

    /// The answers of every count, sum, level and ranking with an all-time window.
    ///
    /// Extremes, distinct counts, histograms and grids are compared only as cells.
    static func all(
        _ organizations: [String], _ meters: [OracleMeter], _ prefix: String, shards: Int,
        _ cells: borrowing ExpectedCells
    ) -> [ExpectedAnswer] {
        var answers: [ExpectedAnswer] = []
        for organization in organizations {
            let name = Escaping.escaped(Array(organization.utf8))
            for meter in meters where meter.windows.contains(.all) && meter.scopes.contains([]) {
                switch meter.kind {
                case .count, .sum, .level, .ranking: break
                case .extreme, .distinct, .histogram, .grid: continue
                }
                let isSingle = meter.by.isEmpty
                let end = isSingle ? ":totals" : ":\(meter.family ?? meter.name):all"
                let head = isSingle ? [] : meter.head
                var rows: Set<Row> = []
                for (member, value) in found(prefix, shards, name, end, cells) {
                    guard case .integer(var number) = value else { continue }
                    if meter.kind == .level { number = max(0, number) }
                    if isSingle {
                        guard member.elementsEqual(meter.name.utf8) else { continue }
                        rows.insert(Row(dimensions: [:], value: number))
                    } else if number != 0, member.starts(with: head) {
                        let values = Array(member.dropFirst(head.count))
                        rows.insert(Row(dimensions: dimensions(values, meter.by), value: number))
                    }
                }
                if isSingle, rows.isEmpty { rows.insert(Row(dimensions: [:], value: 0)) }
                answers.append(
                    ExpectedAnswer(
                        organization: organization, meter: meter.name,
                        scale: meter.scale, isSingle: isSingle, rows: rows))
            }
        }
        return answers
    }

    /// The cells of a key, found in any shard.
    private static func found(
        _ prefix: String, _ shards: Int, _ organization: [UInt8], _ end: String,
        _ cells: borrowing ExpectedCells
    ) -> [(member: [UInt8], value: ExpectedValue)] {
        for shard in 0..<shards {
            let start = oracleKeyStart(prefix, shard: shard, shards: shards)
            let name = Array(start.utf8) + organization + Array(end.utf8)
            if let key = name.withUnsafeBytes({ cells.number(of: $0) }) { return cells.cells(key) }
        }
        return []
    }

    private static func dimensions(_ member: [UInt8], _ names: [String]) -> [String: String] {
        let parts = member.split(separator: 0x3A, omittingEmptySubsequences: false).map {
            String(decoding: LedgerKey.unescaped($0), as: UTF8.self)
        }
        return Dictionary(zip(names, parts), uniquingKeysWith: { first, _ in first })
    }
}
