import Glibc
import Testing

@testable import Metering

/// How much memory a window takes; with the default span, in real pages.
@Suite struct SeenWindowMemoryTests {
    private static let span: Int64 = 1 << 20

    private func hash(_ id: Int) -> (UInt64, UInt64) {
        let product = UInt64(id).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        let mixed = (product.high ^ product.low ^ 0xE703_7ED1_A0B4_28DB)
            .multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return (mixed.high ^ mixed.low, UInt64(id))
    }

    /// Bytes of the window's address space that are in memory.
    private func residentBytes(_ window: borrowing SeenWindow) -> Int {
        let byteCount = window.memory.byteCount
        let pages = byteCount / 4_096
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: pages) { present in
            #expect(mincore(window.memory.links, byteCount, present.baseAddress) == 0)
            return present.count { $0 & 1 == 1 } * 4_096
        }
    }

    @Test func aWindowThatHoldsNothingTakesNothing() {
        let window = SeenWindow(span: Self.span)
        #expect(residentBytes(window) == 0)
    }

    @Test func memoryFollowsTheIdsAndGoesBack() {
        var window = SeenWindow(span: Self.span)
        for id in 0..<5_000 { _ = window.insert(hash(id), at: Int64(id)) }
        // Five blocks of 16 KiB, and an index for 8,192 ids.
        #expect(window.byteCount <= 5 * 16_384 + 8_192 * 8)
        #expect(residentBytes(window) <= window.byteCount + 4 * 4_096)
        window.removeAll()
        #expect(residentBytes(window) == 0)
    }

    @Test func anIdTakesAtMost32BytesAndInAFullWindow24() {
        var window = SeenWindow(span: Self.span)
        var id = 0
        var mostPages = 0
        while id < Self.span + 200_000 {
            for _ in 0..<50_000 {
                _ = window.insert(hash(id), at: Int64(id))
                id += 1
            }
            let held = min(id, Int(Self.span))
            // One block of the ring is in use only in part.
            #expect(window.byteCount <= 32 * (held + 1_024), "\(id) ids")
            mostPages = max(mostPages, residentBytes(window))
        }
        let full = SeenWindow.fullByteCount(span: Self.span)
        #expect(full == 24 << 20)
        #expect(window.byteCount == full)
        // Beside them only the links of the ring's blocks and the page that they are in.
        #expect(mostPages <= full + 2 * 4_096)
        // What it held while it grew is still found.
        let isKnown = window.insert(hash(id - 1_000_000), at: Int64(id))
        #expect(isKnown)
    }

    @Test func gapsBetweenOffsetsTakeNoMemory() {
        var window = SeenWindow(span: Self.span)
        for id in 0..<60_000 { _ = window.insert(hash(id), at: Int64(id) * 100) }
        // A span of offsets has 10,486 records: eleven blocks and the one that is being filled.
        #expect(window.byteCount <= 12 * 16_384 + 16_384 * 8)
    }
}
