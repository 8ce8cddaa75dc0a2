import API
import Laboratory
import Ledger
import Printing
import Query
import Workload

/// Profiles and keys of a demonstration.
enum DemoDirectory {
    /// Writes both to the directory topic and waits until Redis has them.
    ///
    /// - Returns: dialect → secret of the key that opens it.
    static func load(
        _ demonstration: Demonstration, _ settings: Settings, log: Log
    ) throws(CommandFailure) -> [String: String] {
        var records: [(DirectoryKey, [UInt8]?)] = []
        let profiles = demonstration.directory.profiles()
        for profile in profiles {
            guard let key = DirectoryKey(record: profile.key) else { continue }
            records.append((key, profile.value))
        }
        var secrets: [String: String] = [:]
        for dialect in KeyMaker.dialects {
            let key = try NewCredential.make(
                organization: demonstration.organization, dialects: [dialect], role: .admin)
            records.append((try DirectoryKey(kind: .credential, ids: [key.hash]), key.json))
            secrets[dialect] = key.secret
        }
        try DirectoryWrite(settings, milliseconds: 30_000, log: log).write(records, waits: true)
        Output.line(
            "directory: \(profiles.count) profiles of \(demonstration.organizationCount) organizations, "
                + "\(secrets.count) keys")
        return secrets
    }
}
