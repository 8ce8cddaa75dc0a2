@testable import Ledger

/// Which members a key with a limit takes: the script's rule in plain Swift.
enum MemberLaw {
    /// `__other__` for each part of the name; of a shared key's member the first part stays.
    static func other(_ name: String, isShared: Bool = false) -> String {
        name.split(separator: ":", omittingEmptySubsequences: false).enumerated()
            .map { isShared && $0 == 0 ? String($1) : "__other__" }.joined(separator: ":")
    }

    /// The member under which an entry of that name is counted.
    static func admitted(
        _ name: String, in content: KeyContent, _ most: Int?, isShared: Bool
    ) -> String {
        guard let most, content.kind != "P", content.members[name] == nil else { return name }
        let other = other(name, isShared: isShared)
        return size(content, isShared) < most || name == other ? name : other
    }

    /// Whether no other member may come; then a cell at 0 keeps its place.
    static func isFull(_ content: KeyContent, _ most: Int?, isShared: Bool) -> Bool {
        guard let most else { return false }
        return size(content, isShared) >= most
    }

    /// In a shared key every member counts.
    private static func size(_ content: KeyContent, _ isShared: Bool) -> Int {
        isShared ? content.members.count : content.members.keys.filter { $0 != other($0) }.count
    }

    /// Whether a key has the `__other__` that says that it was full: of a shared key that of any
    /// meter.
    static func hasOther(_ content: KeyContent, _ name: String, isShared: Bool) -> Bool {
        guard isShared else { return content.members[other(name)] != nil }
        return content.members.keys.contains { $0.contains(":__other__") }
    }
}

/// Which scopes an organization may have: the script's rule in plain Swift.
enum ScopeLaw {
    static func name(of key: String) -> String? {
        let parts = key.split(separator: ":", omittingEmptySubsequences: false).dropFirst(3)
        guard let last = parts.dropFirst().lastIndex(where: { $0.contains("=") }) else {
            return nil
        }
        return parts[parts.startIndex...last].joined(separator: ":")
    }

    static func dimensions(_ scope: String) -> String {
        let parts = scope.split(separator: ":", omittingEmptySubsequences: false)
        return ([String(parts[0])] + parts.dropFirst().map { String($0.prefix { $0 != "=" }) })
            .joined(separator: ":")
    }

    private static func wanted(
        _ call: CommitCall, _ shard: ShardContent
    ) -> (joining: [String], refused: [String]) {
        let registered = call.registerKey.flatMap { shard.cells[$0] }?.members ?? [:]
        var counts: [String: Int] = [:]
        var joining: [String] = []
        var refused: [String] = []
        let present = Set(
            call.groups.filter { shard.cells[$0.key] != nil }.compactMap { name(of: $0.key) })
        for group in call.groups {
            guard let most = group.mostScopes, shard.cells[group.key] == nil,
                let scope = name(of: group.key), registered[scope] == nil,
                !joining.contains(scope), !refused.contains(scope)
            else { continue }
            let dimensions = dimensions(scope)
            let count = counts[dimensions] ?? Int(registered[dimensions] ?? "0") ?? 0
            if count < most || present.contains(scope) {
                counts[dimensions] = count + 1
                joining.append(scope)
            } else {
                refused.append(scope)
            }
        }
        return (joining, refused)
    }

    /// Scopes about which the caller believed something else than Redis.
    static func verdicts(_ call: CommitCall, _ shard: ShardContent) -> [ScopeVerdict] {
        guard let key = call.registerKey else { return [] }
        let registered = shard.cells[key]?.members ?? [:]
        let (joining, refused) = wanted(call, shard)
        var verdicts = refused.map { ScopeVerdict(scope: Array($0.utf8), state: .refused) }
        if !verdicts.isEmpty {
            verdicts += joining.map { ScopeVerdict(scope: Array($0.utf8), state: .admitted) }
        }
        for (scope, most) in call.refused {
            let dimensions = dimensions(scope)
            let count =
                (Int(registered[dimensions] ?? "0") ?? 0)
                + joining.filter { self.dimensions($0) == dimensions }.count
            if registered[scope] != nil {
                verdicts.append(ScopeVerdict(scope: Array(scope.utf8), state: .admitted))
            } else if count < most {
                verdicts.append(ScopeVerdict(scope: Array(scope.utf8), state: .room))
            }
        }
        return verdicts
    }

    /// Registers what is new.
    static func join(_ call: CommitCall, _ shard: inout ShardContent) {
        guard let key = call.registerKey else { return }
        let joining = wanted(call, shard).joining
        guard !joining.isEmpty else { return }
        var register = shard.cells[key] ?? KeyContent(kind: "H")
        for scope in joining {
            register.members[scope] = "1"
            let count = Int(register.members[dimensions(scope)] ?? "0") ?? 0
            register.members[dimensions(scope)] = String(count + 1)
        }
        shard.cells[key] = register
    }
}
