/// The clock of questions and answers; tests set it.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Int64

    /// A clock that calls `read` for nanoseconds since 1970.
    public init(_ read: @escaping @Sendable () -> Int64) { self.read = read }

    /// Nanoseconds since 1970.
    public var nanoseconds: Int64 { read() }
    /// Whole seconds since 1970.
    public var seconds: Int64 { TimeText.floorDivide(read(), 1_000_000_000) }
}
