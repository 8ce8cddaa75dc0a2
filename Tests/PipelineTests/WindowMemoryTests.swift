import Metering
import Testing

@testable import Pipeline

@Suite struct WindowMemoryTests {
    @Test func manyPartitionsWithTheDefaultWindowTakeWhatTheirIdsNeed() {
        let span = Int64(PipelineConfiguration.Defaults.dedupeWindow)
        var byteCount = 0
        for partition in 0..<256 {
            var cursor = PartitionCursor(
                position: 0, marks: Array(repeating: 0, count: 64), span: span)
            for offset in 0..<2_000 {
                let id = UInt64(offset) &* 0x9E37_79B9_7F4A_7C15
                _ = cursor.seen.insert((id ^ id >> 29, UInt64(partition)), at: Int64(offset))
            }
            byteCount += cursor.seen.byteCount
        }
        #expect(byteCount <= 256 * 2_048 * 32)
        #expect(256 * SeenWindow.fullByteCount(span: span) == 256 * 24 << 20)
    }
}
