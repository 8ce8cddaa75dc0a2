import Redis

/// One round trip of a read.
extension CellReadRun {
    /// Sends commands in one go and takes their answers; the first error answer is thrown.
    static func pipeline(
        _ commands: borrowing ReadCommands, _ connection: inout Connection,
        _ deadline: ContinuousClock.Instant
    ) throws(CellReadError) -> [HeldReply] {
        guard ContinuousClock.now < deadline else {
            throw CellReadError(.timeout, "no answer from Redis in time")
        }
        do throws(RedisError) {
            connection.append(encoded: commands.buffer, count: commands.count)
            try connection.flush()
            var replies: [HeldReply] = []
            replies.reserveCapacity(commands.count)
            var failure: String?
            for _ in 0..<commands.count {
                let reply = try CellReadRun.next(&connection, deadline)
                if let text = reply.errorText { failure = failure ?? text }
                replies.append(HeldReply(reply))
            }
            if let failure { throw RedisError(serverText: failure) }
            return replies
        } catch {
            throw CellReadError(error)
        }
    }

    /// The next answer; reads a clock only where it has to wait.
    static func next(
        _ connection: inout Connection, _ deadline: ContinuousClock.Instant
    ) throws(RedisError) -> Reply {
        if let reply = try connection.receiveBuffered() { return reply }
        let left = deadline - .now
        return try connection.receive(
            timeoutMilliseconds: max(1, Int32(clamping: Int64(left / .milliseconds(1)))))
    }
}
