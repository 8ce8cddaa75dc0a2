import Foundation
import Testing

@testable import odometer

/// What a burst needed goes back to the system, also where the allocator
/// has pieces of it still in use.
@Suite struct FreeMemoryTests {
    private static let page = 4096
    /// Small enough for an arena.
    private static let blockSize = 16 * page
    private static let count = 1_000

    @Test func holesBetweenBlocksInUseAreGivenBack() throws {
        let blocks = (0..<Self.count).map { _ in
            let block = UnsafeMutableRawPointer.allocate(byteCount: Self.blockSize, alignment: 16)
            memset(block, 1, Self.blockSize)
            return block
        }
        let (kept, freed) = (
            blocks.indices.filter { $0 % 50 == 0 }, blocks.indices.filter { $0 % 50 != 0 }
        )
        #expect(try freed.count { try isResident(blocks[$0]) } == freed.count)
        for index in freed { blocks[index].deallocate() }
        FreeMemory.giveBack()
        // Tests beside this one may take a few of them meanwhile.
        #expect(try freed.count { try isResident(blocks[$0]) } < freed.count / 4)
        #expect(try kept.count { try isResident(blocks[$0]) } == kept.count)
        for index in kept { blocks[index].deallocate() }
    }

    /// Whether a page in the middle of a block is in memory; false too where the
    /// address is no longer the process's.
    private func isResident(_ block: UnsafeMutableRawPointer) throws -> Bool {
        let middle =
            UInt(bitPattern: block + Self.blockSize / 2) / UInt(Self.page) * UInt(Self.page)
        var state: UInt8 = 0
        guard mincore(UnsafeMutableRawPointer(bitPattern: middle), Self.page, &state) == 0 else {
            try #require(errno == ENOMEM)
            return false
        }
        return state & 1 == 1
    }
}
