import Testing

@testable import odometer

@Suite struct DeadLetterReaderTests {
    /// The lanes' clocks write the times, so that they may cross within a partition.
    @Test func fewerLettersAreTheFirstOfMoreThoughTimesCrossWithinAPartition() {
        let partitions: [[Int64]] = [[1, 5, 4], [3, 2, 6], []]
        func newest(_ count: Int) -> [Int64] {
            DeadLetterReader.merged(partitions, count, time: { $0 })
        }
        #expect(newest(10) == [6, 4, 5, 2, 3, 1])
        for count in 0...6 { #expect(newest(count) == Array(newest(10).prefix(count))) }
    }
}
