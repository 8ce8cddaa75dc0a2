/// Reads times outside of the loop: those of mappings and of options.
///
/// Safe on every thread.
public struct TimeReader: Sendable {
    private let formats: [TimeFormat]
    private let zone: LocalZone?

    /// A reader that tries these formats in their order.
    ///
    /// - Parameter zone: the zone of texts without one; nil: such a text is no time.
    public init(_ formats: [TimeFormat], zone: LocalZone? = nil) {
        self.formats = formats
        self.zone = zone
    }

    /// Nanoseconds since 1970; nil for a text in none of the formats.
    ///
    /// Of several formats the first counts whose time is not before the year 2000, else the first
    /// that fits.
    public func nanoseconds(_ text: some Sequence<UInt8>) -> Int64? {
        Array(text).withUnsafeBytes { text in
            let times = formats.compactMap { read(text, $0) }
            return times.first { $0 >= EarliestTime.standard.nanoseconds } ?? times.first
        }
    }

    private func read(_ text: UnsafeRawBufferPointer, _ format: TimeFormat) -> Int64? {
        let local: LocalTime?
        switch format {
        case .rfc3339: return Timestamp.nanoseconds(text)
        case .unix(let unit):
            return Timestamp.nanoseconds(since1970: text, power: Int32(unit.rawValue))
        case .iso8601: local = LocalTime(iso8601: text)
        case .pattern(let pattern):
            local = pattern.steps.withUnsafeBufferPointer { LocalTime(text, $0) }
        }
        return local?.inNanoseconds(zone)?.nanoseconds
    }
}
