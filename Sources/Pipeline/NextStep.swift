extension LaneCore {
    /// What the lane must do after the outcome of a commit.
    enum NextStep: Equatable {
        /// Landed.
        case done
        /// Send the same tally again, after a pause where Redis refused it.
        case resend
        /// Tallies were dropped: read the shard's marks and `adopt` them.
        case reread
        /// Another contract stands there.
        case foreignContract(String)
        /// The shard is set aside.
        case aside(String)
        /// Some scopes are counted elsewhere: write the same tally again and send it.
        case rewrite
        /// Redis refuses for now.
        case wait(String)
    }
}
