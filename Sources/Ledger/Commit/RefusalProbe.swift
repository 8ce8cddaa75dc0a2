public import Redis

/// Asks, by reads only, whether a cell would take a change that it refused.
///
/// A shard that was set aside because its own records refused is counted again only once they would
/// take the change; otherwise it would fail again and again. `odometer parked` shows why each cell
/// still refuses.
public enum RefusalProbe {
    /// Whether the change would pass now.
    public static func wouldPass(
        _ cell: RefusedCell, on connection: inout Connection
    ) throws(LedgerError) -> Bool {
        try refusal(of: cell, on: &connection) == nil
    }

    /// Why a parked cell would not take what is parked now; nil when it would.
    public static func refusal(
        of cell: ParkedCell, on connection: inout Connection
    ) throws(LedgerError) -> String? {
        try refusal(
            of: RefusedCell(
                key: cell.key, member: cell.member, kind: cell.kind, value: cell.value, error: ""),
            on: &connection)
    }

    /// Why the change would not pass now; nil when it would.
    public static func refusal(
        of cell: RefusedCell, on connection: inout Connection
    ) throws(LedgerError) -> String? {
        let reply: ReplyValue
        do throws(RedisError) {
            reply = try connection.command(readCommand(of: cell))
        } catch {
            guard let prefix = error.serverPrefix,
                !CommitOutcome.serverWideCodes.contains(prefix)
            else { throw LedgerError(error) }
            return error.message
        }
        let text = reply.text
        switch cell.kind {
        case .add: return refusal(ofSum: text, cell, limit: nil)
        case .score: return refusal(ofSum: text, cell, limit: 1 << 53)
        case .minimum, .maximum, .first, .last:
            guard let text else { return nil }
            let isTimed = cell.kind == .first || cell.kind == .last
            let isSound =
                isTwentyDigits(text)
                && (isTimed ? text.utf8.dropFirst(20).first == 58 : text.utf8.count == 20)
            return isSound ? nil : "the cell holds no extreme"
        case .distinct: return nil
        }
    }

    private static func refusal(
        ofSum text: String?, _ cell: RefusedCell, limit: UInt64?
    ) -> String? {
        if limit == nil, cell.member.first == UInt8(ascii: "!") { return nil }
        guard let before = Int64(text ?? "0"), text == nil || String(before) == text,
            let delta = Int64(String(decoding: cell.value, as: UTF8.self))
        else { return "the cell is not an integer" }
        let (sum, overflow) = before.addingReportingOverflow(delta)
        if let limit, overflow || sum.magnitude >= limit || delta.magnitude >= limit {
            return "the score would be 2^53 or more"
        }
        return overflow ? "the sum would be 2^63 or more" : nil
    }

    private static func readCommand(of cell: RefusedCell) -> [[UInt8]] {
        switch cell.kind {
        case .score: [Array("ZSCORE".utf8), cell.key, cell.member]
        case .distinct: [Array("PFCOUNT".utf8), cell.key]
        case .add, .minimum, .maximum, .first, .last: [Array("HGET".utf8), cell.key, cell.member]
        }
    }

    private static func isTwentyDigits(_ text: String) -> Bool {
        text.utf8.count >= 20 && text.utf8.prefix(20).allSatisfy { (48...57).contains($0) }
    }
}
