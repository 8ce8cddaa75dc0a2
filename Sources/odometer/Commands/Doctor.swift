import Foundation
import Ledger
import Pipeline

/// `odometer doctor`: what must hold before counting, and what should.
extension Commands {
    static let doctor = Command(
        path: ["doctor"], summary: "Check Redis, Kafka and the ledger before the start.",
        details: """
            Looks at everything that exact numbers need, changes nothing, and says how to mend what is not
            right. Redis: version, eviction, persistence, rights, memory, clock. Topics: compaction,
            partitions, retention, timestamps, replication. Each partition: how far the log reaches against
            marks, origin and the dedupe window. The ledger: contract, torn shards.
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
        let findings = Checkup.run(configuration)
        if settings.isOn(Options.json) {
            try Output.json(DoctorReport.object(findings))
        } else {
            DoctorReport.print(findings)
        }
        return findings.contains { $0.grade == .error } ? .failed : .ok
    }
}

/// The findings as a list or as JSON.
enum DoctorReport {
    static func print(_ findings: [Finding]) {
        for finding in findings {
            let grade = finding.grade.rawValue
            let indent = String(repeating: " ", count: 9)
            Output.line(
                grade + indent.dropFirst(grade.count) + finding.message
                    + (finding.isFatal ? " (run refuses to start)" : ""))
            if let remedy = finding.remedy { Output.line(indent + "mend: " + remedy) }
        }
        let counts = Finding.Grade.allCases.map { grade in
            "\(findings.filter { $0.grade == grade }.count) \(grade.rawValue)"
        }
        Output.line(counts.joined(separator: ", "))
    }

    /// What programs read.
    static func object(_ findings: [Finding]) -> [String: Any] {
        let worst = Finding.Grade.allCases.last { grade in
            findings.contains { $0.grade == grade }
        }
        let list: [[String: Any]] = findings.map { finding in
            var object: [String: Any] = [
                "grade": finding.grade.rawValue, "subject": finding.subject,
                "check": finding.check, "message": finding.message,
                "refusesStart": finding.isFatal,
            ]
            object["mend"] = finding.remedy
            return object
        }
        return ["result": (worst ?? .ok).rawValue, "findings": list]
    }
}
