/// What an error of Redis means for the connection and for the user's rights.
extension RedisError {
    /// Whether the server says that it cannot work as a master now: it is a replica, has lost its
    /// master, or is still loading.
    ///
    /// Its name may lead to another server by now, so the connection is closed and the name is
    /// resolved again.
    public var leavesServer: Bool {
        guard let serverPrefix else { return false }
        return RedisError.leavingCodes.contains(serverPrefix)
    }

    /// First words of the errors for which `leavesServer` is true.
    public static let leavingCodes: Set<String> = ["READONLY", "MASTERDOWN", "LOADING"]

    /// Whether the server has no such command, or does not permit it to our user.
    ///
    /// Managed services remove commands by renaming them, or by rules of a proxy before them.
    public var isForbidden: Bool {
        guard let serverPrefix else { return false }
        if serverPrefix == "NOPERM" { return true }
        let text = message.lowercased()
        return serverPrefix == "ERR"
            && ["unknown command", "unknown subcommand", "not allowed"].contains {
                text.contains($0)
            }
    }

    /// The code of an error text of Redis: its first word, or `NOPERM` for a missing right.
    ///
    /// Inside a script a missing right has no code of its own, and Redis 7.0 and later versions
    /// word it differently; nor has a command that the server does not have.
    public static func code(ofText text: some StringProtocol) -> String {
        if text.hasPrefix("ERR The user executing the script")
            || text.hasPrefix("ERR ACL failure in script")
            || text.hasPrefix("ERR Unknown Redis command called from script")
        {
            return "NOPERM"
        }
        return String(text.prefix { $0 != " " })
    }
}
