/// CloudEvents attributes of a record in binary mode: the bytes of its `ce_` headers.
///
/// An attribute is nil where its header is missing. CloudEvents' protocol binding for Kafka writes
/// headers as UTF-8 without escapes, so a header's bytes are the attribute's value. A structured
/// record may have such headers too: then its `content-type` says that the whole event is in the
/// value, and the headers are only copies.
public struct BinaryAttributes {
    /// Whether the record is in binary mode.
    public var isBinary: Bool { hasAttribute && !isStructured }
    private var hasAttribute = false
    private var isStructured = false
    /// Whether the record is a batch of CloudEvents: a JSON array of structured events.
    public private(set) var isBatch = false

    /// `ce_specversion`.
    public var specversion: UnsafeRawBufferPointer?
    /// `ce_id`.
    public var id: UnsafeRawBufferPointer?
    /// `ce_source`.
    public var source: UnsafeRawBufferPointer?
    /// `ce_type`.
    public var type: UnsafeRawBufferPointer?
    /// `ce_subject`.
    public var subject: UnsafeRawBufferPointer?
    /// `ce_time`.
    public var time: UnsafeRawBufferPointer?
    /// No attributes.
    public init() {}

    /// Takes one header; where a name occurs twice, the last one counts.
    public mutating func take(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
        if name.count == 12, Self.begins(name, with: "content-type") {
            isStructured = value.map { Self.begins($0, with: "application/cloudevents") } ?? false
            isBatch =
                isStructured
                && value.map { Self.begins($0, with: "application/cloudevents-batch") } ?? false
            return
        }
        guard name.count > 3, name[0] == UInt8(ascii: "c"), name[1] == UInt8(ascii: "e"),
            name[2] == UInt8(ascii: "_")
        else { return }
        hasAttribute = true
        let attribute = name[3...]
        if attribute.elementsEqual("specversion".utf8) {
            specversion = value
        } else if attribute.elementsEqual("id".utf8) {
            id = value
        } else if attribute.elementsEqual("source".utf8) {
            source = value
        } else if attribute.elementsEqual("type".utf8) {
            type = value
        } else if attribute.elementsEqual("subject".utf8) {
            subject = value
        } else if attribute.elementsEqual("time".utf8) {
            time = value
        }
    }

    /// Whether bytes begin with a lower-case text; their own case does not matter, as in media
    /// types.
    private static func begins(_ bytes: UnsafeRawBufferPointer, with text: StaticString) -> Bool {
        guard bytes.count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[index])
            let byte = isUpper ? bytes[index] | 0x20 : bytes[index]
            if byte != text.utf8Start[index] { return false }
        }
        return true
    }
}
