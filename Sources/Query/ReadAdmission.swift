internal import Ledger

/// Decides whether planned reads may be sent to Redis.
public protocol ReadAdmission: AnyObject {
    /// Called with the number of commands of each plan just before the plan is sent; throws where
    /// it may not be sent.
    ///
    /// On the request's thread.
    func admit(commands: Int) throws(QueryError)

    /// Called with the number of members that a plan has read; the size of a table is known only
    /// then.
    ///
    /// On the request's thread.
    func found(members: Int)
}

extension ReadPlan {
    /// About how many commands are sent to Redis for this plan.
    var commandCount: Int { reads.reduce(0) { $0 + $1.commandCount } }
}

extension CellQuery {
    /// Commands of this read, including those that first ask for sizes.
    fileprivate var commandCount: Int {
        switch self {
        case .members, .bucket, .size: 1
        case .hash, .ranking: 2
        case .distinct(let keys), .sketch(let keys), .rankingSum(let keys): keys.count + 1
        }
    }
}
