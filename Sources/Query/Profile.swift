internal import Ledger
internal import Metering

/// Members of profiles that are asked for together; made once and used by every request.
public struct ProfileMembers: Sendable {
    /// Their names, each once.
    public let names: [String]
    /// What is read of a profile's hash: what says whether it is there, then the members.
    let fields: [[UInt8]]
    /// How many fields stand before the members.
    static let firstMember = 2

    /// Members of these names.
    public init(_ names: [String]) {
        self.names = names
        fields = (["@deleted", "@offset"] + names).map { Array($0.utf8) }
    }
}

/// A thing that the directory knows: members as they were given, each a piece of JSON.
///
/// They are looked at where Redis' answer holds them, for as long as the profile lives.
public struct Profile {
    private let members: ProfileMembers
    private let slots: [ReadPlan.Slot]
    private let snapshot: CellSnapshot

    /// The profile in these slots, one for each field of `members`; nil where it is unknown or deleted.
    init?(_ members: ProfileMembers, _ slots: [ReadPlan.Slot], _ snapshot: CellSnapshot) {
        guard snapshot[slots[0]] == nil, snapshot[slots[1]] != nil else { return nil }
        self.members = members
        self.slots = slots
        self.snapshot = snapshot
    }

    /// Calls `body` with each member's name and its JSON text, nil where there is none, in the order of their names'
    /// list; a text is gone when `body` returns.
    public func forEachMember(_ body: (_ name: String, _ json: UnsafeRawBufferPointer?) -> Void) {
        for (place, name) in members.names.enumerated() {
            body(name, snapshot[slots[place + ProfileMembers.firstMember]])
        }
    }

    /// A member's JSON text, or nil.
    public subscript(member: String) -> [UInt8]? {
        guard let place = members.names.firstIndex(of: member) else { return nil }
        return snapshot[slots[place + ProfileMembers.firstMember]].map { [UInt8]($0) }
    }

    /// A member that is a JSON string: its bytes.
    public func text(_ member: String) -> [UInt8]? {
        self[member].flatMap { RecordText.string($0) }
    }

    /// A member that is a JSON integer, however it is spelled: `1e6` is one.
    public func integer(_ member: String) -> Int64? { self[member].flatMap(JSONInteger.value) }
}
