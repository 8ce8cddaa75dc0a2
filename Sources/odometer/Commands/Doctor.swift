import Foundation
import Ledger
import Pipeline
import Printing
import Registry

/// `odometer doctor`: what must hold before counting, and what should.
extension Commands {
    static let doctor = Command(
        path: ["doctor"], summary: "Check Redis, Kafka and the ledger before the start.",
        details: """
            Looks at everything that exact numbers need, changes nothing, and says how to correct what is
            wrong. Redis: version, eviction, persistence, rights, memory, clock. Topics: compaction,
            partitions, retention, timestamps, replication, and by the newest records of each event topic
            whether its producers agree on the partition of a key. Each partition: how far the log reaches
            against marks, origin and the dedupe window. The ledger: contract, torn shards. Where records
            have schemas: whether --schemas answers, and how many it has.
            `odometer run` runs the same checks and refuses (exit 4) where numbers would be wrong.
            Exit code 0: nothing is wrong, there may be warnings; 1: an error, or something cannot be asked.
            """,
        options: Options.kafka + Options.topics + Options.redisServer + Options.counting
            + [Options.json],
        examples: [
            ("doctor", "a list for people"), ("doctor --json", "the same for programs"),
        ],
        run: runDoctor)

    private static func runDoctor(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let configuration = try settings.pipelineConfiguration(
            try MachineParts(settings, log: call.log), log: call.log)
        let schemas = (configuration.schemas as? SchemaKeeper).map { [$0.finding] } ?? []
        let findings = Checkup.run(configuration) + schemas
        if settings.isOn(Options.json) {
            try Output.json(DoctorReport.object(findings))
        } else {
            DoctorReport.print(findings)
        }
        return findings.contains { $0.grade == .error } ? .failed : .ok
    }
}
