/// A difference between the ledger and what it must hold.
public struct VerificationDifference: Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: String, Sendable {
        /// It must be in Redis and is not.
        case missing
        /// It is in Redis and must not be.
        case extra
        /// It is in Redis with another value, type or expiry.
        case different
        /// The numbers of the audit do not add up.
        case audit
    }

    /// What is wrong.
    public let kind: Kind
    /// The key's name.
    public let key: String
    /// The member; nil when the difference is about the key as a whole.
    public let member: String?
    /// What must be there; nil: nothing.
    public let expected: String?
    /// What is there; nil: nothing.
    public let found: String?

    /// One line for people.
    public var description: String {
        let place = member.map { "\(key) [\($0)]" } ?? key
        return "\(kind.rawValue) \(place): expected \(expected ?? "nothing"), "
            + "found \(found ?? "nothing")"
    }
}

/// What a verification found.
public struct VerificationReport: Sendable {
    /// How a verification ends.
    public enum Ending: Sendable, Equatable {
        /// Everything that can be compared is equal.
        case equal
        /// Something differs.
        case different
        /// The marks did not reach the end of the log in time; nothing was compared.
        case timedOut
    }

    /// Why keys were not compared.
    public enum Reason: String, Sendable, CaseIterable {
        /// They have expired by the clock of Redis, or will within two minutes.
        case expired
        /// Their windows, or parts of them, are older than the log.
        case olderThanLog = "older-than-log"
        /// Their meters were added to the catalog after the ledger was created.
        case meterAddedLater = "meter-added-later"
        /// The audit of a partition whose log begins after its origin.
        case auditOlderThanLog = "audit-older-than-log"
        /// The outcomes of a partition of which records were lost, `--on-loss continue`.
        case countedWithLoss = "counted-with-loss"
    }

    /// How many differences are kept with their details; all are counted.
    public static let kept = 20

    /// Records that the log holds from the origins to its end.
    public internal(set) var records: Int64 = 0
    /// How many records had each outcome, with the outcome's name.
    public internal(set) var outcomes: [(name: String, count: Int64)] = []
    /// Sums of the audit that were checked without the log.
    public internal(set) var sums = 0
    /// Keys that were compared.
    public internal(set) var keys = 0
    /// Members and distinct counts that were compared.
    public internal(set) var cells = 0
    /// Cells that refused a change, which is parked now; cell + parked was compared.
    public internal(set) var parked = 0
    /// Members and keys that are missing.
    public internal(set) var missing = 0
    /// Members and keys that must not be there.
    public internal(set) var extra = 0
    /// Values, types and expiries that differ.
    public internal(set) var different = 0
    /// Equations of the audit that do not hold.
    public internal(set) var audit = 0
    /// Keys that were not compared, by the reason.
    public internal(set) var notComparable: [Reason: Int] = [:]
    /// The first differences, at most `kept`.
    public internal(set) var differences: [VerificationDifference] = []
    /// What the HTTP interface must answer for the organizations that the configuration names.
    public internal(set) var answers: [ExpectedAnswer] = []
    /// What the routes of the five documents must answer for these organizations.
    public internal(set) var routes: [ExpectedRoute] = []
    /// Routes whose answers cannot be computed for one of these organizations.
    public internal(set) var unchecked: [UncheckedRoute] = []
    /// Whether the marks did not reach the end of the log in time.
    public internal(set) var hasTimedOut = false
    /// What was still missing when the time was over.
    public internal(set) var note: String?

    /// How it ended.
    public var ending: Ending {
        if hasTimedOut { return .timedOut }
        return missing + extra + different + audit == 0 ? .equal : .different
    }

    /// The exit code of a process: 0 equal, 1 different, 3 timed out.
    public var exitCode: Int32 {
        switch ending {
        case .equal: 0
        case .different: 1
        case .timedOut: 3
        }
    }

    mutating func add(
        _ kind: VerificationDifference.Kind, _ key: [UInt8], member: [UInt8]? = nil,
        expected: String? = nil, found: String? = nil
    ) {
        switch kind {
        case .missing: missing += 1
        case .extra: extra += 1
        case .different: different += 1
        case .audit: audit += 1
        }
        guard differences.count < Self.kept else { return }
        differences.append(
            VerificationDifference(
                kind: kind, key: String(decoding: key, as: UTF8.self),
                member: member.map { String(decoding: $0, as: UTF8.self) }, expected: expected,
                found: found))
    }

    mutating func skip(_ reason: Reason) {
        notComparable[reason, default: 0] += 1
    }
}
