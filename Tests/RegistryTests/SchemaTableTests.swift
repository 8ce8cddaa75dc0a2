import Glibc
import Metering
import Synchronization
import Testing

@testable import Registry

/// What is known of schemas is bounded, however many ids producers write.
@Suite struct SchemaTableTests {
    private static let most = SchemaTable.settledOfHalf * 2

    private static func schema(_ text: String = "\"string\"") -> RecordSchema {
        RecordSchema(format: .avro, files: [SchemaFile(name: "", text: text)])
    }

    /// Asks for a schema and takes what settles it.
    private static func settle(_ table: inout SchemaTable, _ id: UInt32, _ result: FetchResult) {
        _ = table.state(of: .id(id))
        for _ in 0..<SchemaTable.absentAnswers {
            _ = table.take(result, of: .id(id), longestPause: 1_000, 0)
        }
    }

    @Test func absentSchemasAreForgottenAndAskedForAgain() {
        var table = SchemaTable()
        Self.settle(&table, 0, .absent)
        #expect(table.state(of: .id(0)) == .absent)
        for id in 1...30_000 { Self.settle(&table, UInt32(id), .absent) }
        #expect(table.count <= Self.most)
        #expect(table.state(of: .id(30_000)) == .absent)
        #expect(table.state(of: .id(0)) == .waiting(""))
        #expect(table.due(0) == [.id(0)])
        Self.settle(&table, 0, .absent)
        #expect(table.state(of: .id(0)) == .absent)
    }

    @Test func aSchemaThatIsUsedIsKept() {
        var table = SchemaTable()
        Self.settle(&table, 0, .schema(Self.schema()))
        for id in 1...30_000 {
            Self.settle(&table, UInt32(id), .absent)
            if id.isMultiple(of: 1_000) {
                #expect(table.state(of: .id(0)) == .ready(Self.schema()))
            }
        }
    }

    @Test func textsAreBounded() {
        var table = SchemaTable()
        let large = Self.schema(String(repeating: " ", count: SchemaTable.textBytesOfHalf))
        for id in 0..<3 as Range<UInt32> { Self.settle(&table, id, .schema(large)) }
        #expect(table.count == 2)
        // Texts of that size are not for the macro.
        let isKept = table.state(of: .id(2)) == .ready(large)
        #expect(isKept)
        #expect(table.state(of: .id(0)) == .waiting(""))
    }

    @Test func whatIsOnlyExpectedLeavesRoomForWhatIsNeeded() {
        var table = SchemaTable()
        for id in 0..<20_000 as Range<UInt32> { table.expect(.id(id)) }
        #expect(table.count == SchemaTable.mostExpected)
        #expect(table.state(of: .id(30_000)) == .waiting(""))
        #expect(table.count == SchemaTable.mostExpected + 1)
        // Nobody has said anything of them.
        #expect(table.due(0).count == SchemaTable.mostOfRound)
    }

    @Test func oneThatFailedComesBehindTheOthers() {
        var table = SchemaTable()
        _ = table.state(of: .id(1))
        let isAnswered = table.take(
            .failed("no answer"), of: .id(1), longestPause: 1_000, 500)
        #expect(!isAnswered)
        #expect(table.state(of: .id(1)) == .waiting("no answer"))
        _ = table.state(of: .id(2))
        #expect(table.due(500) == [.id(2)])
        #expect(table.due(10_000) == [.id(2), .id(1)])
    }

    /// A registry that has no schema at all.
    private final class Empty: SchemaFetcher {
        let asked = Mutex(0)
        let rests = Mutex(0)
        var longestPause: Int64 { 1_000 }

        func fetch(_ key: SchemaKey) -> FetchResult {
            asked.withLock { $0 += 1 }
            return .absent
        }

        func survey() -> SchemaSurvey { .subjects(0) }

        func rest() { rests.withLock { $0 += 1 } }
    }

    @Test func aThousandUnknownSchemasAreSettledAtATime() {
        let registry = Empty()
        let keeper = SchemaKeeper(registry, place: "")
        let keys = (0..<1_000 as Range<UInt32>).map { SchemaKey.id($0) }
        let began = ContinuousClock.now
        keeper.expect(keys)
        while !keys.allSatisfy({ keeper.state(of: $0) == .absent }),
            ContinuousClock.now - began < .seconds(60)
        {
            usleep(20_000)
        }
        // Three answers with pauses of a second between; one after the other would take 2,000 s.
        #expect(ContinuousClock.now - began < .seconds(30))
        #expect(registry.asked.withLock { $0 } == 3_000)
        while registry.rests.withLock({ $0 }) == 0, ContinuousClock.now - began < .seconds(60) {
            usleep(20_000)
        }
        #expect(registry.rests.withLock { $0 } > 0)
    }
}
