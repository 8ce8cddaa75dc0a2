import Testing
import Workload

@testable import Metering

@Suite struct TallyTests {
    private func cell(_ number: Int32, amount: Int64) -> TallyCell {
        TallyCell(
            cellSet: 0, window: .day, number: number, organization: 0, scope: 0, member: 0,
            amount: amount)
    }

    @Test func amountsBeyondTwoToTheFiftyThreeGoOnInAnotherCell() {
        var random = SeededRandom(seed: 9)
        let largest = Tally.largestAmount
        for operation in [CellOperation.add, .addScore] {
            var tally = Tally(partitionCount: 1)
            var sum = 0.0
            var low: Int64 = 0
            for step in 0..<2_000 {
                let amount =
                    step % 3 == 0 ? largest : step % 7 == 0 ? -largest : Int64(random.below(1_000))
                tally.add(cell(7, amount: amount), operation)
                sum += Double(amount)
                low &+= amount
            }
            var found: Int64 = 0
            for index in 0..<tally.count {
                let one = tally[index]
                #expect(one.amount.magnitude <= UInt64(largest) && one.number == 7)
                found &+= one.amount
            }
            #expect(found == low)
            let count = tally.count
            #expect(count > 1 && count < 2_000)
        }
    }

    @Test func cellsAreFoundAgainWhileTheTableGrows() {
        var tally = Tally(partitionCount: 1)
        for round in 1...3 as ClosedRange<Int64> {
            for number in 0..<5_000 as Range<Int32> {
                tally.add(cell(number &* 65_537, amount: Int64(number)), .add)
            }
            let amounts = (0..<tally.count).map { tally[$0].amount }
            #expect(amounts == (0..<5_000).map { round * $0 })
        }
        tally.removeAll()
        let size = (tally.count, tally.costNanoseconds)
        #expect(size == (0, 0))
        tally.add(cell(0, amount: 3), .add)
        let found = (tally.count, tally[0].amount)
        #expect(found == (1, 3))
    }

    @Test func extremesAndWitnessesKeepTheRightValue() {
        var tally = Tally(partitionCount: 1)
        func keep(_ time: Int64, _ text: String, _ operation: CellOperation, _ number: Int32) {
            var one = cell(number, amount: time)
            one.payload = Array(text.utf8).withUnsafeBytes { tally.symbols.intern($0) }
            tally.add(one, operation)
        }
        for (time, text) in [(5, "b"), (5, "a"), (4, "x"), (6, "é"), (6, "e"), (4, "y"), (4, "")] {
            keep(Int64(time), text, .first, 0)
            keep(Int64(time), text, .last, 1)
            tally.add(cell(2, amount: Int64(time)), .minimum)
            tally.add(cell(3, amount: Int64(time)), .maximum)
        }
        let amounts = (0..<4).map { tally[$0].amount }
        #expect(amounts == [4, 6, 4, 6])
        let kept = (0..<2).map { Array(tally.bytes(tally[$0].payload)) }
        #expect(kept == [Array("y".utf8), Array("é".utf8)])
    }

    @Test func symbolsAreEqualWhereTheirBytesAre() {
        var table = SymbolTable(memory: TableMemory())
        var random = SeededRandom(seed: 8)
        for _ in 0..<2 {
            var known: [[UInt8]: UInt32] = [:]
            for _ in 0..<40_000 {
                var bytes: [UInt8] = []
                for _ in 0..<random.below(20) { bytes.append(UInt8(random.below(3))) }
                if random.below(500) == 0 {
                    bytes += Array(repeating: UInt8(random.below(256)), count: random.below(9_000))
                }
                let symbol = bytes.withUnsafeBytes { table.intern($0) }
                #expect(known[bytes] ?? symbol == symbol)
                known[bytes] = symbol
            }
            let count = table.count
            #expect(count == known.count && Set(known.values).count == known.count)
            let isKept = known.allSatisfy { Array(table.bytes($0.value)) == $0.key }
            #expect(isKept)
            table.removeAll()
            let left = table.count
            #expect(left == 0)
        }
    }

    /// Names that meet in the table of one process are spread over that of another, also those
    /// whose last word alone would make a product of the hash 0.
    @Test func namesThatMeetAreSpreadByTheWordsOfTheProcess() {
        func home(_ bytes: [UInt8], _ seed: SymbolSeed) -> UInt32 {
            bytes.withUnsafeBytes { SymbolKey($0, seed).hash & 1_023 }
        }
        let known = SymbolSeed(first: 0x9E37_79B9_7F4A_7C15, last: 0)
        var meeting: [[UInt8]] = []
        var number = 0
        while meeting.count < 64 {
            let bytes = Array("value-\(number)".utf8)
            if home(bytes, known) == 7 { meeting.append(bytes) }
            number += 1
        }
        // Sixteen bytes whose last eight are the word that their length is mixed into.
        let zero = (0..<64).map { number in
            Array("name-\(100 + number)".utf8) + [0, 0, 0, 0, 0, 0, 0, 16]
        }
        for names in [meeting, zero] {
            #expect(Set(names.map { home($0, known) }).count == 1)
            #expect(Set(names.map { home($0, .ofProcess) }).count > 32)
        }
        #expect(SymbolSeed.ofProcess.first != known.first)
    }

    @Test func aFullShardStopsTheBatchInItsMiddle() throws {
        let catalog = try Catalogs.read(
            """
            version: 1
            events: {e: {fields: {who: {at: /data/who, required: true}}}}
            meters:
              n: {kind: count, windows: [all], on: [{event: e}]}
              per_who: {kind: ranking, windows: [all, month], by: [who], on: [{event: e}]}
            """)
        let twin = try Twin(catalog, span: 50)
        var batch: [LogRecord] = []
        for offset in 0..<9_000 {
            // Two organizations, one of which fills its tally over and
            // over; some events directly again.
            let number = offset % 7 == 3 ? offset - 1 : offset
            let subject = number % 10 == 0 ? "quiet" : "busy"
            let value =
                #"{"specversion":"1.0","id":"\#(number)","source":"s","type":"e","#
                + #""subject":"\#(subject)","data":{"who":"w\#(number)"}}"#
            batch.append(
                LogRecord(
                    offset: Int64(offset), timestamp: 1_773_066_000_000, key: nil,
                    value: Array(value.utf8)))
        }
        twin.take(batch, oneByOne: false)
        #expect(twin.stops > 3)
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences.joined(separator: "\n"))")
        let again = (0..<9_000).count { $0 % 7 == 3 }
        #expect(twin.oracle.count(.duplicate) == again)
        #expect(twin.oracle.count(.accepted) == 9_000 - again)
    }

    /// As many as a catalog may ask for.
    @Test func anEventChanges256Cells() throws {
        var text = "version: 1\nevents: {e: {fields: {l: {at: /data, each: true}}}}\nmeters:\n"
        for number in 0..<4 {
            text +=
                "  m\(number): {kind: count, windows: [day, all], by: [l.key], on: [{event: e}]}\n"
        }
        let twin = try Twin(Catalogs.read(text), span: 50)
        let entries = (0..<32).map { "\"k\($0)\":\"v\"" }.joined(separator: ",")
        let batch = (0..<4).map { offset in
            LogRecord(
                offset: Int64(offset), timestamp: 1_773_066_000_000, key: nil,
                value: Array(
                    (#"{"specversion":"1.0","id":"\#(offset / 2)","source":"s","type":"e","#
                        + #""subject":"o","data":{\#(entries)}}"#).utf8))
        }
        twin.take(batch, oneByOne: false)
        twin.finish()
        #expect(twin.differences.isEmpty, "\(twin.differences.joined(separator: "\n"))")
        #expect(twin.oracle.count(.accepted) == 2 && twin.oracle.count(.duplicate) == 2)
    }

    /// Duplicates add no cell, but their texts are known by the time that they are found out.
    @Test func textsWithoutCellsFillATallyToo() {
        var tally = Tally(partitionCount: 1)
        var number = 0
        while !tally.isFull, number < 100_000 {
            Array("text \(number)".utf8).withUnsafeBytes { _ = tally.symbols.intern($0) }
            number += 1
        }
        #expect(number < 40_000)
        tally.removeAll()
        let isFull = tally.isFull
        #expect(!isFull)
        let long = [UInt8](repeating: 97, count: 5 << 20)
        long.withUnsafeBytes { _ = tally.symbols.intern($0) }
        let isFullAgain = tally.isFull
        #expect(isFullAgain)
    }
}
