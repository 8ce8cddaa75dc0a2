public import Redis

/// Asks, by reads only, whether a refused cell would take its change now.
///
/// A shard that was set aside for one cell goes back to work only after a yes, so that it does not
/// fold and fail again and again.
public enum CellProbe {
    /// Whether the change would pass now.
    public static func wouldPass(
        _ cell: RefusedCell, on connection: inout Connection
    ) throws(LedgerError) -> Bool {
        let reply: ReplyValue
        do throws(RedisError) {
            reply = try connection.command(question(cell))
        } catch {
            guard let prefix = error.serverPrefix,
                !CommitOutcome.serverWideCodes.contains(prefix)
            else { throw LedgerError(error) }
            return false
        }
        guard let text = reply.text else { return true }
        switch cell.kind {
        case .add:
            guard let before = Int64(text), String(before) == text,
                let delta = Int64(String(decoding: cell.value, as: UTF8.self))
            else { return cell.field.first == UInt8(ascii: "!") }
            return !before.addingReportingOverflow(delta).overflow
        case .score:
            guard let before = Int64(text),
                let delta = Int64(String(decoding: cell.value, as: UTF8.self))
            else { return false }
            let (sum, overflow) = before.addingReportingOverflow(delta)
            let limit: UInt64 = 1 << 53
            return !overflow && sum.magnitude < limit && delta.magnitude < limit
        case .minimum, .maximum: return text.utf8.count == 20 && isTwentyDigits(text)
        case .first, .last: return text.utf8.dropFirst(20).first == 58 && isTwentyDigits(text)
        case .distinct: return true
        }
    }

    private static func question(_ cell: RefusedCell) -> [[UInt8]] {
        switch cell.kind {
        case .score: [Array("ZSCORE".utf8), cell.key, cell.field]
        case .distinct: [Array("PFCOUNT".utf8), cell.key]
        case .add, .minimum, .maximum, .first, .last: [Array("HGET".utf8), cell.key, cell.field]
        }
    }

    private static func isTwentyDigits(_ text: String) -> Bool {
        text.utf8.prefix(20).allSatisfy { (48...57).contains($0) }
    }
}
