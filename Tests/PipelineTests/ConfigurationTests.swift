import Kafka
import Redis
import Testing

@testable import Pipeline

/// What a configuration refuses before anything is started.
struct ConfigurationTests {
    private static let numbers:
        [(
            name: String, range: ClosedRange<Int>,
            set: @Sendable (inout PipelineConfiguration, Int) -> Void
        )] = [
            ("lanes", PipelineConfiguration.Ranges.lanes, { $0.lanes = $1 }),
            (
                "commit interval", PipelineConfiguration.Ranges.commitIntervalMilliseconds,
                { $0.commitIntervalMilliseconds = Int64($1) }
            ),
            (
                "dedupe window", PipelineConfiguration.Ranges.dedupeWindow,
                { $0.dedupeWindow = Int64($1) }
            ),
            (
                "future bound", PipelineConfiguration.Ranges.futureBoundMilliseconds,
                { $0.futureBoundMilliseconds = Int64($1) }
            ),
        ]

    private func configuration() throws -> PipelineConfiguration {
        PipelineConfiguration(
            client: ClientConfiguration(bootstrap: "localhost:1"), redis: RedisConfiguration(),
            catalog: try SupervisorTests.catalog())
    }

    @Test(arguments: numbers.indices)
    func aNumberOutsideItsRangeIsRefused(_ index: Int) throws {
        let (name, range, set) = Self.numbers[index]
        for wrong in [range.lowerBound - 1, range.upperBound + 1] {
            var configuration = try configuration()
            set(&configuration, wrong)
            let error = #expect(throws: PipelineError.self) { try configuration.validate() }
            #expect(error?.message.hasPrefix("\(name) is \(wrong);") == true)
        }
        for right in [range.lowerBound, range.upperBound] {
            var configuration = try configuration()
            set(&configuration, right)
            #expect(throws: Never.self) { try configuration.validate() }
        }
    }
}
