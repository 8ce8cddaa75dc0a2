import Testing

@testable import Kafka

@Suite("Memory of the client")
struct ClientMemoryTests {
    @Test("The allocator took both thresholds: else every fetch pays for its pages again")
    func thresholds() { #expect(ClientMemory.isKept) }
}
