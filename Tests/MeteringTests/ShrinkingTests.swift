import Testing

@testable import Metering

/// One very large record does not keep its memory.
@Suite struct ShrinkingTests {
    private func intern(_ count: Int, _ table: inout SymbolTable) {
        for number in 0..<count {
            _ = Array("a name of some length \(number)".utf8).withUnsafeBytes { table.intern($0) }
        }
    }

    @Test func namesGiveMemoryBack() {
        var table = SymbolTable(memory: TableMemory())
        intern(200_000, &table)
        #expect(table.byteCount > 16 << 20)
        table.removeAll()
        for _ in 0..<7 {
            intern(100, &table)
            table.removeAll()
        }
        #expect(table.byteCount > 16 << 20, "a load that comes now and then keeps its memory")
        intern(100, &table)
        table.removeAll()
        #expect(table.byteCount < 1_000_000)
        intern(3_000, &table)
        #expect(table.count == 3_000)
        #expect(table.bytes(2_999).elementsEqual("a name of some length 2999".utf8))
    }

    @Test func aTableThatIsNeededStaysAsItIs() {
        var table = SymbolTable(memory: TableMemory())
        intern(20_000, &table)
        table.removeAll()
        let size = table.byteCount
        for round in 0..<100 {
            intern(round.isMultiple(of: 8) ? 20_000 : 10, &table)
            table.removeAll()
            #expect(table.byteCount == size)
        }
    }

    @Test func cellsGiveMemoryBack() {
        var tally = Tally(partitionCount: 1)
        func add(_ count: Int32) {
            for number in 0..<count {
                tally.add(
                    TallyCell(
                        cellSet: 0, window: .day, number: number, organization: 0, scope: 0,
                        member: 0, amount: 1), .add)
            }
            #expect(tally.count == count)
            tally.removeAll()
        }
        add(500_000)
        let size = tally.byteCount
        #expect(size > 20 << 20)
        for _ in 0..<8 { add(10) }
        #expect(tally.byteCount < size / 50)
        add(5_000)
        add(10)
    }

    @Test func heldEventsGiveMemoryBack() {
        var held = HeldEvents()
        func hold(_ count: Int) {
            held.begin()
            for number in 0..<count {
                let cell = TallyCell(
                    cellSet: 0, window: .day, number: Int32(number), organization: 0, scope: 0,
                    member: 0, amount: 1)
                for _ in 0..<20 {
                    held.entries.append(
                        PendingRecord.Entry(cell: cell, hash: cell.hash, operation: .add))
                }
                held.bytes.append(contentsOf: "a type".utf8)
                held.append(
                    .accepted, shard: 0, isFolded: false, identity: (0, 0),
                    PendingRecord.Observation())
            }
        }
        hold(10_000)
        let size = held.byteCount
        #expect(size > 8 << 20)
        for _ in 0..<255 { hold(2) }
        #expect(held.byteCount == size)
        for _ in 0..<2 { hold(2) }
        #expect(held.byteCount < 1_000_000)
        let small = held.byteCount
        for _ in 0..<600 { hold(2) }
        #expect(held.byteCount == small)
    }
}
