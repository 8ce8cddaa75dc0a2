/// What an error answer of a cluster's node says about where a command belongs.
///
/// After each of them the command was not carried out.
public enum Redirect: Sendable, Hashable {
    /// MOVED: another master has the slot.
    case moved(slot: Int, to: Endpoint)
    /// ASK: the slot is moving, and its new master may have the key already.
    case ask(slot: Int, at: Endpoint)
    /// TRYAGAIN: the slot is moving, and the command's keys are in two places or nowhere.
    case tryAgain
    /// CLUSTERDOWN: no master serves the slot now.
    case down

    /// From the text of an error answer; nil where it is about something else.
    ///
    /// `endpoint`: the node that answered; where the text names no host, it is that one's.
    public init?(errorText text: String, from endpoint: Endpoint) {
        let words = text.split(separator: " ")
        switch words.first {
        case "TRYAGAIN": self = .tryAgain
        case "CLUSTERDOWN": self = .down
        case "MOVED", "ASK":
            guard words.count >= 3, let slot = Int(words[1]), (0..<Slot.count).contains(slot),
                let colon = words[2].lastIndex(of: ":"),
                let port = Int32(words[2][words[2].index(after: colon)...]),
                (1...65_535).contains(port)
            else { return nil }
            let host = words[2][..<colon]
            let named = Endpoint(
                host: host.isEmpty || host == "?" ? endpoint.host : String(host), port: port)
            self = words[0] == "MOVED" ? .moved(slot: slot, to: named) : .ask(slot: slot, at: named)
        default: return nil
        }
    }
}

extension RedisError {
    /// First words of the errors for which `isRedirect` is true.
    public static let redirectCodes: Set<String> = ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"]

    /// Whether a node of a cluster said that it does not serve these keys now.
    public var isRedirect: Bool { serverPrefix.map { Self.redirectCodes.contains($0) } ?? false }
}
