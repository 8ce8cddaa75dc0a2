import Workload

/// How a file of another form writes times.
public struct ForeignTime: Sendable {
    private let read: @Sendable ([UInt8]) -> Int64?

    /// A form of times; the closure reads one as nanoseconds since 1970.
    public init(_ read: @escaping @Sendable ([UInt8]) -> Int64?) { self.read = read }

    /// Milliseconds since 1970; nil when the bytes are not such a time, or when its year is outside
    /// those of events.
    func milliseconds(_ text: [UInt8]) -> Int64? {
        read(text).map { EventTime.milliseconds(nanoseconds: $0) }.flatMap {
            EventTime.millisecondRange.contains($0) ? $0 : nil
        }
    }
}
