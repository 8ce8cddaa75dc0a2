import Foundation
import Kafka

/// One dead letter, as far as it is shown.
struct DeadLetter: Sendable {
    /// Bytes of the original value that are kept.
    static let shownBytes = 1_024

    /// When it was written, in milliseconds since 1970; -1 = unknown.
    let time: Int64
    /// Its place in the dead-letter topic.
    let place: TopicPartition
    let offset: Int64
    /// Headers by name, without the original ones; of a name that stands twice the last one.
    let headers: [String: String]
    let originalKey: [UInt8]?
    /// The first bytes of the original value; nil = null, or left out.
    let value: [UInt8]?
    /// Bytes of the whole value.
    let valueBytes: Int

    init(_ record: Record, topic: String) {
        time = record.timestamp
        place = TopicPartition(topic: topic, partition: record.partition)
        offset = record.offset
        value = record.value.map { Array($0.prefix(DeadLetter.shownBytes)) }
        valueBytes = record.value?.count ?? 0
        var headers: [String: String] = [:]
        var key: [UInt8]?
        for header in record.headers {
            let name = String(decoding: header.name, as: UTF8.self)
            if name == "original-key" {
                key = header.value.map { Array($0) }
            } else if !name.hasPrefix("original-") {
                headers[name] = header.value.map { String(decoding: $0, as: UTF8.self) }
            }
        }
        self.headers = headers
        originalKey = key
    }

    /// What was left out because the letter was too large: `headers`, `key`, `value`.
    var leftOut: [String] {
        let words = headers["truncated"].map { $0.split(separator: ",").map(String.init) } ?? []
        // Letters of older builds.
        return words == ["true"] ? ["headers", "key", "value"] : words
    }

    /// The word for why it was rejected, like `bad_field`.
    var reason: String { headers["reason"] ?? "unknown" }

    // MARK: For people

    /// Three lines; nothing that producers wrote can move the cursor or forge another line.
    func lines() -> [String] {
        let key = originalKey.map { ", key \(DeadLetter.visible($0, most: 100))" } ?? ""
        let from =
            "\(headers["topic"] ?? "?")/\(headers["partition"] ?? "?") offset "
            + (headers["offset"] ?? "?")
        return [
            "\(timeText)  \(DeadLetter.visible(reason))  "
                + DeadLetter.visible(headers["detail"] ?? ""),
            "  \(DeadLetter.visible(from))\(key)", "  " + valueText(most: 200),
        ]
    }

    private var timeText: String { time < 0 ? "no time" : ValueText.time(time) }

    private func valueText(most: Int) -> String {
        guard let value else {
            return leftOut.contains("value") ? "value left out: too large" : "no value"
        }
        let shown = DeadLetter.visible(value, most: most)
        return valueBytes > most ? "\(shown)… (\(valueBytes) bytes)" : shown
    }

    private static func visible(_ bytes: [UInt8], most: Int) -> String {
        visible(String(decoding: bytes.prefix(most), as: UTF8.self))
    }

    /// The text with everything escaped that a terminal obeys or that cannot be seen.
    static func visible(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
                .unassigned:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    // MARK: For programs

    /// Members of its JSON object.
    var json: [String: Any] {
        var object: [String: Any] = [
            "reason": reason, "detail": headers["detail"] ?? "",
            "deadLetter": ["partition": Int(place.partition), "offset": offset],
            "valueBytes": valueBytes,
        ]
        if time >= 0 { object["time"] = ValueText.time(time) }
        object["topic"] = headers["topic"]
        object["partition"] = headers["partition"].flatMap { Int($0) }
        object["offset"] = headers["offset"].flatMap { Int64($0) }
        object["recordTimestamp"] = headers["timestamp"].flatMap { Int64($0) }
        object["key"] = originalKey.map { String(decoding: $0, as: UTF8.self) }
        object["value"] = value.map { String(decoding: $0, as: UTF8.self) }
        object["truncated"] = leftOut
        return object
    }
}

/// Reads the newest dead letters: from the end of each partition backwards, in windows that grow.
struct DeadLetterReader: ~Copyable {
    private let consumer: Consumer
    private let topic: String
    private let deadline: Int64

    /// A reader that gives up after so long, with a failure that says so.
    init(
        _ configuration: ClientConfiguration, topic: String, timeoutMilliseconds: Int
    ) throws(KafkaError) {
        consumer = try Consumer(configuration, settings: ConsumerSettings()) { _ in }
        self.topic = topic
        deadline = ValueText.now() + Int64(timeoutMilliseconds)
    }

    /// At most `count` letters with that reason (nil = any), the newest first: by offset within a partition,
    /// because the times of several senders may cross there, by time between partitions.
    func newest(_ count: Int, reason: String?) throws(KafkaError) -> [DeadLetter] {
        let partitions = try consumer.partitionCount(of: topic, timeoutMilliseconds: 10_000)
        var rest: [[DeadLetter]] = []
        for number in 0..<Int32(partitions) {
            rest.append(
                try newest(count, of: TopicPartition(topic: topic, partition: number), reason))
        }
        return Self.merged(rest, count, time: \.time)
    }

    /// The newest of several partitions' letters, each given in the order of its offsets.
    static func merged<Letter>(
        _ partitions: [[Letter]], _ count: Int, time: (Letter) -> Int64
    ) -> [Letter] {
        var rest = partitions.map { $0[...] }
        var found: [Letter] = []
        while found.count < count {
            let last = rest.indices.compactMap { place in
                rest[place].last.map { (place: place, time: time($0)) }
            }
            guard let newest = last.max(by: { $0.time < $1.time }) else { break }
            found.append(rest[newest.place].removeLast())
        }
        return found
    }

    private func newest(
        _ count: Int, of partition: TopicPartition, _ reason: String?
    ) throws(KafkaError) -> [DeadLetter] {
        let log = try consumer.watermarks(of: partition, timeoutMilliseconds: 10_000)
        var found: [DeadLetter] = []
        var end = log.high
        var window = Int64(count)
        while end > log.low, found.count < count {
            let start = max(log.low, end - window)
            let letters = try read(partition, start..<end).filter {
                reason == nil || $0.reason == reason
            }
            found = letters.suffix(count - found.count) + found
            end = start
            window = min(window * 4, 10_000)
        }
        return found
    }

    /// The letters at these offsets, in their order; some of the offsets may hold none.
    private func read(
        _ partition: TopicPartition, _ offsets: Range<Int64>
    ) throws(KafkaError) -> [DeadLetter] {
        try consumer.unassign()
        try consumer.assign([(partition, offset: offsets.lowerBound)])
        var found: [DeadLetter] = []
        while true {
            guard ValueText.now() < deadline else {
                throw KafkaError(code: .timedOut, message: "\(partition) was not read in time")
            }
            let batch = consumer.nextBatch(maximum: 1_000, timeoutMilliseconds: 200)
            var isAtEnd = false
            for record in batch.records where record.partition == partition.partition {
                isAtEnd = isAtEnd || record.offset + 1 >= offsets.upperBound
                if offsets.contains(record.offset) {
                    found.append(DeadLetter(record, topic: topic))
                }
            }
            for event in batch.events {
                switch event {
                case .endOfPartition(let other, _): isAtEnd = isAtEnd || other == partition
                case .partitionError(_, let error) where !error.isRetriable: throw error
                case .error(let error) where error.isFatal: throw error
                case .partitionError, .error: break
                }
            }
            if isAtEnd { return found }
        }
    }
}
