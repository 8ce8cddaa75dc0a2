import Foundation
import Kafka
import Testing

@testable import Replay

/// Files and topics at the two ends of a replay.
struct ReplayTests {
    private func lines(_ bytes: Data) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try bytes.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var source = try LineSource(path: file.path)
        var lines: [String] = []
        while let line = try source.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        return lines
    }

    @Test func linesComePlainOrPackedAndFromSeveralMembers() throws {
        let gzip = "H4sIAAAAAAAAA8vPS+Xl4iopz+cCAA1OY/IKAAAAH4sIAAAAAAAAAyvJKEpNBQD12MVGBQAAAA=="
        let zstd = "KLUv/QRYUQAAb25lDQoKdHdvCn1rr9UotS/9BFgpAAB0aHJlZRQNqxE="
        #expect(try lines(Data("one\r\n\ntwo\nthree".utf8)) == ["one", "two", "three"])
        #expect(try lines(Data()) == [])
        for packed in [gzip, zstd] {
            let data = try #require(Data(base64Encoded: packed))
            #expect(try lines(data) == ["one", "two", "three"])
            #expect(throws: ReplayError.self) { try lines(data.dropLast(4)) }
        }
    }

    @Test func longLinesCrossTheReadingBlocks() throws {
        let long = String(repeating: "x", count: 300_000)
        #expect(try lines(Data("a\n\(long)\nb\n".utf8)) == ["a", long, "b"])
        let tooLong = Data(repeating: 120, count: LineSource.lineLimitBytes + 100_000)
        #expect(throws: ReplayError.self) { try lines(tooLong) }
        #expect(throws: ReplayError.self) { _ = try LineSource(path: "/nonexistent") }
    }

    @Test(
        arguments: [
            (#"{"subject":"acme","data":{}}"#, "acme"),
            (#"{"data":{"subject":"no"},"list":["subject","x"], "subject" : "yes"}"#, "yes"),
            (#"{"x":"\"subject\":\"no\"","subject":"yes"}"#, "yes"),
            (#"{"subject":"a\"b"}"#, nil), (#"{"subject":7}"#, nil), (#"{"subject"#, nil),
            ("not json", nil), ("{}", nil),
        ] as [(String, String?)])
    func theKeyIsTheSubject(_ line: String, _ subject: String?) {
        let bytes = Array(line.utf8)[...]
        let found = EnvelopeScanner.find(in: bytes).subject.map { Array(bytes[$0]) }
        #expect(found == subject.map { Array($0.utf8) })
    }

    @Test func everyRecordArrives() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("replayed", partitions: 2)
        let kafka = ClientConfiguration(bootstrap: cluster.bootstrap)
        let replayer = try Replayer(kafka, topic: "replayed")
        #expect(try replayer.partitionCount() == 2)
        var source = Numbers(left: 2_000)
        let progress = try replayer.run(&source) { _ in true }
        #expect(progress.sent == 2_000)
        #expect(progress.delivered == 2_000)
        let reader = try Consumer(kafka, settings: ConsumerSettings()) { _ in }
        var total: Int64 = 0
        for partition in 0..<2 {
            total += try reader.watermarks(
                of: TopicPartition(topic: "replayed", partition: Int32(partition)),
                timeoutMilliseconds: 10_000
            ).high
        }
        #expect(total == 2_000)
    }

    private struct Numbers: RecordSource {
        var left: Int

        mutating func next() -> SourceRecord? {
            guard left > 0 else { return nil }
            left -= 1
            let text = Array(String(left).utf8)
            return SourceRecord(
                key: left.isMultiple(of: 3) ? nil : text,
                value: left.isMultiple(of: 5) ? nil : text,
                headers: left.isMultiple(of: 2) ? [("ce_id", text)] : [])
        }
    }
}
