internal import Ledger
internal import Metering

/// The members of profiles that one request reads together; made once, used by every request.
public struct ProfileMembers: Sendable {
    /// Their names, each once.
    public let names: [String]
    /// The members that are read of a profile's hash: two that say whether it exists, then these.
    let hashMembers: [[UInt8]]
    /// Index in `hashMembers` of the first of `names`.
    static let firstName = 2

    /// Members of these names.
    public init(_ names: [String]) {
        self.names = names
        hashMembers = (["@deleted", "@offset"] + names).map { Array($0.utf8) }
    }
}

/// A profile in the directory: members as they were written, each a JSON text.
///
/// It refers to the memory of Redis' answer and copies a member only where one is asked for.
public struct Profile {
    private let members: ProfileMembers
    private let slots: [ReadPlan.Slot]
    private let snapshot: CellSnapshot

    /// The profile in these slots, one for each of `members.hashMembers`.
    ///
    /// Nil where the profile is unknown or deleted.
    init?(_ members: ProfileMembers, _ slots: [ReadPlan.Slot], _ snapshot: CellSnapshot) {
        guard snapshot[slots[0]] == nil, snapshot[slots[1]] != nil else { return nil }
        self.members = members
        self.slots = slots
        self.snapshot = snapshot
    }

    /// Calls `body` with each member's name and its JSON text, in the order of `names`.
    ///
    /// The text is nil where the profile lacks the member; it is valid until `body` returns.
    public func forEachMember(_ body: (_ name: String, _ json: UnsafeRawBufferPointer?) -> Void) {
        for (index, name) in members.names.enumerated() {
            body(name, snapshot[slots[index + ProfileMembers.firstName]])
        }
    }

    /// A member's JSON text, or nil.
    public subscript(member: String) -> [UInt8]? {
        guard let index = members.names.firstIndex(of: member) else { return nil }
        return snapshot[slots[index + ProfileMembers.firstName]].map { [UInt8]($0) }
    }

    /// The bytes of a member that is a JSON string; nil where it is something else.
    public func text(_ member: String) -> [UInt8]? {
        self[member].flatMap { RecordText.string($0) }
    }

    /// The value of a member that is a JSON integer; other spellings such as `1e6` count too.
    public func integer(_ member: String) -> Int64? { self[member].flatMap(JSONInteger.value) }
}
