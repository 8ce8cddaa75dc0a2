internal import CHiredis

/// One answer of Redis; owns its memory.
public struct Reply: ~Copyable {
    private let pointer: UnsafeMutablePointer<redisReply>

    init(_ pointer: UnsafeMutablePointer<redisReply>) { self.pointer = pointer }

    deinit { ReplyMemory.free(pointer) }

    /// The answer's memory, which the caller owns from now on.
    consuming func taken() -> UnsafeMutablePointer<redisReply> {
        let pointer = pointer
        discard self
        return pointer
    }

    /// A view of the answer; valid while the reply lives.
    public var view: ReplyView { ReplyView(pointer) }
    /// What kind of answer it is.
    public var kind: ReplyView.Kind { view.kind }
    /// The number of an integer answer, else nil.
    public var integer: Int64? { view.integer }
    /// Bytes of a string, status or error, else nil; valid while the reply lives.
    public var bytes: UnsafeRawBufferPointer? { view.bytes }
    /// Number of elements of an array, else 0.
    public var count: Int { view.count }
    /// Text of an error answer, else nil.
    public var errorText: String? { view.errorText }
    /// Element of an array; valid while the reply lives.
    public subscript(index: Int) -> ReplyView { view[index] }
    /// The whole answer as a value, for cold code.
    public func copied() -> ReplyValue { view.copied() }
}

/// A view of an answer or an element of it, valid while its `Reply` lives.
public struct ReplyView {
    /// What kind of answer it is.
    public enum Kind: Sendable, Hashable {
        /// A string of bytes.
        case bytes
        /// An array of answers.
        case array
        /// A number.
        case integer
        /// Nothing.
        case null
        /// A short text such as OK.
        case status
        /// An error.
        case error
    }

    private let pointer: UnsafeMutablePointer<redisReply>

    init(_ pointer: UnsafeMutablePointer<redisReply>) { self.pointer = pointer }

    /// What kind of answer it is.
    public var kind: Kind {
        switch pointer.pointee.type {
        case REDIS_REPLY_STRING: .bytes
        case REDIS_REPLY_ARRAY: .array
        case REDIS_REPLY_INTEGER: .integer
        case REDIS_REPLY_STATUS: .status
        case REDIS_REPLY_ERROR: .error
        default: .null
        }
    }

    /// The number of an integer answer, else nil.
    public var integer: Int64? { kind == .integer ? pointer.pointee.integer : nil }

    /// Bytes of a string, status or error, else nil.
    public var bytes: UnsafeRawBufferPointer? {
        switch kind {
        case .bytes, .status, .error:
            UnsafeRawBufferPointer(start: pointer.pointee.str, count: pointer.pointee.len)
        case .array, .integer, .null: nil
        }
    }

    /// Number of elements of an array, else 0.
    public var count: Int { kind == .array ? pointer.pointee.elements : 0 }

    /// Element of an array.
    public subscript(index: Int) -> ReplyView {
        precondition(index >= 0 && index < count, "no such element in the reply")
        guard let element = pointer.pointee.element[index] else {
            preconditionFailure("empty element")
        }
        return ReplyView(element)
    }

    /// Text of an error answer, else nil.
    public var errorText: String? {
        kind == .error ? bytes.map { String(decoding: $0, as: UTF8.self) } : nil
    }

    /// Whether the bytes are exactly this text.
    public func equals(_ text: StaticString) -> Bool {
        guard let bytes, bytes.count == text.utf8CodeUnitCount else { return false }
        let other = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        return bytes.elementsEqual(other)
    }

    /// The whole answer as a value, for cold code.
    public func copied() -> ReplyValue {
        switch kind {
        case .integer: .integer(pointer.pointee.integer)
        case .bytes, .status: .bytes(bytes.map { [UInt8]($0) } ?? [])
        case .array: .array((0..<count).map { self[$0].copied() })
        case .null: .null
        case .error: .error(errorText ?? "")
        }
    }
}

/// An answer copied out of its reply, for cold code.
public enum ReplyValue: Sendable, Hashable {
    /// A number.
    case integer(Int64)
    /// A string of bytes or a status.
    case bytes([UInt8])
    /// An array.
    case array([ReplyValue])
    /// Nothing.
    case null
    /// An error's text.
    case error(String)

    /// The bytes as text (broken UTF-8 repaired), or nil where there are none.
    public var text: String? {
        if case .bytes(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    /// The bytes, or nil where there are none.
    public var bytes: [UInt8]? {
        if case .bytes(let bytes) = self { bytes } else { nil }
    }

    /// The number of an integer, or of bytes that are a decimal; else nil.
    public var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .bytes: text.flatMap { Int64($0) }
        case .array, .null, .error: nil
        }
    }

    /// The elements of an array; empty for everything else.
    public var elements: [ReplyValue] {
        if case .array(let elements) = self { elements } else { [] }
    }
}
