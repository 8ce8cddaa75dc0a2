/// Decides when a table that was needed much larger before gives memory back.
///
/// A table whose capacity was used to less than an eighth `patience` times in a row is made as
/// small as twice the most of these times. So one large record does not keep its memory, and a load
/// that needs it now and then does not take it again each time. A value.
struct Shrinking {
    private static var part: Int { 8 }

    /// A table of at most so many elements stays as it is; a power of two.
    private let least: Int
    private let patience: Int
    private var times = 0
    private var most = 0

    /// `least` is more than usual loads need: their tables never change for it.
    init(least: Int, patience: Int = 8) {
        self.least = least
        self.patience = patience
    }

    /// Notes how much of a capacity was used; the capacity, a power of two, to which it should be
    /// made smaller now, or nil.
    @inline(__always)
    mutating func note(used: Int, of capacity: Int) -> Int? {
        guard capacity > least else { return nil }
        return noteLarge(used: used, of: capacity)
    }

    @inline(never)
    private mutating func noteLarge(used: Int, of capacity: Int) -> Int? {
        guard used < capacity / Self.part else {
            times = 0
            most = 0
            return nil
        }
        times += 1
        most = max(most, used)
        guard times >= patience else { return nil }
        var smaller = least
        while smaller < most * 2 { smaller *= 2 }
        times = 0
        most = 0
        // An array may have taken a little more than it was asked for.
        return smaller * 2 <= capacity ? smaller : nil
    }
}
