/// A record of a topic, as `odometer catalog infer` has read it.
public struct SampledRecord: Sendable {
    /// The value; nil: null.
    public var value: [UInt8]?
    /// The key; nil: null.
    public var key: [UInt8]?
    /// The headers in their order, without those that are null; names as they are on the wire.
    public var headers: [(name: String, value: [UInt8])]
    /// Kafka's timestamp in milliseconds since 1970; -1: none.
    public var timestampMilliseconds: Int64

    /// A record of these parts.
    public init(
        value: [UInt8]?, key: [UInt8]? = nil, headers: [(name: String, value: [UInt8])] = [],
        timestampMilliseconds: Int64 = -1
    ) {
        self.value = value
        self.key = key
        self.headers = headers
        self.timestampMilliseconds = timestampMilliseconds
    }

    /// Headers of tracing and of serializers, which say nothing about the event.
    private static let technical: Set<String> = [
        "content-type", "traceparent", "tracestate", "baggage", "b3", "uber-trace-id",
    ]

    /// The headers that may be values of the event: texts that neither CloudEvents nor a library
    /// has written.
    var texts: [(name: String, value: SampledValue)] {
        headers.compactMap { header in
            let name = header.name.lowercased()
            let isOther = ["ce_", "__", "x-b3-"].contains { name.hasPrefix($0) }
            guard !isOther, !name.isEmpty, !Self.technical.contains(name),
                let text = String(validating: header.value, as: UTF8.self)
            else { return nil }
            return (header.name, .text(text))
        }
    }

    /// Whether it is a CloudEvent in binary mode: its attributes are in headers.
    var isBinaryEvent: Bool {
        headers.contains { $0.name.lowercased() == "ce_specversion" }
    }

    /// A binary event as the structured one that says the same.
    var structured: SampledValue {
        var members: [String: SampledValue] = [:]
        for header in headers where header.name.lowercased().hasPrefix("ce_") {
            members[String(header.name.lowercased().dropFirst(3))] = .text(
                String(decoding: header.value, as: UTF8.self))
        }
        members["data"] = value.flatMap(SampledValue.read)
        return .object(members)
    }
}
