import Synchronization

/// A token bucket for each key, in a fixed amount of memory; safe to use from every thread.
///
/// A bucket is one number: the moment at which it will be full again. A full bucket needs no entry,
/// so an entry is free as soon as its moment has passed. Keys are known by a 64-bit hash, seeded
/// for each process; each hash has eight possible entries. When all of them are in use, the one
/// that is full soonest is replaced: a flood of keys only makes the table forget those who used
/// least.
public final class RateLimiter: Sendable {
    /// The answer to one request.
    public enum Decision: Equatable, Sendable {
        /// A token was taken.
        case allowed
        /// The bucket is empty; a token will be there after this many whole seconds, at least 1.
        case refused(retryAfterSeconds: Int)
    }

    private struct Entry {
        var hash: UInt64 = 0
        var fullAtNanoseconds: UInt64 = 0
    }

    private final class Shard: Sendable {
        let entries: Mutex<[Entry]>

        init(count: Int) {
            entries = Mutex(Array(repeating: Entry(), count: count))
        }
    }

    /// The most tokens that a bucket may hold, and that it may get in a second.
    public static let largestBurst = 1_000_000

    private static let ways = 8
    private static let shardBits = 4
    private let shards: [Shard]
    private let setsPerShard: Int
    private let nanosecondsPerToken: UInt64
    private let capacityNanoseconds: UInt64

    /// Makes a limiter that refills `perSecond` tokens a second up to `burst`.
    ///
    /// It remembers about `keys` keys (at least 128), 16 bytes each.
    public init(perSecond: Double, burst: Int, keys: Int = 65_536) throws(HTTPError) {
        guard perSecond >= 0.001, perSecond <= Double(Self.largestBurst) else {
            throw HTTPError(
                .configuration,
                "rate limit: \(perSecond) a second is outside 0.001...\(Self.largestBurst)")
        }
        guard (1...Self.largestBurst).contains(burst) else {
            throw HTTPError(
                .configuration, "rate limit: burst \(burst) is outside 1...\(Self.largestBurst)")
        }
        guard (1...16_777_216).contains(keys) else {
            throw HTTPError(.configuration, "rate limit: keys \(keys) is outside 1...16777216")
        }
        nanosecondsPerToken = UInt64(1_000_000_000 / perSecond)
        capacityNanoseconds = nanosecondsPerToken * UInt64(burst)
        let sets = max(1, keys / (RateLimiter.ways << RateLimiter.shardBits))
        setsPerShard = sets
        shards = (0..<(1 << RateLimiter.shardBits)).map { _ in
            Shard(count: sets * RateLimiter.ways)
        }
    }

    /// Takes a token from this key's bucket at a moment of `MonotonicTime`.
    public func take(_ key: [UInt8], atNanoseconds now: UInt64) -> Decision {
        change(key, at: now) { fullAt in
            let next = fullAt + nanosecondsPerToken
            let debt = next - now
            guard debt <= capacityNanoseconds else {
                let wait = debt - capacityNanoseconds
                return .refused(
                    retryAfterSeconds: Int(wait / 1_000_000_000)
                        + (wait % 1_000_000_000 > 0 ? 1 : 0))
            }
            fullAt = next
            return .allowed
        }
    }

    /// Takes `tokens` (0 to `largestBurst`) from this key's bucket, even where it has fewer.
    ///
    /// `take` refuses until the missing tokens have been refilled.
    public func charge(_ key: [UInt8], tokens: Int, atNanoseconds now: UInt64) {
        let cost = UInt64(min(max(0, tokens), Self.largestBurst)) * nanosecondsPerToken
        guard cost > 0 else { return }
        change(key, at: now) { $0 += cost }
    }

    /// Lets `body` change the moment at which this key's bucket is full; it is `now` or later.
    private func change<Result>(
        _ key: [UInt8], at now: UInt64, _ body: (_ fullAt: inout UInt64) -> Result
    ) -> Result {
        var hasher = Hasher()
        key.withUnsafeBytes { hasher.combine(bytes: $0) }
        // 0 marks an entry that was never used.
        let hash = max(1, UInt64(bitPattern: Int64(hasher.finalize())))
        let shard = shards[Int(hash >> UInt64(64 - RateLimiter.shardBits))]
        let set = Int(hash & 0xffff_ffff) % setsPerShard * RateLimiter.ways
        return shard.entries.withLock { entries in
            var index = set
            for candidate in set..<set + RateLimiter.ways {
                if entries[candidate].hash == hash {
                    index = candidate
                    break
                }
                if entries[candidate].fullAtNanoseconds < entries[index].fullAtNanoseconds {
                    index = candidate
                }
            }
            let entry = entries[index]
            let before = entry.hash == hash ? max(entry.fullAtNanoseconds, now) : now
            var fullAt = before
            let result = body(&fullAt)
            if fullAt != before { entries[index] = Entry(hash: hash, fullAtNanoseconds: fullAt) }
            return result
        }
    }
}
