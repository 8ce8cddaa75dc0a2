import Catalog
import Foundation
import Kafka
import Ledger
import Redis
import TestSupport
import Testing

@testable import Pipeline

/// A ledger that an earlier build wrote (`Tests/Data/ledger-89e4842`) is taken over by this one.
///
/// What renames, moves and new compilers could break: the digests of the contract, the record of
/// the ledger, and the stamps beside the marks.
@Suite struct EarlierLedgerTests {
    private let folder = "Tests/Data/ledger-89e4842"

    private func earlierRedis() throws -> TestRedis {
        try TestRedis(["--dir", Checkout.url(folder).path, "--dbfilename", "ledger.rdb"])
    }

    private func configuration(
        _ redis: TestRedis, meters: String
    ) throws -> PipelineConfiguration {
        PipelineConfiguration(
            client: ClientConfiguration(bootstrap: "127.0.0.1:1"),
            redis: redis.configuration,
            catalog: try CatalogReader.read(files: Checkout.meters(in: meters)))
    }

    private func record(_ redis: TestRedis, _ layout: KeyLayout) throws -> LedgerRecord {
        var connection = try redis.connect()
        return try #require(try LedgerRecord.read(&connection, layout: layout))
    }

    @Test func isTakenOverAsItIs() throws {
        let redis = try earlierRedis()
        let configuration = try configuration(redis, meters: "\(folder)/meters")
        let before = try record(redis, configuration.layout)
        #expect(before.contractNumber == 1)

        let keeper = try LedgerKeeper(configuration: configuration, cluster: before.birth.cluster)
        var connection = try redis.connect()
        _ = try keeper.open(&connection)

        let after = try record(redis, configuration.layout)
        #expect(after.contractText == before.contractText)
        #expect(after.contractNumber == 1)
        #expect(after.birth.dedupeKey == before.birth.dedupeKey)
    }

    /// Meters that were changed on purpose since, each with its sentence in `docs/OPERATIONS.md`.
    @Test func underTodaysMetersOnlyWhatWasChangedOnPurposeDiffers() throws {
        let redis = try earlierRedis()
        let configuration = try configuration(redis, meters: "schemas/meters")
        let record = try record(redis, configuration.layout)
        let stored = try #require(record.contractText.flatMap { Contract(text: $0) })
        let keeper = try LedgerKeeper(configuration: configuration, cluster: record.birth.cluster)
        guard case .different(let differences) = keeper.contract(under: record).relation(to: stored)
        else {
            Issue.record("no difference")
            return
        }
        #expect(
            differences.sorted() == [
                "meter agent_flows", "meter compliance_countries", "meter compliance_requests",
                "meter compliance_statuses", "meter compliance_types", "meter connection_activity",
                "meter connection_first", "meter connection_keys", "meter connection_last",
                "meter connection_seconds", "meter connections_closed", "meter connections_open",
                "meter connections_opened", "meter consent_browsers", "meter consent_categories",
                "meter consent_countries", "meter consent_kinds", "meter consent_systems",
                "meter consent_users", "meter consents", "meter interactions",
                "meter resolution_max", "meter resolution_min", "meter resolution_seconds",
                "meter resolutions", "meter sessions",
                "new field compliance_request.created/count of a known event",
                "new field connection.opened/count of a known event",
            ])
    }
}
