/// A call to Kafka or Redis failed; the lane tries again later.
struct LaneError: Error {
    var message: String
}
