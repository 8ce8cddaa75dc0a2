import Foundation
import Testing
import Workload

@testable import Metering

@Suite struct TableMemoryTests {
    private let tables = TableMemory()

    private struct Held {
        let memory: UnsafeMutablePointer<UInt64>
        let capacity: Int
        let stamp: UInt64
    }

    /// Blocks of all sizes come and go; none of them ever shows another's bytes.
    @Test func blocksDoNotOverlap() {
        let seed: UInt64 = 31
        var random = SeededRandom(seed: seed)
        var held: [Held] = []
        for step in 0..<600 {
            if random.below(5) < 3 || held.isEmpty {
                // From 8 bytes over the pool's 4 KiB to 1 MiB, to beyond a huge page.
                let capacity = 1 + random.below(1 << (1 + random.below(19)))
                let memory: UnsafeMutablePointer<UInt64> = tables.allocate(capacity)
                let stamp = UInt64(step) << 32 | UInt64(capacity)
                memory.initialize(repeating: stamp, count: capacity)
                held.append(Held(memory: memory, capacity: capacity, stamp: stamp))
            } else {
                let one = held.remove(at: random.below(held.count))
                release(one, seed)
            }
            if held.count > 40 { while let one = held.popLast() { release(one, seed) } }
        }
        while let one = held.popLast() { release(one, seed) }
    }

    private func release(_ one: Held, _ seed: UInt64) {
        let isWhole = stride(from: 0, to: one.capacity, by: max(1, one.capacity / 512)).allSatisfy {
            one.memory[$0] == one.stamp && one.memory[one.capacity - 1] == one.stamp
        }
        #expect(isWhole, "seed \(seed), \(one.capacity) words")
        tables.deallocate(one.memory, one.capacity)
    }

    /// What was given back serves the next who asks, and a block that
    /// was halved serves smaller ones.
    @Test func blocksAreUsedAgain() {
        let first: UnsafeMutablePointer<UInt8> = tables.allocate(300_000)
        let place = UInt(bitPattern: first)
        tables.deallocate(first, 300_000)
        let second: UnsafeMutablePointer<UInt8> = tables.allocate(400_000)
        #expect(UInt(bitPattern: second) == place)
        let other: UnsafeMutablePointer<UInt8> = tables.allocate(400_000)
        #expect(other.distance(to: second).magnitude >= 524_288)
        tables.deallocate(second, 400_000)
        tables.deallocate(other, 400_000)
    }

    /// Large blocks begin where a huge page does, and are the system's again
    /// as soon as they are given back.
    @Test func largeBlocksAreMappingsOfTheirOwn() throws {
        let capacity = (256 << 20) / 8 + 3
        let memory: UnsafeMutablePointer<UInt64> = LargeMemory.allocate(capacity)
        #expect(UInt(bitPattern: memory) % UInt(LargeMemory.hugePageBytes) == 0)
        memory.initialize(repeating: .max, count: capacity)
        let before = try residentBytes()
        LargeMemory.deallocate(memory, capacity)
        // Other suites take memory meanwhile.
        #expect(try residentBytes() < before - (100 << 20))
    }

    private func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(
            separator: " ")
        return try #require(Int(fields[1])) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
