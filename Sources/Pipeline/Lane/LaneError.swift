/// Kafka or Redis did not do what was asked; the lane tries again later.
struct Obstacle: Error {
    var message: String
}
