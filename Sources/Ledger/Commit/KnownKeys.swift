internal import Metering

/// Which keys a lane has probably written before, so that the content of a new one travels as a
/// dump.
///
/// It may be wrong either way, which costs time only: the script makes the key of a dump where it
/// is absent, and else adds its entries. It knows about the last million keys, in 4 MB. One thread.
struct KnownKeys: ~Copyable {
    private static let bucketCount = 1 << 17
    /// Eight tags of 32 bits, the latest first; 0: none.
    private typealias Bucket = SIMD8<UInt32>
    private let buckets = UnsafeMutablePointer<Bucket>.allocate(capacity: KnownKeys.bucketCount)

    init() { buckets.initialize(repeating: .zero, count: Self.bucketCount) }

    deinit { buckets.deallocate() }

    /// Whether a key was probably not written before; it is known from then on.
    mutating func insert(_ key: UnsafeRawBufferPointer) -> Bool {
        let hash = Hashing.table(key)
        let bucket = buckets + Int(truncatingIfNeeded: hash >> 32) & (Self.bucketCount - 1)
        let tag = max(1, UInt32(truncatingIfNeeded: hash))
        if any(bucket.pointee .== Bucket(repeating: tag)) { return false }
        var tags = Bucket(repeating: tag)
        for index in 1..<Bucket.scalarCount { tags[index] = bucket.pointee[index - 1] }
        bucket.pointee = tags
        return true
    }
}
