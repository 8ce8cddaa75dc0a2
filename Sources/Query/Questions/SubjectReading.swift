internal import Ledger

extension QueryWorker {
    /// The rows of a planned question, and what the answer says about itself.
    ///
    /// `organization` is whose events `Subjects.own` means. Questions about several organizations
    /// are read shard by shard, so that they show no single moment. Throws `tooManyCells` where
    /// the organizations found need more cells than a question may read.
    public func rows(
        _ plan: QuestionPlan, of organization: [UInt8]
    ) throws(QueryError) -> (rows: QuestionRows, answers: Answers) {
        var inquiry = inquiry(organization)
        let question = inquiry.rows(plan)
        let answers = try answer(inquiry)
        return (answers[question], answers)
    }

    /// The organizations of which events were counted into a meter in a range, sorted by the bytes
    /// of their raw ids.
    ///
    /// The meter must be declared with `across`. Organizations are kept by month of UTC: every
    /// month that the range touches counts whole. Without `from` and `to`: of all time, where the
    /// meter keeps the window `all`.
    ///
    /// - Parameters:
    ///   - from: start in seconds since 1970; nil: the first month of all.
    ///   - to: end; nil: now.
    public func subjects(
        meter name: String, from: Int64?, to: Int64?
    ) throws(QueryError) -> [[UInt8]] {
        throw QueryError(.unavailable, "lists of organizations are not there yet")
    }
}
