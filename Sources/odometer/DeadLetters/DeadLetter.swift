import Kafka
import Printing

/// One dead letter, as far as it is shown.
struct DeadLetter: Sendable {
    /// Bytes of the original value that are kept.
    static let shownBytes = 1_024

    /// When it was written, in milliseconds since 1970; −1: unknown.
    let writtenMilliseconds: Int64
    /// Its partition of the dead-letter topic.
    let partition: TopicPartition
    let offset: Int64
    /// Headers by name, without those of the original record; the last one of each name.
    let headers: [String: String]
    let originalKey: [UInt8]?
    /// The first bytes of the original value; nil when it is null, or left out.
    let value: [UInt8]?
    /// Bytes of the whole value.
    let valueBytes: Int

    init(_ record: Record, topic: String) {
        writtenMilliseconds = record.timestamp
        partition = TopicPartition(topic: topic, partition: record.partition)
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
        // Letters of older versions.
        return words == ["true"] ? ["headers", "key", "value"] : words
    }

    /// The word for why it was rejected, like `bad_field`.
    var reason: String { headers["reason"] ?? "unknown" }

    // MARK: For people

    /// Three lines; what producers wrote cannot move the cursor or fake another line.
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

    private var timeText: String {
        writtenMilliseconds < 0 ? "no time" : ValueText.time(writtenMilliseconds)
    }

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
            "deadLetter": ["partition": Int(partition.partition), "offset": offset],
            "valueBytes": valueBytes,
        ]
        if writtenMilliseconds >= 0 { object["time"] = ValueText.time(writtenMilliseconds) }
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
