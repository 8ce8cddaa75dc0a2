internal import CRdkafka

/// The client library.
public enum KafkaLibrary {
    /// Its version, for example `2.0.2`.
    public static var version: String {
        rd_kafka_version_str().map { String(cString: $0) } ?? "unknown"
    }
}
