/// Reads one message of Protobuf into the text that the oracle reads.
///
/// Only what is asked for is looked at; of all else that is on the way, number and length.
struct ProtobufRecord {
    private let messages: OracleMessages
    /// Messages within each other.
    private static let deepest = 64

    /// What is on the wire for one field.
    private struct Piece {
        var number: UInt64
        var wire: UInt64
        /// Of a number, or of four or eight bytes.
        var bits: UInt64 = 0
        var bytes: [UInt8] = []
    }

    /// The text of a whole record.
    static func text(
        _ messages: OracleMessages, _ bytes: [UInt8], _ asked: AskedFor?
    ) throws(MalformedRecord) -> [UInt8] {
        let record = ProtobufRecord(messages: messages)
        let pieces = try record.pieces(bytes)
        guard let asked else { return RecordText.object([]) }
        return try record.message(0, pieces, asked, 0)
    }

    private func pieces(_ bytes: [UInt8]) throws(MalformedRecord) -> [Piece] {
        var bytes = RecordBytes(bytes)
        var pieces: [Piece] = []
        while !bytes.isAtEnd {
            let tag = try bytes.number()
            guard tag <= UInt32.max, tag >> 3 > 0 else { throw MalformedRecord() }
            var piece = Piece(number: tag >> 3, wire: tag & 7)
            switch piece.wire {
            case 0: piece.bits = try bytes.number()
            case 1: piece.bits = try bytes.fixed(8)
            case 5: piece.bits = try bytes.fixed(4)
            case 2:
                guard let length = Int(exactly: try bytes.number()) else {
                    throw MalformedRecord()
                }
                piece.bytes = try bytes.take(length)
            // 3 and 4 are groups.
            default: throw MalformedRecord()
            }
            pieces.append(piece)
        }
        return pieces
    }

    // MARK: Messages

    private func message(
        _ index: Int, _ pieces: [Piece], _ asked: AskedFor, _ depth: Int
    ) throws(MalformedRecord) -> [UInt8] {
        guard depth < Self.deepest else { throw MalformedRecord() }
        let fields = messages.messages[index].fields
        var members: [(name: [UInt8], text: [UInt8])] = []
        for field in fields {
            guard let inner = asked.member(field.name) else { continue }
            let (own, ended) = Self.pieces(of: field, among: fields, pieces)
            // What another member of a oneof ends must be a message all the same.
            _ = try text(of: field, ended, inner, depth)
            if let text = try text(of: field, own, inner, depth) {
                members.append((field.name, text))
            }
        }
        return RecordText.object(members)
    }

    /// The pieces of a field; of a `oneof` those behind every other member, and those before one.
    private static func pieces(
        of field: OracleMessages.Field, among fields: [OracleMessages.Field], _ pieces: [Piece]
    ) -> (own: [Piece], ended: [Piece]) {
        var own: [Piece] = []
        var ended: [Piece] = []
        for piece in pieces {
            if piece.number == field.number {
                own.append(piece)
            } else if let choice = field.choice,
                fields.contains(where: {
                    $0.choice == choice && $0.number == piece.number && $0.kind.wire == piece.wire
                })
            {
                ended += own
                own.removeAll()
            }
        }
        return (own, ended)
    }

    /// The text of a field; nil: it is absent.
    private func text(
        of field: OracleMessages.Field, _ pieces: [Piece], _ asked: AskedFor, _ depth: Int
    ) throws(MalformedRecord) -> [UInt8]? {
        if case .message(let inner) = field.kind, messages.messages[inner].meaning == .mapEntry {
            return try map(inner, pieces.filter { $0.wire == 2 }, asked, depth)
        }
        if field.isRepeated {
            return try list(of: field.kind, pieces, asked, depth)
        }
        // Of another wire type it is a field that nobody knows.
        let pieces = pieces.filter { $0.wire == field.kind.wire }
        guard !pieces.isEmpty else {
            // An empty text or no bytes name nothing.
            let hasDefault = field.kind != .string && field.kind != .bytes
            let isDefault = !field.hasPresence && asked.isValue && hasDefault
            return isDefault ? scalar(field.kind, 0) : nil
        }
        let text = try single(field.kind, pieces, asked, depth)
        let isEmpty = text.elementsEqual([0x22, 0x22])
        return isEmpty && !field.hasPresence ? nil : text
    }

    /// The last value of several; messages are put together.
    private func single(
        _ kind: OracleMessages.Kind, _ pieces: [Piece], _ asked: AskedFor, _ depth: Int
    ) throws(MalformedRecord) -> [UInt8] {
        guard case .message(let inner) = kind else {
            var last = RecordText.null
            for piece in pieces { last = try value(kind, piece) }
            return last
        }
        let meaning = messages.messages[inner].meaning
        let isPlain = meaning == .itself || meaning == .mapEntry
        if isPlain, asked.members.isEmpty {
            // Nobody looks into it. Its fields are no entries.
            return asked.isEach ? RecordText.boolean(false) : RecordText.object([])
        }
        var parts: [[Piece]] = []
        for piece in pieces { parts.append(try self.pieces(piece.bytes)) }
        var last = RecordText.object([])
        if !asked.members.isEmpty {
            last = try message(inner, parts.flatMap(\.self), asked, depth + 1)
        }
        // Its meaning is asked for, or what is in it.
        let isInside = isPlain || !(asked.isValue || asked.isEach || asked.members.isEmpty)
        for part in parts {
            let text = try self.text(of: inner, part)
            if !isInside { last = text }
        }
        return last
    }

    /// What a message means beyond its fields.
    private func text(of message: Int, _ pieces: [Piece]) throws(MalformedRecord) -> [UInt8] {
        let (seconds, nanoseconds) = Self.moment(pieces)
        switch messages.messages[message].meaning {
        case .itself, .mapEntry: return RecordText.object([])
        case .wrapper: return try wrapped(message, pieces)
        case .timestamp: return RecordText.moment(seconds: seconds, nanoseconds: nanoseconds)
        case .duration: return RecordText.duration(seconds: seconds, nanoseconds: nanoseconds)
        }
    }

    /// Seconds in field 1, nanoseconds in field 2.
    private static func moment(_ pieces: [Piece]) -> (Int64, Int64) {
        func number(_ number: UInt64) -> UInt64 {
            pieces.last { $0.number == number && $0.wire == 0 }?.bits ?? 0
        }
        let nanoseconds = Int32(truncatingIfNeeded: number(2))
        return (Int64(bitPattern: number(1)), Int64(nanoseconds))
    }

    /// The value in field 1; zero or empty where there is none.
    private func wrapped(_ message: Int, _ pieces: [Piece]) throws(MalformedRecord) -> [UInt8] {
        guard let field = messages.messages[message].fields.first else { return RecordText.null }
        let last = pieces.last { $0.number == 1 && $0.wire == field.kind.wire }
        return try value(field.kind, last ?? Piece(number: 1, wire: field.kind.wire))
    }

    // MARK: Lists and maps

    private func list(
        of kind: OracleMessages.Kind, _ pieces: [Piece], _ asked: AskedFor, _ depth: Int
    ) throws(MalformedRecord) -> [UInt8] {
        var texts: [[UInt8]] = []
        for piece in pieces {
            for element in try elements(kind, piece) {
                guard let inner = asked.element(texts.count) else {
                    texts.append(RecordText.null)
                    continue
                }
                texts.append(try single(kind, [element], inner, depth))
            }
        }
        return RecordText.array(texts)
    }

    /// The elements in one piece: itself, or several numbers packed into bytes.
    private func elements(
        _ kind: OracleMessages.Kind, _ piece: Piece
    ) throws(MalformedRecord) -> [Piece] {
        if piece.wire == kind.wire { return [piece] }
        guard piece.wire == 2 else { return [] }
        var bytes = RecordBytes(piece.bytes)
        var found: [Piece] = []
        while !bytes.isAtEnd {
            var element = Piece(number: piece.number, wire: kind.wire)
            switch kind.wire {
            case 0: element.bits = try bytes.number()
            case 1: element.bits = try bytes.fixed(8)
            default: element.bits = try bytes.fixed(4)
            }
            found.append(element)
        }
        return found
    }

    /// Entries are messages with the key in field 1 and the value in field 2.
    private func map(
        _ entry: Int, _ pieces: [Piece], _ asked: AskedFor, _ depth: Int
    ) throws(MalformedRecord) -> [UInt8] {
        let fields = messages.messages[entry].fields
        guard fields.count == 2 else { return RecordText.object([]) }
        var members: [(name: [UInt8], text: [UInt8])] = []
        for piece in pieces {
            let inside = try self.pieces(piece.bytes)
            func part(_ field: OracleMessages.Field) -> Piece {
                let found = inside.last {
                    $0.number == field.number && $0.wire == field.kind.wire
                }
                return found ?? Piece(number: field.number, wire: field.kind.wire)
            }
            let key = try name(fields[0].kind, part(fields[0]))
            guard let inner = asked.member(key) else { continue }
            members.append((key, try single(fields[1].kind, [part(fields[1])], inner, depth)))
        }
        return RecordText.object(members)
    }

    /// A key of a map as a text.
    private func name(
        _ kind: OracleMessages.Kind, _ piece: Piece
    ) throws(MalformedRecord) -> [UInt8] {
        if kind == .string { _ = try RecordText.text(piece.bytes) }
        return kind == .string ? piece.bytes : scalar(kind, piece.bits)
    }

    // MARK: Values

    private func value(
        _ kind: OracleMessages.Kind, _ piece: Piece
    ) throws(MalformedRecord) -> [UInt8] {
        switch kind {
        case .string: try RecordText.text(piece.bytes)
        case .bytes: RecordText.hexadecimal(piece.bytes)
        default: scalar(kind, piece.bits)
        }
    }

    private func scalar(_ kind: OracleMessages.Kind, _ bits: UInt64) -> [UInt8] {
        let low = UInt32(truncatingIfNeeded: bits)
        switch kind {
        case .int32, .sfixed32: return RecordText.integer(Int32(bitPattern: low))
        case .int64, .sfixed64: return RecordText.integer(Int64(bitPattern: bits))
        case .uint32, .fixed32: return RecordText.integer(low)
        case .uint64, .fixed64: return RecordText.integer(bits)
        case .sint32:
            return RecordText.integer(
                Int32(truncatingIfNeeded: RecordBytes.signed(UInt64(low))))
        case .sint64: return RecordText.integer(RecordBytes.signed(bits))
        case .boolean: return RecordText.boolean(bits != 0)
        case .float: return RecordText.real(Float(bitPattern: low))
        case .double: return RecordText.real(Double(bitPattern: bits))
        case .symbols(let index):
            let number = Int32(bitPattern: low)
            let symbol = messages.enums[index].first { $0.number == number }
            // Names in a schema are ASCII.
            return symbol.map { [0x22] + $0.name + [0x22] } ?? RecordText.integer(number)
        case .string, .bytes, .message, .group, .unknown: return RecordText.null
        }
    }
}
