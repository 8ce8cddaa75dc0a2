/// Times as events write them.
public enum EventTime {
    /// Milliseconds since 1970 of an RFC 3339 time with a zone; nil for any other text.
    public static func milliseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        TimeText.nanoseconds(text).map { floorDivided($0, 1_000_000) }
    }

    /// Milliseconds of nanoseconds since 1970, rounded down.
    public static func milliseconds(nanoseconds: Int64) -> Int64 {
        floorDivided(nanoseconds, 1_000_000)
    }

    /// The years in which dates are read and written; all have four digits.
    private static let years = 1_700...2_200

    /// Those years in milliseconds since 1970; no sum of two such times overflows.
    public static let millisecondRange: Range<Int64> =
        start(ofYear: years.lowerBound)..<start(ofYear: years.upperBound + 1)

    private static func start(ofYear year: Int) -> Int64 {
        CivilDate(year: year, month: 1, day: 1).days * 86_400_000
    }

    /// A time as RFC 3339 in UTC, with milliseconds.
    public static func text(_ milliseconds: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 32)
        writer.put(milliseconds: milliseconds)
        return [UInt8](writer.bytes)
    }
}
