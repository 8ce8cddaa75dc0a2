public import Workload

/// The first records of the stream of a seed.
public struct GeneratedSource: RecordSource, ~Copyable {
    private var generator: EventGenerator
    private var left: Int

    /// Makes a source of the first `count` records of a stream.
    public init(seed: UInt64, profile: EventProfile, count: Int) {
        generator = EventGenerator(seed: seed, profile: profile)
        left = count
    }

    /// The time of the next events, milliseconds since 1970; nil: it follows the profile's span.
    public var clockMilliseconds: Int64? {
        get { generator.clockMilliseconds }
        set { generator.clockMilliseconds = newValue }
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
                }, timeMilliseconds: record.streamMilliseconds)
            made.changesCells = record.isCountable
            return made
        }
    }
}
