import Foundation
import Kafka
import Pipeline
import Testing

@testable import odometer

/// `odometer keys create`: when the key is shown, and what it may do.
struct KeyCommandTests {
    /// Redis is away: the command writes to Kafka and then waits in vain.
    private func create(_ bootstrap: String, _ words: String...) throws -> Executable.Ended {
        try Executable.run(
            [
                "keys", "create", "--organization", "acme", "--bootstrap", bootstrap, "--redis",
                "unix:///nowhere/socket", "--timeout", "2s",
            ] + words)
    }

    private func records(_ cluster: borrowing MockCluster) throws -> [CredentialRecord] {
        try DirectoryReader.read(
            ClientConfiguration(bootstrap: cluster.bootstrap), topic: "usage-directory",
            timeoutMilliseconds: 20_000
        ).compactMap { $0.value.flatMap(CredentialRecord.decode) }
    }

    @Test func whereKafkaIsAwayNoKeyIsShown() throws {
        for form in [[], ["--json"]] {
            let ended = try Executable.run(
                [
                    "keys", "create", "--organization", "acme", "--dialect", "operations",
                    "--bootstrap", "127.0.0.1:1", "--timeout", "500ms",
                ] + form)
            #expect(ended.status == 1)
            #expect(ended.output.isEmpty, "\(ended.output)")
        }
    }

    @Test func aWrittenKeyIsShownAlsoWhereRedisDoesNotHaveIt() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("usage-directory", partitions: 1)
        let ended = try create(cluster.bootstrap, "--dialect", "operations", "--json")
        #expect(ended.status == 3)
        let shown = try JSONDecoder().decode([String: String].self, from: Data(ended.output.utf8))
        #expect(shown["key"]?.isEmpty == false)
        #expect(ended.errors.contains("Kafka has it (offset 0), Redis does not"), "\(ended.errors)")
        #expect(try records(cluster).map(\.hash) == [shown["hash"]])
    }

    @Test func aKeyReadsUnlessSomebodySaysOtherwise() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("usage-directory", partitions: 1)
        _ = try create(cluster.bootstrap, "--dialect", "operations", "--dialect", "workspace")
        _ = try create(cluster.bootstrap, "--dialect", "overview")
        _ = try create(cluster.bootstrap, "--dialect", "operations", "--role", "admin")
        let useless = try create(cluster.bootstrap, "--dialect", "overview", "--role", "read")
        #expect(useless.errors.contains("needs --role admin"), "\(useless.errors)")
        #expect(try records(cluster).map(\.role) == ["read", "admin", "admin", "read"])
    }
}
