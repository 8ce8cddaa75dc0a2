import Catalog
import Testing

@testable import Ledger
@testable import Metering

/// Cells of a new key that one dump cannot hold: they are sent as entries.
@Suite struct DumpGroupTests {
    private static let catalog = """
        version: 1
        events:
          use:
            fields:
              agent: {at: /data/agent, required: true}
              amount: {at: /data/amount, is: integer}
        meters:
          amounts: {kind: sum, signed: true, windows: [all], on: [{event: use, amount: amount}]}
          agents:
            {kind: count, family: kin, by: [agent], windows: [all], most: 2, on: [{event: use}]}
          steps: {kind: histogram, family: kin, value: amount, windows: [all], on: [{event: use}]}
        """

    /// The commit of these cells, each of a meter, with its member and amount.
    private func call(
        _ cells: [(meter: String, member: String, amount: Int64)]
    ) throws -> CommitCall {
        let catalog = try CatalogReader.check(
            files: [(name: "dumps.yaml", text: Array(Self.catalog.utf8))])
        let program = try Program(
            catalog: catalog, shardCount: 1, dedupeKey: (1, 2), futureBoundMilliseconds: 0)
        var tally = Tally(partitionCount: 1)
        func symbol(_ text: String) -> UInt32 {
            Array(text.utf8).withUnsafeBytes { tally.symbols.intern($0) }
        }
        for cell in cells {
            let set = try #require(program.cellSets.firstIndex { $0.meter == cell.meter })
            let shape = program.cellSets[set].shape
            let member =
                shape == .series
                ? 0 : shape == .histogram ? UInt32(cell.member) : symbol(cell.member)
            tally.add(
                TallyCell(
                    cellSet: UInt16(set), window: .all, number: 0, organization: symbol("acme"),
                    scope: 0, member: member ?? 0, amount: cell.amount), .add)
        }
        var encoder = TallyEncoder(
            layout: KeyLayout(prefix: "t", shardCount: 1), cellSets: program.cellSets)
        var arguments = CommitArguments()
        encoder.begin(&arguments, shard: 0, contract: Array("1:abc".utf8))
        arguments.addRange(member: Array("usage/0".utf8), from: 0, to: 1)
        encoder.addCells(of: tally, shard: 0, to: &arguments)
        return CommitCall(&arguments)
    }

    /// A sum beyond 2^53 is in two cells of the tally, and a dump may name a member only once.
    @Test func aMemberOfTwoCellsIsNamedTwice() throws {
        let large = Tally.largestAmount
        let groups = try call([("amounts", "", large), ("amounts", "", large)]).groups
        #expect(groups.map(\.key) == ["t:1:{0}:acme:totals"])
        #expect(groups.first?.entries.map(\.value) == [String(large), String(large)])
    }

    /// A dump has one limit for all of its members.
    @Test func theLimitOfATableIsNotThatOfAHistogramInItsKey() throws {
        let groups = try call(
            [("agents", "a", 1), ("agents", "b", 2), ("steps", "3", 4), ("steps", "5", 6)]
        ).groups
        #expect(Set(groups.map(\.key)) == ["t:1:{0}:acme:kin:all"])
        let limits = groups.map { group in
            group.entries.map(\.member).sorted() + ["\(group.most ?? 0)"]
        }
        #expect(Set(limits) == [["agents:a", "agents:b", "2"], ["steps:3", "steps:5", "0"]])
    }
}
