/// CloudEvents attributes of a binary record: bytes of the `ce_` headers; nil where one is missing.
///
/// The Kafka binding writes them as UTF-8 and escapes nothing, so what a header holds is the value.
/// It lets a structured record have such headers, too: then its `content-type` says that the whole
/// event stands in the value, and the headers are only copies.
public struct BinaryAttributes {
    /// Whether the record is in binary mode.
    public var isBinary: Bool { hasAttribute && !isStructured }
    private var hasAttribute = false
    private var isStructured = false

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
    /// No attribute at all.
    public init() {}

    /// Takes one header; of a name that stands twice the last counts.
    public mutating func take(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
        if name.count == 12, Self.begins(name, with: "content-type") {
            isStructured = value.map { Self.begins($0, with: "application/cloudevents") } ?? false
            return
        }
        guard name.count > 3, name[0] == 99, name[1] == 101, name[2] == 95 else { return }
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

    /// Whether bytes begin with a text of lower-case letters, in any case: media types have none.
    private static func begins(_ bytes: UnsafeRawBufferPointer, with text: StaticString) -> Bool {
        guard bytes.count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount {
            let byte = (65...90).contains(bytes[index]) ? bytes[index] | 32 : bytes[index]
            if byte != text.utf8Start[index] { return false }
        }
        return true
    }
}
