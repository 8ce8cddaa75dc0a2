import Metering
import TestSupport
import Testing

/// Digests of contract entries are stored in ledgers, so they may never change by themselves.
///
/// A failure here says that ledgers of earlier builds would be refused. Where a shipped meter was
/// changed on purpose, its line changes too, and `docs/OPERATIONS.md` says that it needs
/// `--accept-contract`; any other changed line is a mistake.
@Suite struct ContractTextTests {
    @Test func digestsOfTheShippedCatalogAreAsLedgersHaveThem() throws {
        try expect(Catalogs.shipped(), "contract-shipped")
    }

    /// Every kind of meter, every attribute, and awkward texts.
    @Test func digestsOfEveryKindAreAsLedgersHaveThem() throws {
        try expect(Catalogs.everything(envelope: ""), "contract-every-kind")
    }

    @Test(arguments: ["milliseconds", "seconds"])
    func digestsOfEnvelopesAreAsLedgersHaveThem(_ name: String) throws {
        let envelope = name == "seconds" ? Catalogs.seconds : Catalogs.milliseconds
        try expect(Catalogs.everything(envelope: envelope), "contract-\(name)", only: "envelope")
    }

    private func expect(
        _ catalog: MeterCatalog, _ name: String, only entry: String? = nil
    ) throws {
        let program = try Program(
            catalog: catalog, shardCount: 1, dedupeKey: (1, 2), futureBoundMilliseconds: 300_000)
        let lines = program.contractEntries.filter { entry == nil || $0.name == entry }
            .map { "\($0.name) \($0.digest)" }
        let pinned = try Checkout.text("Tests/Data/\(name).txt").split(separator: "\n")
            .map(String.init)
        for line in lines where !pinned.contains(line) { Issue.record("not pinned: \(line)") }
        for line in pinned where !lines.contains(line) { Issue.record("gone: \(line)") }
    }
}
