import Ledger
import Printing

/// The findings as a list or as JSON.
enum DoctorReport {
    static func print(_ findings: [Finding]) {
        for finding in findings {
            let grade = finding.grade.rawValue
            let indent = String(repeating: " ", count: 9)
            Output.line(
                grade + indent.dropFirst(grade.count) + finding.message
                    + (finding.isFatal ? " (run refuses to start)" : ""))
            if let remedy = finding.remedy { Output.line(indent + "fix: " + remedy) }
        }
        let counts = Finding.Grade.allCases.map { grade in
            let count = findings.count { $0.grade == grade }
            return "\(count) \(grade.rawValue)\(count == 1 || grade == .ok ? "" : "s")"
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
