internal import CHiredis
internal import Glibc

/// Taking answers in the order of the commands, and repeating commands where they belong.
extension Router {
    /// How long one command is repeated at most; less where the caller waits less.
    static let patienceMilliseconds: Int32 = 2_000
    /// The pause before a command is repeated that no node takes now.
    static let pauseMicroseconds: UInt32 = 25_000
    /// So often a command is sent on at once; two nodes that name each other would keep us busy.
    static let mostFollowed = 4

    /// The next answer; waits so long for it.
    func take(_ limitMilliseconds: Int32) throws(RedisError) -> Reply {
        guard next < sent.count else { throw Self.withoutKey() }
        if sent[next].answer != nil { return try takeKept(limitMilliseconds) }
        let reply = try speak(sent[next].link) {
            (connection: inout Connection) throws(RedisError) -> Reply in
            try connection.receive(timeoutMilliseconds: limitMilliseconds)
        }
        return try settle(reply, limitMilliseconds)
    }

    /// The next answer where it comes within this time; nil for the time: where it was read from a
    /// socket already.
    ///
    /// A redirect is followed, which may take 2 s more.
    func takeIfReady(_ waitMilliseconds: Int32?) throws(RedisError) -> Reply? {
        guard next < sent.count else { throw Self.withoutKey() }
        if sent[next].answer != nil { return try takeKept(Self.patienceMilliseconds) }
        let found = try speak(sent[next].link) {
            (connection: inout Connection) throws(RedisError) -> Reply? in
            if let waitMilliseconds {
                return try connection.tryReceive(waitMilliseconds: waitMilliseconds)
            }
            return try connection.receiveBuffered()
        }
        guard let reply = found else { return nil }
        return try settle(reply, Self.patienceMilliseconds)
    }

    private static func withoutKey() -> RedisError {
        RedisError(.configuration, "a transaction in a cluster needs a key in its first pipeline")
    }

    /// The next answer, which came before its turn.
    private func takeKept(_ limitMilliseconds: Int32) throws(RedisError) -> Reply {
        guard let answer = sent[next].answer else { preconditionFailure("no answer was kept") }
        sent[next].answer = nil
        guard sent[next].isFinal else { return try settle(Reply(answer), limitMilliseconds) }
        next += 1
        return Reply(answer)
    }

    /// The answer to the next command, which this is unless it sends us elsewhere.
    private func settle(
        _ reply: consuming Reply, _ limitMilliseconds: Int32
    ) throws(RedisError) -> Reply {
        guard !sent[next].isFinal, let redirect = redirect(reply, from: sent[next].link) else {
            note(sent[next].scan, sent[next].link)
            next += 1
            return reply
        }
        if let scan = sent[next].scan, !scan.isFirst {
            next += 1
            return reply
        }
        let deadline = Deadline(milliseconds: min(Self.patienceMilliseconds, limitMilliseconds))
        if let start = sent[next].transaction {
            sent[next].answer = reply.taken()
            sent[next].isFinal = true
            try repeatTransaction(start, redirect, deadline)
            return try takeKept(limitMilliseconds)
        }
        let answer = try repeated(reply, redirect, deadline)
        next += 1
        return answer
    }

    private func redirect(_ reply: borrowing Reply, from link: Link) -> Redirect? {
        guard let text = reply.errorText else { return nil }
        return Redirect(errorText: text, from: link.node.endpoint)
    }

    // MARK: Single commands

    /// Repeats the next command until a node takes it, or the time is over.
    private func repeated(
        _ reply: consuming Reply, _ first: Redirect, _ deadline: Deadline
    ) throws(RedisError) -> Reply {
        var answer = reply
        var redirect = first
        let command = sent[next]
        var attempts = 0
        while deadline.remainingMilliseconds > 0 {
            attempts += 1
            if attempts > Self.mostFollowed { usleep(Self.pauseMicroseconds) }
            guard
                let (link, isAsking) = try place(
                    redirect, isRead: command.isRead, slot: command.slot)
            else { return answer }
            guard try drain(link) else { return answer }
            if isAsking { link.connection.append("ASKING") }
            append(command.bytes, to: link)
            answer = try speak(link) { (connection: inout Connection) throws(RedisError) -> Reply in
                if isAsking { _ = try connection.receive() }
                return try connection.receive()
            }
            guard let again = self.redirect(answer, from: link) else {
                note(command.scan, link)
                return answer
            }
            redirect = again
        }
        return answer
    }

    /// Where a command goes next; nil where it must not be repeated.
    private func place(
        _ redirect: Redirect, isRead: Bool, slot: Int?
    ) throws(RedisError) -> (link: Link, isAsking: Bool)? {
        switch redirect {
        case .moved(let slot, let endpoint):
            cluster.moved(slot: slot, to: endpoint)
            return (try link(at: endpoint), false)
        case .ask(_, let endpoint):
            return isRead ? (try link(at: endpoint), true) : nil
        case .tryAgain, .down:
            cluster.lostNode()
            usleep(Self.pauseMicroseconds)
            cluster.refreshIfDue()
            guard let slot, let owner = cluster.map?.owner(ofSlot: slot) else {
                return (try link(slot: slot), false)
            }
            return (try link(at: owner.endpoint), false)
        }
    }

    /// Keeps the answers that a connection owes to later commands; false where it is in the middle
    /// of a transaction, so that no other command can go there.
    private func drain(_ link: Link) throws(RedisError) -> Bool {
        guard !link.isInTransaction else { return false }
        for index in sent.indices.dropFirst(next + 1)
        where sent[index].link === link && sent[index].answer == nil && !sent[index].isFinal {
            let reply = try speak(link) {
                (connection: inout Connection) throws(RedisError) -> Reply in
                try connection.receive()
            }
            sent[index].answer = reply.taken()
        }
        return true
    }

    // MARK: Transactions

    /// Repeats the transaction that begins there until a node takes it, or the time is over, and
    /// keeps the answers from the next command on.
    ///
    /// A command that was redirected was not queued, so nothing of its transaction is carried out.
    /// Each of its answers before the next one has been taken: they say OK and QUEUED.
    private func repeatTransaction(
        _ start: Int, _ first: Redirect, _ deadline: Deadline
    ) throws(RedisError) {
        let own = sent[start...].filter { $0.transaction == start }
        // With keys of two slots it can be run nowhere.
        let isWhole = Set(own.compactMap(\.slot)).count < 2
        guard isWhole, Self.isRepeated(first),
            let last = sent[start...].firstIndex(where: \.isEnd)
        else {
            // Some of its commands are answered by an error, so it must not be carried out later.
            for index in sent[start...].indices where sent[index].transaction == start {
                sent[index].isFinal = true
            }
            return
        }
        let commands = start...last
        for index in commands where index > next {
            let reply = try speak(sent[index].link) {
                (connection: inout Connection) throws(RedisError) -> Reply in
                try connection.receive()
            }
            sent[index].answer = reply.taken()
            sent[index].isFinal = true
        }
        var redirect = first
        let slot = sent[commands].lazy.compactMap(\.slot).first
        var attempts = 0
        while deadline.remainingMilliseconds > 0 {
            attempts += 1
            if attempts > Self.mostFollowed { usleep(Self.pauseMicroseconds) }
            guard Self.isRepeated(redirect),
                let (link, _) = try place(redirect, isRead: false, slot: slot), try drain(link)
            else { return }
            for index in commands { append(sent[index].bytes, to: link) }
            guard let again = try takeTransaction(commands, link) else { return }
            redirect = again
        }
    }

    /// Whether another node, or the same one soon, may take a transaction.
    ///
    /// While a slot moves no node does: each command would need ASKING, and its keys are apart.
    private static func isRepeated(_ redirect: Redirect) -> Bool {
        switch redirect {
        case .moved, .down: true
        case .ask, .tryAgain: false
        }
    }

    /// Takes the answers to a repeated transaction; returns the first redirect among them.
    private func takeTransaction(
        _ commands: ClosedRange<Int>, _ link: Link
    ) throws(RedisError) -> Redirect? {
        var redirect: Redirect?
        for index in commands {
            let reply = try speak(link) {
                (connection: inout Connection) throws(RedisError) -> Reply in
                try connection.receive()
            }
            redirect = redirect ?? self.redirect(reply, from: link)
            guard index >= next else { continue }
            sent[index].answer.map { ReplyMemory.free($0) }
            sent[index].answer = reply.taken()
        }
        return redirect
    }
}
