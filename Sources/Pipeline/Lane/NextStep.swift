extension LaneCore {
    /// What the lane must do after the outcome of a commit.
    enum NextStep: Equatable {
        /// It was applied.
        case done
        /// Nobody knows whether it was applied: read the marks and, if it was not, send it again.
        case resend
        /// The shard's tallies were dropped: read its marks and `adopt` them.
        case reread
        /// The shard is under another contract.
        case foreignContract(String)
        /// The shard is set aside.
        case aside(String)
        /// Redis decided otherwise about some scopes: write the same tally again and send it.
        case rewrite
        /// The server refuses commits for now.
        case wait(String)
        /// The shard waits for its node, alone.
        case move
    }
}
