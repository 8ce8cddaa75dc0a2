/// Appends JSON to a byte buffer, with commas and escapes where they belong.
///
/// Every value is written at once; the writer keeps only the buffer and whether a comma is due. The
/// caller writes exactly one value after each name, and closes what it opens; `object` and `array`
/// with closures do that by themselves. Not safe for several threads.
public struct JSONWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8] = []
    private var isCommaDue = false

    /// An empty writer with room for a usual answer.
    public init(capacity: Int = 1_024) {
        bytes.reserveCapacity(capacity)
    }

    /// Drops what was written, but keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        isCommaDue = false
    }

    // MARK: Structure

    /// Writes an object whose members the closure writes.
    @inline(__always)
    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        beginObject()
        body(&self)
        endObject()
    }

    /// Writes an array whose elements the closure writes.
    @inline(__always)
    public mutating func array(_ body: (inout JSONWriter) -> Void) {
        beginArray()
        body(&self)
        endArray()
    }

    /// Opens an object.
    public mutating func beginObject() { open(UInt8(ascii: "{")) }

    /// Closes an object.
    public mutating func endObject() { close(UInt8(ascii: "}")) }

    /// Opens an array.
    public mutating func beginArray() { open(UInt8(ascii: "[")) }

    /// Closes an array.
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Writes the name of the next value.
    public mutating func name(_ name: String) {
        appendQuoted(name, isName: true)
        isCommaDue = false
    }

    /// Writes the name of the next value, from bytes.
    public mutating func name(_ name: [UInt8]) {
        name.withUnsafeBytes { appendQuoted($0, isName: true) }
        isCommaDue = false
    }

    // MARK: Values

    /// Writes a string.
    public mutating func string(_ value: String) {
        appendQuoted(value, isName: false)
        isCommaDue = true
    }

    /// Writes a string from bytes; what is not UTF-8 becomes U+FFFD.
    public mutating func string(_ value: [UInt8]) {
        value.withUnsafeBytes { string($0) }
    }

    /// Writes a string from bytes; what is not UTF-8 becomes U+FFFD.
    public mutating func string(_ value: UnsafeRawBufferPointer) {
        appendQuoted(value, isName: false)
        isCommaDue = true
    }

    /// Writes an integer.
    public mutating func integer(_ value: Int64) {
        comma()
        appendDecimal(value.magnitude, isNegative: value < 0)
        isCommaDue = true
    }

    /// Writes an integer.
    public mutating func integer(_ value: Int) { integer(Int64(value)) }

    /// Writes `scaled / 10^digits` with exactly that many decimals: (1234, 2) is 12.34.
    ///
    /// `digits` is 0 to 18.
    public mutating func decimal(scaled: Int64, digits: Int) {
        precondition((0...18).contains(digits), "a decimal has 0 to 18 digits")
        comma()
        var unit: UInt64 = 1
        for _ in 0..<digits { unit *= 10 }
        let (whole, fraction) = scaled.magnitude.quotientAndRemainder(dividingBy: unit)
        appendDecimal(whole, isNegative: scaled < 0)
        if digits > 0 {
            bytes.append(UInt8(ascii: "."))
            appendDecimal(fraction, isNegative: false, minimumDigits: digits)
        }
        isCommaDue = true
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    /// Writes `null`.
    public mutating func null() { raw("null") }

    /// Writes a value that is JSON already.
    public mutating func raw(_ json: [UInt8]) { json.withUnsafeBytes { raw($0) } }

    /// Writes a value that is JSON already.
    public mutating func raw(_ json: UnsafeRawBufferPointer) {
        comma()
        bytes.append(contentsOf: json)
        isCommaDue = true
    }

    /// Writes a value that is JSON already.
    public mutating func raw(_ json: StaticString) {
        comma()
        json.withUTF8Buffer { bytes.append(contentsOf: $0) }
        isCommaDue = true
    }

    // MARK: Members

    /// Writes a member with a string.
    public mutating func member(_ name: String, string value: String) {
        self.name(name)
        string(value)
    }

    /// Writes a member with a string from bytes, or null.
    public mutating func member(_ name: String, string value: [UInt8]?) {
        self.name(name)
        if let value { string(value) } else { null() }
    }

    /// Writes a member with an integer.
    public mutating func member(_ name: String, integer value: Int64) {
        self.name(name)
        integer(value)
    }

    /// Writes a member with an integer, or null.
    public mutating func member(_ name: String, integer value: Int64?) {
        self.name(name)
        if let value { integer(value) } else { null() }
    }

    /// Writes a member with a decimal of fixed digits.
    public mutating func member(_ name: String, scaled value: Int64, digits: Int) {
        self.name(name)
        decimal(scaled: value, digits: digits)
    }

    /// Writes a member with a truth value.
    public mutating func member(_ name: String, bool value: Bool) {
        self.name(name)
        bool(value)
    }

    /// Writes a member with null.
    public mutating func memberNull(_ name: String) {
        self.name(name)
        null()
    }

    /// Writes a member with an object.
    @inline(__always)
    public mutating func object(_ name: String, _ body: (inout JSONWriter) -> Void) {
        self.name(name)
        object(body)
    }

    /// Writes a member with an array.
    @inline(__always)
    public mutating func array(_ name: String, _ body: (inout JSONWriter) -> Void) {
        self.name(name)
        array(body)
    }

    // MARK: Bytes

    private mutating func comma() {
        if isCommaDue { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func open(_ bracket: UInt8) {
        comma()
        bytes.append(bracket)
        isCommaDue = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        isCommaDue = true
    }

    private mutating func appendDecimal(
        _ magnitude: UInt64, isNegative: Bool, minimumDigits: Int = 1
    ) {
        if isNegative { bytes.append(UInt8(ascii: "-")) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = magnitude
            var start = digits.count
            while rest > 0 || digits.count - start < minimumDigits {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    private mutating func appendQuoted(_ value: String, isName: Bool) {
        let isWritten: Void? = value.utf8.withContiguousStorageIfAvailable {
            appendQuoted(UnsafeRawBufferPointer($0), isName: isName)
        }
        if isWritten == nil {
            Array(value.utf8).withUnsafeBytes { appendQuoted($0, isName: isName) }
        }
    }

    private mutating func appendQuoted(_ value: UnsafeRawBufferPointer, isName: Bool) {
        if value.count <= JSONWriter.mostShortBytes, JSONEscape.isPlain(value) {
            return appendShort(value, isName: isName)
        }
        comma()
        bytes.append(UInt8(ascii: "\""))
        JSONEscape.append(value, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        if isName { bytes.append(UInt8(ascii: ":")) }
    }

    /// The longest text that `appendShort` takes.
    private static let mostShortBytes = 60

    /// Appends comma, quotes, colon and text in one go.
    ///
    /// Each append to an array costs a check whether the array is shared.
    private mutating func appendShort(_ value: UnsafeRawBufferPointer, isName: Bool) {
        let most = JSONWriter.mostShortBytes + 4
        withUnsafeTemporaryAllocation(byteCount: most, alignment: 1) { room in
            var count = 0
            func put(_ character: Unicode.Scalar) {
                room[count] = UInt8(truncatingIfNeeded: character.value)
                count += 1
            }
            if isCommaDue { put(",") }
            put("\"")
            UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyMemory(from: value)
            count += value.count
            put("\"")
            if isName { put(":") }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
    }
}
