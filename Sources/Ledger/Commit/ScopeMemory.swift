/// What the commit script says of a scope's value.
public struct ScopeVerdict: Sendable, Hashable {
    /// Whether a value may have keys of its own.
    public enum State: Int64, Sendable {
        /// No: the organization has as many as its limit.
        case refused = 0
        /// Yes: it is registered.
        case admitted = 1
        /// Not registered, but there is room for it.
        case room = 2
    }
    /// `ORG:DIM=VALUE…`, as in the key's name.
    public var scope: [UInt8]
    /// The state in Redis.
    public var state: State

    /// A verdict of these parts.
    public init(scope: [UInt8], state: State) {
        self.scope = scope
        self.state = state
    }
}

/// Which scopes a lane believes to be refused, so that a stream of new values costs one call a
/// commit.
///
/// It may be outdated: the script looks at the register each time and answers where that differs.
/// Holds the scopes that were admitted to organizations at their limit, so the limits bound its
/// size. One thread.
struct ScopeMemory {
    /// `ORG:DIM…` whose register has no room.
    private var full: Set<[UInt8]> = []
    /// Registered scopes of these dimensions.
    private var admitted: Set<[UInt8]> = []

    /// Whether no limit was reached yet, which is the usual case.
    var isEmpty: Bool { full.isEmpty }

    /// Whether a scope is believed to be refused.
    func refuses(_ scope: [UInt8]) -> Bool {
        full.contains(Self.dimensions(of: scope)) && !admitted.contains(scope)
    }

    /// Takes what the script said.
    mutating func learn(_ verdict: ScopeVerdict) {
        switch verdict.state {
        case .refused:
            full.insert(Self.dimensions(of: verdict.scope))
            admitted.remove(verdict.scope)
        case .admitted: admitted.insert(verdict.scope)
        case .room: full.remove(Self.dimensions(of: verdict.scope))
        }
    }

    /// `ORG:DIM…` of `ORG:DIM=VALUE…`; an organization's id may hold "=", but no ":".
    private static func dimensions(of scope: [UInt8]) -> [UInt8] {
        let parts = scope.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var name = Array(parts[0])
        for part in parts.dropFirst() {
            name.append(UInt8(ascii: ":"))
            name += part.prefix { $0 != UInt8(ascii: "=") }
        }
        return name
    }
}

/// How a set of cells is limited, as it is written after a group's letter.
struct GroupLimits {
    /// For groups of any scope: `MEMBERS/SCOPES`, each empty where there is no limit; an F before
    /// it where the members of the key belong to several meters.
    let text: [UInt8]
    /// For groups that are counted under `__other__` already: `MEMBERS`.
    let redirected: [UInt8]
    /// Most values of the scope; nil: any number.
    let mostScopes: Int?
    /// The scope that counts those beyond the limit: `DIM=__other__…`.
    let other: [UInt8]

    init(
        most: Int?, isFamily: Bool = false, scope: [String], mostScopes: Int?, other: String
    ) {
        let members = most.map { (isFamily ? "F" : "") + String($0) } ?? ""
        redirected = Array(members.utf8)
        text = Array((members + (mostScopes.map { "/\($0)" } ?? "")).utf8)
        self.mostScopes = mostScopes
        self.other = Array(scope.map { "\($0)=\(other)" }.joined(separator: ":").utf8)
    }
}
