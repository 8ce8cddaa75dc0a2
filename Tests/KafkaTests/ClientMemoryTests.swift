import Testing

@testable import Kafka

@Suite struct ClientMemoryTests {
    @Test func theAllocatorTookBothThresholdsElseEveryFetchPaysForItsPagesAgain() {
        #expect(ClientMemory.isKept)
    }
}
