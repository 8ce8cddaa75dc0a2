internal import CRdkafka

/// The client library.
public enum KafkaLibrary {
    /// Its version, for example `2.0.2`.
    public static var version: String {
        rd_kafka_version_str().map { String(cString: $0) } ?? "unknown"
    }

    /// Names the calling thread, which serves a client, for tools such as `top -H`.
    ///
    /// At most 15 bytes are shown.
    public static func nameThread(_ name: StaticString) {
        name.withUTF8Buffer { text in
            text.withMemoryRebound(to: CChar.self) { text in
                if let start = text.baseAddress { odometer_kafka_name_thread(start) }
            }
        }
    }
}
