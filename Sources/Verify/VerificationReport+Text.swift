import Printing

/// A verification's report as text and as JSON.
extension VerificationReport {
    /// The ending in a word.
    public var word: String {
        switch ending {
        case .equal: "equal"
        case .different: "different"
        case .timedOut: "timed out"
        }
    }

    /// Prints what was compared, and the first differences.
    public func printText() {
        let outcomes = outcomes.map { "\($0.name) \(ValueText.grouped($0.count))" }
        Output.line("records  \(ValueText.grouped(records)): \(outcomes.joined(separator: ", "))")
        if sums > 0 {
            Output.line("checked  \(ValueText.grouped(Int64(sums))) sums of the audit")
        } else {
            Output.line(
                "compared \(ValueText.grouped(Int64(keys))) keys, \(ValueText.grouped(Int64(cells))) cells"
            )
        }
        for reason in Reason.allCases {
            guard let count = notComparable[reason] else { continue }
            Output.line("not compared: \(ValueText.grouped(Int64(count))) keys, \(reason.rawValue)")
        }
        if parked > 0 {
            Output.line(
                "parked   \(parked) cells: cell + parked is compared; odometer parked lists them")
        }
        for difference in differences { Output.line(difference.description) }
        let found = missing + extra + different + audit
        if found > 0 {
            Output.line(
                "missing \(missing), extra \(extra), different \(different), audit \(audit)"
                    + (found > differences.count ? "; the first \(differences.count) above" : ""))
        }
        if let note { Output.line(note) }
        Output.line(word)
    }

    /// The members of its JSON object.
    public var object: [String: Any] {
        var object: [String: Any] = [
            "result": word, "records": records, "keys": keys, "cells": cells, "missing": missing,
            "extra": extra, "different": different, "audit": audit, "sums": sums,
            "differences": differences.map(\.description), "parked": parked,
        ]
        object["outcomes"] = Dictionary(
            outcomes.map { ($0.name, $0.count) }, uniquingKeysWith: { first, _ in first })
        object["notCompared"] = Dictionary(
            notComparable.map { ($0.key.rawValue, $0.value) },
            uniquingKeysWith: { first, _ in first })
        object["note"] = note
        return object
    }
}
