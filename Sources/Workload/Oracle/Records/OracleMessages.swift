/// The messages of a `.proto` file that one of them needs.
public struct OracleMessages: Sendable {
    /// What a field holds.
    public enum Kind: Sendable, Equatable {
        case int32, int64, uint32, uint64, sint32, sint64
        case fixed32, fixed64, sfixed32, sfixed64
        case boolean, float, double, string, bytes
        /// An enum, by its index in `enums`.
        case symbols(Int)
        /// A message, by its index in `messages`.
        case message(Int)
        /// A group, or a type that is nowhere defined: neither is read.
        case group, unknown

        /// How it is written: 0 a number, 1 eight bytes, 2 a length and bytes, 5 four bytes.
        var wire: UInt64 {
            switch self {
            case .string, .bytes, .message: 2
            case .fixed64, .sfixed64, .double: 1
            case .fixed32, .sfixed32, .float: 5
            default: 0
            }
        }
    }

    /// What a message is beyond its fields.
    public enum Meaning: Sendable {
        case itself, timestamp, duration, wrapper, mapEntry
    }

    /// A field of a message.
    public struct Field: Sendable {
        var name: [UInt8]
        var number: UInt64
        var kind: Kind
        var isRepeated: Bool
        /// Whether absent is something else than zero.
        var hasPresence: Bool
        /// The number of its `oneof` within the message.
        var choice: Int?

        /// Makes a field of these parts.
        public init(
            name: [UInt8], number: UInt64, kind: Kind, isRepeated: Bool, hasPresence: Bool,
            choice: Int?
        ) {
            self.name = name
            self.number = number
            self.kind = kind
            self.isRepeated = isRepeated
            self.hasPresence = hasPresence
            self.choice = choice
        }
    }

    /// A message with its fields.
    public struct Message: Sendable {
        var meaning: Meaning
        var fields: [Field]

        /// Makes a message of these parts.
        public init(meaning: Meaning, fields: [Field]) {
            self.meaning = meaning
            self.fields = fields
        }
    }

    /// The first one is that of the record.
    public var messages: [Message]
    /// The symbols of each enum, in the order of its text.
    public var enums: [[(number: Int32, name: [UInt8])]]

    /// Makes messages of these parts.
    public init(messages: [Message], enums: [[(number: Int32, name: [UInt8])]]) {
        self.messages = messages
        self.enums = enums
    }

    /// Whether everything that is asked for of a message is of a type that is read.
    func isReadable(_ message: Int, _ asked: AskedFor) -> Bool {
        messages[message].fields.allSatisfy { field in
            asked.member(field.name).map { isReadable(field, $0) } ?? true
        }
    }

    private func isReadable(_ field: Field, _ asked: AskedFor) -> Bool {
        switch field.kind {
        case .group, .unknown: return false
        case .message(let inner):
            if messages[inner].meaning == .mapEntry {
                guard let value = messages[inner].fields.last else { return true }
                return isReadable(value, AskedFor.valueAlone)
                    && asked.members.allSatisfy { isReadable(value, $0.of) }
            }
            if field.isRepeated {
                let parts = asked.entries + asked.members.map(\.of)
                return parts.allSatisfy { $0.members.isEmpty || isReadable(inner, $0) }
            }
            return asked.members.isEmpty || isReadable(inner, asked)
        default: return true
        }
    }
}
