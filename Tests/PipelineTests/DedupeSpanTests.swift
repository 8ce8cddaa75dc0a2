import Testing

@testable import Pipeline

/// How much record time the dedupe window spans.
@Suite struct DedupeSpanTests {
    @Test func onlyAFullWindowHasASpan() throws {
        var span = DedupeSpan()
        for offset in Int64(0)...999 {
            span.observe(offset: offset, timestamp: 5_000 + offset * 10, window: 1_000)
        }
        #expect(span.milliseconds(window: 1_000) == nil)
        for offset in Int64(1_000)...5_000 {
            span.observe(offset: offset, timestamp: 5_000 + offset * 10, window: 1_000)
            let found = try #require(span.milliseconds(window: 1_000))
            // The sample may lie a 64th part of the window further back.
            #expect((10_000...10_300).contains(found), "\(offset): \(found)")
        }
        // A step back: the window is emptied, and so is what is known of its span.
        span.observe(offset: 4_000, timestamp: 45_000, window: 1_000)
        #expect(span.milliseconds(window: 1_000) == nil)
    }

    @Test func recordsWithoutTimeAndWindowsOfNothingHaveNone() {
        var span = DedupeSpan()
        for offset in Int64(0)...100 { span.observe(offset: offset, timestamp: -1, window: 10) }
        #expect(span.milliseconds(window: 10) == nil)
        for offset in Int64(0)...100 { span.observe(offset: offset, timestamp: 7, window: 0) }
        #expect(span.milliseconds(window: 0) == nil)
        // Far jumps: one sample may be all that is left.
        span.observe(offset: 1_000, timestamp: 1_000, window: 10)
        span.observe(offset: 2_000, timestamp: 9_000, window: 10)
        #expect(span.milliseconds(window: 10) == 8_000)
    }
}
