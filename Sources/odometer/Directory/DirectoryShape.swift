import API
import Ledger
import Metering
import Printing
import Query

/// What the objects of the directory must look like.
///
/// It says the same as the schemas in schemas/directory, which a test checks.
struct DirectoryShape {
    /// What a member may hold.
    enum Rule: Equatable {
        /// A text whose length in characters is in this range.
        case text(ClosedRange<Int>)
        /// A number whose value has no fraction, however it is spelled.
        case integer(ClosedRange<Int64>)
        case flag
        /// An RFC 3339 time with a zone.
        case moment
        /// At most `count` texts, each of at most `length` characters.
        case texts(count: Int, length: Int)
        /// Limits as `UsageLimit` reads them.
        case limits
    }

    /// One member.
    struct Member: Equatable {
        let rule: Rule
        var isRequired = false
        /// Whether it may be null.
        var isNullable = true
    }

    let members: [String: Member]

    /// The shape of a kind; nil for credentials, which `odometer keys` writes.
    static func of(_ kind: DirectoryKey.Kind) -> DirectoryShape? {
        switch kind {
        case .organization: organization
        case .plan: plan
        case .user: user
        case .project: project
        case .credential: nil
        }
    }

    private static let short = Member(rule: .text(0...1_024))
    private static let long = Member(rule: .text(0...65_536))
    private static let count = Member(rule: .integer(0...9_007_199_254_740_991))
    private static let name = Member(
        rule: .text(0...1_024), isRequired: true, isNullable: false)

    private static let limits = Member(rule: .limits, isNullable: false)

    private static let organization = DirectoryShape(members: [
        "name": name, "slug": Member(rule: .text(1...256), isNullable: false),
        "billingDay": Member(rule: .integer(1...28), isNullable: false), "limits": limits,
    ])
    private static let plan = DirectoryShape(members: [
        "name": name, "maxBuckets": count, "maxRetentionDays": count, "maxApiCalls": count,
        "limits": limits,
    ])
    private static let user = DirectoryShape(members: [
        "id": short, "org_id": short, "account_id": short, "name": short, "email": short,
        "state": short, "roles": Member(rule: .texts(count: 64, length: 256)),
        "created_at": Member(rule: .moment),
    ])
    private static let project = DirectoryShape(members: [
        "id": short, "name": short, "goal": short, "deadline": short, "visibility": short,
        "member_count": count, "default_member_role": short,
        "default_role_enabled": Member(rule: .flag), "project_context": long,
        "answer_context": long, "is_pinned": Member(rule: .flag),
    ])

    /// Why an object is refused under its key, as one line; nil when it is right.
    static func refusal(of object: DirectoryObject, under key: DirectoryKey) -> String? {
        guard let shape = of(key.kind) else { return nil }
        for (name, member) in shape.members.sorted(by: { $0.key < $1.key }) {
            guard let value = object.members[name] else {
                if member.isRequired { return "\(key.kind.rawValue): \(name) is missing" }
                continue
            }
            if member.isNullable, value.elementsEqual("null".utf8) { continue }
            if member.rule == .limits {
                guard let reason = UsageLimit.refusal(value) else { continue }
                return "\(key.kind.rawValue): \(reason)"
            }
            guard member.rule.holds(value) else {
                return "\(key.kind.rawValue): \(name) must be \(member.rule)"
                    + (member.isNullable ? " or null" : "") + ", not \(shown(value))"
            }
        }
        return refusal(ofIDsOf: object, key)
    }

    /// The beginning of a member's text, for people.
    private static func shown(_ value: [UInt8]) -> String {
        let longest = 40
        return String(decoding: value.prefix(longest), as: UTF8.self)
            + (value.count > longest ? "…" : "")
    }

    /// Members that no answer shows, so most likely misspelt.
    static func unknown(in object: DirectoryObject, of kind: DirectoryKey.Kind) -> [String] {
        guard let shape = of(kind) else { return [] }
        return object.members.keys.filter { shape.members[$0] == nil }.sorted()
    }

    /// Why the ids in an object are refused; nil when they are those of its key.
    private static func refusal(
        ofIDsOf object: DirectoryObject, _ key: DirectoryKey
    ) -> String? {
        let ids = [("id", key.second), ("org_id", key.kind == .user ? key.first : nil)]
        for (name, expected) in ids {
            guard let expected, let given = object.members[name].flatMap(RecordText.string),
                given != expected
            else { continue }
            return "\(key.kind.rawValue): \(name) is "
                + "\"\(String(decoding: given, as: UTF8.self))\", but the key says "
                + "\"\(String(decoding: expected, as: UTF8.self))\""
        }
        return nil
    }
}

extension DirectoryShape.Rule: CustomStringConvertible {
    /// The end of the sentence "must be …".
    var description: String {
        switch self {
        case .text(let range):
            range.lowerBound == 0
                ? "a text of at most \(range.upperBound) characters"
                : "a text of \(range.lowerBound) to \(range.upperBound) characters"
        case .integer(let range):
            "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .flag: "true or false"
        case .moment: "a time like 2026-03-09T14:15:00Z"
        case .texts(let count, let length):
            "a list of at most \(count) texts of at most \(length) characters"
        case .limits: "a list of limits"
        }
    }

    /// Whether the text of a JSON value is such a thing.
    func holds(_ value: [UInt8]) -> Bool {
        switch self {
        case .text(let range):
            guard let text = RecordText.string(value) else { return false }
            return range.contains(Self.length(text))
        case .integer(let range):
            return JSONInteger.value(value).map { range.contains($0) } ?? false
        case .flag:
            return value.elementsEqual("true".utf8) || value.elementsEqual("false".utf8)
        case .moment:
            guard let text = RecordText.string(value) else { return false }
            return ValueText.isRFC3339(String(decoding: text, as: UTF8.self))
        case .texts(let count, let length):
            guard let list = RecordText.strings(value), list.count <= count else { return false }
            return list.allSatisfy { Self.length($0) <= length }
        case .limits: return UsageLimit.refusal(value) == nil
        }
    }

    /// Characters as JSON Schema counts them.
    private static func length(_ text: [UInt8]) -> Int {
        String(decoding: text, as: UTF8.self).unicodeScalars.count
    }
}
