import Testing

@testable import Kafka

/// What a consumer may fetch ahead, by its properties.
@Suite struct FetchMemoryTests {
    private let names = ["queued.min.messages", "queued.max.messages.kbytes", "fetch.max.bytes"]

    private func values(
        sharers: Int = 1, _ properties: [(name: String, value: String)] = []
    ) throws -> [Int] {
        let settings = ConsumerSettings(group: "g", sharers: sharers)
        let configuration = ClientConfiguration(bootstrap: "127.0.0.1:1", properties: properties)
        // The library also judges whether the values agree with each other.
        _ = try Consumer(configuration, settings: settings)
        let builder = try settings.build(configuration)
        return names.compactMap { builder.value(of: $0).flatMap { Int($0) } }
    }

    @Test func theConsumersOfAProcessShareWhatIsFetchedAhead() throws {
        #expect(try values() == [50_000, 65_536, 4 << 20])
        #expect(try values(sharers: 2) == [50_000, 65_536, 4 << 20])
        #expect(try values(sharers: 8) == [12_500, 16_384, 1 << 20])
        #expect(try values(sharers: 64) == [10_000, 8_192, 1 << 20])
    }

    @Test func propertiesOfTheUserComeFirstAndAgreeWithTheRest() throws {
        #expect(try values([("fetch.max.bytes", "9000000")])[2] == 9_000_000)
        // The library refuses a fetch that is smaller than a message may be.
        #expect(try values(sharers: 8, [("message.max.bytes", "7000000")])[2] == 7_000_000)
        #expect(try values([("queued.max.messages.kbytes", "2048")])[1...] == [2_048, 2 << 20])
    }
}
