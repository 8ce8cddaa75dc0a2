/// Reads one value of Avro into the text that the oracle reads.
///
/// What nobody asks for is passed over: only its length is known then.
struct AvroRecord {
    private let schema: OracleAvroSchema
    private var bytes: RecordBytes
    /// How many elements lists may still have, since an element may have no bytes.
    private var elementsLeft: Int
    private static let mostWithoutBytes = 65_536
    /// Records, lists and maps within each other.
    static let deepest = 64

    /// The text of a whole record.
    static func text(
        _ schema: OracleAvroSchema, _ bytes: [UInt8], _ asked: AskedFor?
    ) throws(MalformedRecord) -> [UInt8] {
        var record = AvroRecord(
            schema: schema, bytes: RecordBytes(bytes),
            elementsLeft: bytes.count + mostWithoutBytes)
        let text = try record.value(schema.root, asked, 0)
        guard record.bytes.isAtEnd else { throw MalformedRecord() }
        return text
    }

    private mutating func value(
        _ type: Int, _ asked: AskedFor?, _ depth: Int
    ) throws(MalformedRecord) -> [UInt8] {
        if asked == nil, let size = schema.size(of: type) {
            _ = try bytes.take(size)
            return RecordText.null
        }
        switch schema.types[type].kind {
        case .union(let branches):
            return try value(branches[try index(below: branches.count)], asked, depth)
        case .record(let fields):
            guard depth < Self.deepest else { throw MalformedRecord() }
            var members: [(name: [UInt8], text: [UInt8])] = []
            for field in fields {
                let inner = asked?.member(field.name)
                let text = try value(field.type, inner, depth + 1)
                if inner != nil { members.append((field.name, text)) }
            }
            return RecordText.object(members)
        case .list(let item):
            guard depth < Self.deepest else { throw MalformedRecord() }
            return try list(of: item, asked, depth + 1)
        case .map(let item):
            guard depth < Self.deepest else { throw MalformedRecord() }
            return try map(of: item, asked, depth + 1)
        default: return try scalar(schema.types[type], isAsked: asked != nil)
        }
    }

    private mutating func index(below count: Int) throws(MalformedRecord) -> Int {
        let index = try bytes.signedNumber()
        guard (0..<Int64(count)).contains(index) else { throw MalformedRecord() }
        return Int(index)
    }

    private mutating func counted() throws(MalformedRecord) -> [UInt8] {
        let count = try bytes.signedNumber()
        guard let count = Int(exactly: count) else { throw MalformedRecord() }
        return try bytes.take(count)
    }

    private mutating func scalar(
        _ type: OracleAvroSchema.Definition, isAsked: Bool
    ) throws(MalformedRecord) -> [UInt8] {
        switch type.kind {
        case .boolean:
            let byte = try bytes.byte()
            guard byte <= 1 else { throw MalformedRecord() }
            return RecordText.boolean(byte == 1)
        case .integer:
            let number = try bytes.signedNumber()
            switch type.meaning {
            case .date: return RecordText.date(number)
            case .time(let digits, let isLocal):
                return RecordText.time(number, digits: digits, isLocal: isLocal)
            default: return RecordText.integer(number)
            }
        case .float:
            return RecordText.real(Float(bitPattern: UInt32(try bytes.fixed(4))))
        case .double: return RecordText.real(Double(bitPattern: try bytes.fixed(8)))
        case .string:
            let text = try counted()
            return isAsked ? try RecordText.text(text) : RecordText.null
        case .symbols(let symbols):
            if !isAsked {
                _ = try bytes.signedNumber()
                return RecordText.null
            }
            return try RecordText.text(symbols[try index(below: symbols.count)])
        case .bytes: return Self.text(of: try counted(), type.meaning)
        case .fixed(let size): return Self.text(of: try bytes.take(size), type.meaning)
        case .null, .union, .record, .list, .map: return RecordText.null
        }
    }

    private static func text(of bytes: [UInt8], _ meaning: OracleAvroSchema.Meaning) -> [UInt8] {
        switch meaning {
        case .decimal(let scale): RecordText.decimal(bytes, scale: scale)
        case .uuid: RecordText.uuid(bytes)
        default: RecordText.hexadecimal(bytes)
        }
    }

    // MARK: Lists and maps

    /// A block of a list or map: how many elements it has and, where it says so, where it ends.
    private mutating func block() throws(MalformedRecord) -> (count: UInt64, end: Int?) {
        let count = try bytes.signedNumber()
        guard count < 0 else { return (UInt64(count), nil) }
        let length = try bytes.signedNumber()
        guard length >= 0, length <= Int64(bytes.left) else { throw MalformedRecord() }
        return (count.magnitude, bytes.at + Int(length))
    }

    /// Calls with the number of each element, in all blocks.
    ///
    /// Where nothing in them is asked for, blocks that say where they end are passed over.
    private mutating func elements(
        areAsked: Bool,
        _ take: (inout AvroRecord, _ number: Int) throws(MalformedRecord) -> Void
    ) throws(MalformedRecord) {
        var number = 0
        while true {
            let (count, end) = try block()
            if count == 0 { return }
            if !areAsked, let end {
                bytes.skip(to: end)
                continue
            }
            guard count <= UInt64(elementsLeft) else { throw MalformedRecord() }
            elementsLeft -= Int(count)
            for _ in 0..<count {
                try take(&self, number)
                number += 1
            }
            if let end, bytes.at != end { throw MalformedRecord() }
        }
    }

    private mutating func list(
        of item: Int, _ asked: AskedFor?, _ depth: Int
    ) throws(MalformedRecord) -> [UInt8] {
        var texts: [[UInt8]] = []
        try elements(areAsked: asked?.hasElements ?? false) {
            (record, number) throws(MalformedRecord) in
            texts.append(try record.value(item, asked?.element(number), depth))
        }
        return RecordText.array(texts)
    }

    private mutating func map(
        of item: Int, _ asked: AskedFor?, _ depth: Int
    ) throws(MalformedRecord) -> [UInt8] {
        var members: [(name: [UInt8], text: [UInt8])] = []
        let areAsked = asked.map { $0.isEach || !$0.members.isEmpty } ?? false
        try elements(areAsked: areAsked) { (record, _) throws(MalformedRecord) in
            let key = try record.counted()
            if asked?.isEach == true { _ = try RecordText.text(key) }
            let inner = asked?.member(key)
            let text = try record.value(item, inner, depth)
            if inner != nil { members.append((key, text)) }
        }
        return RecordText.object(members)
    }
}
