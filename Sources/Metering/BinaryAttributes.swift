/// CloudEvents attributes of a binary record: bytes of the `ce_` headers; nil where one is missing.
///
/// The Kafka binding writes them as UTF-8 and escapes nothing, so what a header holds is the value.
public struct BinaryAttributes {
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
    ///
    /// - Returns: whether a record with this header is in binary mode: `ce_` and something behind it.
    public mutating func take(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?
    ) -> Bool {
        guard name.count > 3, name[0] == 99, name[1] == 101, name[2] == 95 else { return false }
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
        return true
    }
}
