import API
import Kafka
import Laboratory
import Ledger
import Printing
import Query
import Workload

/// Profiles and keys of a demonstration.
enum DemoDirectory {
    /// Writes both to the directory topic and waits until Redis has them; dialect → secret of its key.
    static func load(
        _ demonstration: Demonstration, _ settings: Settings, _ parts: MachineParts, log: Log
    ) throws(CommandFailure) -> [String: String] {
        let topic = settings.required(Options.directoryTopic)
        let kafka = try settings.kafkaConfiguration(log: log)
        let writer = try DirectoryWriter(kafka, topic: topic)
        let profiles = demonstration.directory.profiles()
        for profile in profiles {
            guard let key = DirectoryKey(record: profile.key) else { continue }
            try writer.put(key, profile.value)
        }
        var secrets: [String: String] = [:]
        for dialect in KeyMaker.dialects {
            let key = try NewCredential.make(
                organization: demonstration.organization, dialects: [dialect], role: .admin)
            try writer.put(try DirectoryKey(kind: .credential, ids: [key.hash]), key.json)
            secrets[dialect] = key.secret
        }
        let written = try writer.finish(timeoutMilliseconds: 30_000)
        let wait = DirectoryMirrorWait(
            redis: parts.redis, kafka: kafka, layout: parts.layout, topic: topic)
        guard try wait.wait(for: written, milliseconds: 30_000) else {
            throw CommandFailure(.timeout, "the directory did not reach Redis in time")
        }
        Output.line(
            "directory: \(profiles.count) profiles of \(demonstration.organizationCount) organizations, "
                + "\(secrets.count) keys")
        return secrets
    }
}
