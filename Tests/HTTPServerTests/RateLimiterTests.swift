import HTTPServer
import Synchronization
import Testing

@Suite struct RateLimiterTests {
    private let second: UInt64 = 1_000_000_000
    private let key = Array("key".utf8)

    @Test func aBurstThenTheRate() throws {
        let limiter = try RateLimiter(perSecond: 10, burst: 5)
        var now = 100 * second
        for _ in 0..<5 { #expect(limiter.take(key, atNanoseconds: now) == .allowed) }
        #expect(limiter.take(key, atNanoseconds: now) == .refused(retryAfterSeconds: 1))
        now += second / 10
        #expect(limiter.take(key, atNanoseconds: now) == .allowed)
        #expect(limiter.take(key, atNanoseconds: now) == .refused(retryAfterSeconds: 1))
        now += 100 * second
        for _ in 0..<5 { #expect(limiter.take(key, atNanoseconds: now) == .allowed) }
        #expect(limiter.take(key, atNanoseconds: now) != .allowed)
    }

    @Test func theWaitIsRoundedUpToWholeSeconds() throws {
        let limiter = try RateLimiter(perSecond: 0.1, burst: 1)
        #expect(limiter.take(key, atNanoseconds: second) == .allowed)
        #expect(limiter.take(key, atNanoseconds: second) == .refused(retryAfterSeconds: 10))
        #expect(limiter.take(key, atNanoseconds: 2 * second + 1) == .refused(retryAfterSeconds: 9))
        #expect(limiter.take(key, atNanoseconds: 11 * second - 1) == .refused(retryAfterSeconds: 1))
        #expect(limiter.take(key, atNanoseconds: 11 * second) == .allowed)
    }

    @Test func aRefusalCostsNothingAndKeysDoNotTouchOneAnother() throws {
        let limiter = try RateLimiter(perSecond: 1, burst: 1)
        #expect(limiter.take(key, atNanoseconds: second) == .allowed)
        for _ in 0..<100 { #expect(limiter.take(key, atNanoseconds: second) != .allowed) }
        #expect(limiter.take(key, atNanoseconds: 2 * second) == .allowed)
        for index in 0..<100 {
            #expect(limiter.take(Array("\(index)".utf8), atNanoseconds: 2 * second) == .allowed)
        }
    }

    @Test func aFloodOfKeysDoesNotFreeTheBusiest() throws {
        let limiter = try RateLimiter(perSecond: 1, burst: 100, keys: 128)
        for _ in 0..<100 { #expect(limiter.take(key, atNanoseconds: second) == .allowed) }
        for index in 0..<10_000 { _ = limiter.take(Array("\(index)".utf8), atNanoseconds: second) }
        #expect(limiter.take(key, atNanoseconds: second) != .allowed)
    }

    @Test func threadsTogetherGetNoMoreThanTheBurst() async throws {
        let limiter = try RateLimiter(perSecond: 0.001, burst: 1_000)
        let allowed = Atomic<Int>(0)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<1_000).count { _ in limiter.take([1], atNanoseconds: 1) == .allowed }
                }
            }
            for await count in group { allowed.add(count, ordering: .relaxed) }
        }
        #expect(allowed.load(ordering: .relaxed) == 1_000)
    }

    @Test func settingsAreChecked() {
        #expect(throws: HTTPError.self) { try RateLimiter(perSecond: 0, burst: 1) }
        #expect(throws: HTTPError.self) { try RateLimiter(perSecond: .nan, burst: 1) }
        #expect(throws: HTTPError.self) { try RateLimiter(perSecond: 1, burst: 0) }
        #expect(throws: HTTPError.self) { try RateLimiter(perSecond: 1, burst: 1, keys: 0) }
    }
}
