public import Workload

/// The first records of a seed's stream.
public struct GeneratedSource: RecordSource, ~Copyable {
    private var generator: EventGenerator
    private var left: Int

    /// The first `count` records of a stream.
    public init(seed: UInt64, profile: EventProfile, count: Int) {
        generator = EventGenerator(seed: seed, profile: profile)
        left = count
    }

    /// Event time around which the next events happen; nil follows the profile's span.
    public var clock: Int64? {
        get { generator.clock }
        set { generator.clock = newValue }
    }

    /// Makes the next record.
    public mutating func next() -> SourceRecord? {
        guard left > 0 else { return nil }
        left -= 1
        return generator.withNext { record in
            var made = SourceRecord(
                key: Array(record.key), value: record.value.map { Array($0) },
                headers: record.headers.map { header in
                    (
                        name: String(decoding: header.name, as: UTF8.self),
                        value: header.value.map { Array($0) }
                    )
                }, time: record.streamTime)
            made.changesCells = record.isCountable
            return made
        }
    }
}
