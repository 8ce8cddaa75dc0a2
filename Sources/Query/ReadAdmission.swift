internal import Ledger

/// Decides whether planned reads may be sent to Redis.
public protocol ReadAdmission: AnyObject {
    /// Called with the number of commands of each plan, on the request's thread, just before the
    /// plan is sent; throws where it may not be sent.
    func admit(commands: Int) throws(QueryError)

    /// Called with the number of members, fields and pairs that a plan has brought, on the request's
    /// thread: how large a table is, is known when it was read.
    func found(members: Int)
}

extension ReadPlan {
    /// Commands that Redis will be sent for this plan, within a few of each read.
    var commandCount: Int { reads.reduce(0) { $0 + $1.commandCount } }
}

extension CellQuery {
    /// Commands of this read, with those that ask for sizes first.
    fileprivate var commandCount: Int {
        switch self {
        case .members, .bucket, .size: 1
        case .hash, .ranking: 2
        case .distinct(let keys), .rankingSum(let keys): keys.count + 1
        }
    }
}
