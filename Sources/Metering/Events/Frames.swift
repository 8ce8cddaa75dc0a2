import CEventScan
import CProtoSchema
import CRecordScan

/// What is known of the schemas of a program's records, and the reader that is compiled from them.
///
/// A frame is decoded once; the next record with the same one costs a comparison of its bytes.
struct Frames: ~Copyable {
    /// What a record with a certain frame is read by.
    struct Reading {
        /// The reader's programs for structured records and for those in binary mode; as
        /// `FoldRecord.schema`.
        var structured: Int32
        var binary: Int32
    }
    private struct Name: Hashable {
        var key: SchemaKey
        /// Of Protobuf: which message.
        var indexes: [Int32]
    }

    /// So many names of schemas, and so many compiled schemas, are known before all are forgotten:
    /// producers choose the names, and a registry may have a schema for each version of a program.
    static let mostKnown = 10_000
    static let mostCompiled = 1_000

    let format: RecordFormat
    private(set) var reader: OpaquePointer
    private let scanner: OpaquePointer
    private let dataNode: Int32
    private let bareSlots: Set<Int32>
    /// Schemas that were compiled, or were tried to be, since all were forgotten.
    private(set) var compiledCount = 0
    /// What the nodes of the reader's tree are.
    var pointers: [String] = []
    private var known: [Name: Reading] = [:]
    private var last = rs_frame()
    private var lastReading: Reading?
    /// Why schemas that are there cannot be used, by their name.
    private(set) var unusable: [SchemaKey: String] = [:]

    /// Nil: the records have no frames.
    ///
    /// The scanner must live longer. `bareSlots`: where nobody looks at the texts of numbers and
    /// moments.
    init?(
        _ format: RecordFormat, _ scanner: OpaquePointer, dataNode: Int32, bareSlots: Set<Int32>
    ) {
        guard format.isFramed, let reader = Self.makeReader(scanner, bareSlots) else { return nil }
        self.format = format
        self.reader = reader
        self.scanner = scanner
        self.dataNode = dataNode
        self.bareSlots = bareSlots
    }

    deinit { rs_destroy(reader) }

    private static func makeReader(
        _ scanner: OpaquePointer, _ bareSlots: Set<Int32>
    ) -> OpaquePointer? {
        guard let reader = rs_create(scanner) else { return nil }
        for slot in bareSlots { rs_needs_no_text(reader, slot) }
        return reader
    }

    /// How many names of schemas are known, those of absent and unusable ones too.
    var knownCount: Int { known.count }

    /// Forgets all schemas once they are too many; they are learned again as records need them.
    ///
    /// No record that was unframed before may be read after it.
    mutating func forgetMany() {
        guard known.count > Self.mostKnown || compiledCount > Self.mostCompiled,
            let fresh = Self.makeReader(scanner, bareSlots)
        else { return }
        rs_destroy(reader)
        reader = fresh
        known = [:]
        unusable = [:]
        lastReading = nil
        compiledCount = 0
    }

    /// Takes the frame off a record; returns the schema that has to be learned first.
    mutating func unframe(
        _ record: inout FoldRecord, _ header: UnsafeRawBufferPointer?
    ) -> SchemaKey? {
        guard let value = record.value else { return nil }
        var frame = rs_frame()
        let result = read(value, record.valueByteCount, header, &frame)
        guard result == RS_FRAME_OK.rawValue else {
            record.schema = Self.schema(of: Self.rejection(of: result))
            return nil
        }
        guard format.needsSchemas else {
            record.takeFrame(byteCount: Int(frame.byte_count))
            return nil
        }
        if lastReading == nil || !isSame(frame, last) {
            guard let reading = known[Self.name(frame)] else { return Self.name(frame).key }
            last = frame
            lastReading = reading
        }
        guard let lastReading else { return nil }
        record.takeFrame(byteCount: Int(frame.byte_count))
        record.schema = record.attributes >= 0 ? lastReading.binary : lastReading.structured
        return nil
    }

    /// Learns the schema of a record's frame, for which `unframe` has asked.
    mutating func learn(
        _ schema: RecordSchema?, of record: FoldRecord, _ header: UnsafeRawBufferPointer?
    ) {
        guard let value = record.value else { return }
        var frame = rs_frame()
        _ = read(value, record.valueByteCount, header, &frame)
        let name = Self.name(frame)
        let rejected: Rejection
        if let schema {
            compiledCount += 1
            switch compile(schema, name) {
            case .success(let reading):
                known[name] = reading
                return
            case .failure(let why):
                rejected = why.rejection
                unusable[name.key] = why.text
            }
        } else {
            rejected = .schemaAbsent
        }
        let code = Self.schema(of: rejected)
        known[name] = Reading(structured: code, binary: code)
    }

    // MARK: Frames

    /// Reads the frame of a value, or of the header that has it; an `rs_frame_result`.
    @inline(__always)
    private func read(
        _ value: UnsafeRawPointer, _ byteCount: Int, _ header: UnsafeRawBufferPointer?,
        _ frame: inout rs_frame
    ) -> Int32 {
        rs_read_frame(
            value.assumingMemoryBound(to: UInt8.self), byteCount,
            header.map { ($0.baseAddress ?? value).assumingMemoryBound(to: UInt8.self) },
            header?.count ?? 0, format == .protobuf ? 1 : 0, &frame)
    }

    private static func name(_ frame: rs_frame) -> Name {
        var frame = frame
        let indexes = withUnsafeBytes(of: &frame.indexes) {
            Array($0.bindMemory(to: Int32.self).prefix(Int(frame.index_count)))
        }
        guard frame.is_guid != 0 else { return Name(key: .id(frame.id), indexes: indexes) }
        var text = ""
        withUnsafeBytes(of: &frame.guid) { bytes in
            for (index, byte) in bytes.enumerated() {
                if [4, 6, 8, 10].contains(index) { text += "-" }
                text += byte < 16 ? "0" : ""
                text += String(byte, radix: 16)
            }
        }
        return Name(key: .guid(text), indexes: indexes)
    }

    private func isSame(_ frame: rs_frame, _ other: rs_frame) -> Bool {
        withUnsafeBytes(of: frame) { frame in
            withUnsafeBytes(of: other) { UnsafeRawBufferPointer($0).isEqual(to: frame) }
        }
    }

    private static func rejection(of result: Int32) -> Rejection {
        switch rs_frame_result(UInt32(result)) {
        case RS_FRAME_MAGIC: .frameMagic
        case RS_FRAME_INDEXES: .messageIndexes
        case RS_FRAME_TRAILING: .frameTrailing
        default: .frameTruncated
        }
    }

    /// A rejection as `FoldRecord.schema`.
    static func schema(of rejection: Rejection) -> Int32 { -2 - Int32(rejection.rawValue) }

    /// The rejection that a `FoldRecord.schema` below -1 means.
    static func rejection(ofSchema schema: Int32) -> Rejection {
        Rejection(rawValue: UInt8(truncatingIfNeeded: -2 - schema)) ?? .schemaUnusable
    }

    // MARK: Compiling

    private struct Refusal: Error {
        var rejection = Rejection.schemaUnusable
        var text: String
    }

    private func compile(_ schema: RecordSchema, _ name: Name) -> Result<Reading, Refusal> {
        guard schema.format == format else {
            return .failure(Refusal(text: "it is one of \(schema.format.rawValue)"))
        }
        var why = [CChar](repeating: 0, count: 400)
        let texts = SchemaTexts(schema.files)
        var programs: [Int32] = []
        if format == .avro {
            for root in [0, dataNode] {
                programs.append(
                    rs_add_avro(
                        reader, texts.avro.baseAddress, texts.avro.count, root, &why, why.count))
            }
        } else {
            var isIndex: Int32 = 0
            let table = ps_create(
                texts.protobuf.baseAddress, texts.protobuf.count, name.indexes,
                name.indexes.count, &isIndex, &why, why.count)
            guard let table else {
                return .failure(
                    Refusal(
                        rejection: isIndex != 0 ? .messageIndexes : .schemaUnusable,
                        text: SchemaTexts.said(why)))
            }
            for root in [0, dataNode] {
                programs.append(rs_add_protobuf(reader, table, root, &why, why.count))
            }
            ps_destroy(table)
        }
        guard programs.allSatisfy({ $0 >= 0 }) else {
            return .failure(Refusal(text: SchemaTexts.said(why)))
        }
        return .success(Reading(structured: programs[0], binary: programs[1]))
    }

    /// The pointers of the catalog at which a schema has nothing; nil: it cannot be used.
    func missing(in schema: RecordSchema, message: Int32) -> (pointers: [String]?, why: String) {
        switch compile(schema, Name(key: .id(0), indexes: [message])) {
        case .failure(let refusal): return (nil, refusal.text)
        case .success(let reading):
            let missing = pointers.indices.filter {
                rs_reaches(reader, reading.structured, Int32($0)) == 0
            }
            return (missing.map { pointers[$0] }, "")
        }
    }

}

extension FoldRecord {
    /// Leaves a frame out of the value.
    fileprivate mutating func takeFrame(byteCount: Int) {
        frameByteCount = byteCount
        value = value.map { $0 + byteCount }
        valueByteCount -= byteCount
    }

    /// The whole value with its frame.
    public var wholeValue: UnsafeRawBufferPointer? {
        value.map {
            UnsafeRawBufferPointer(
                start: $0 - frameByteCount, count: valueByteCount + frameByteCount)
        }
    }
}

/// The frame that a record may have in its headers.
public struct FrameHeader {
    /// The name of the header.
    public static let name: StaticString = "__value_schema_id"
    /// The first such header's value.
    public private(set) var value: UnsafeRawBufferPointer?
    /// Whether another one has another value.
    public private(set) var isContradicted = false

    /// No header.
    public init() {}

    /// Takes one header of a record.
    public mutating func take(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
        guard name.count == Self.name.utf8CodeUnitCount,
            UnsafeRawBufferPointer(start: Self.name.utf8Start, count: name.count).isEqual(to: name),
            let value
        else { return }
        guard let first = self.value else {
            self.value = value
            return
        }
        if !first.isEqual(to: value) { isContradicted = true }
    }
}

extension Program {
    /// Whether records have frames that have to be taken off before they are folded.
    public var hasFrames: Bool { frames != nil }

    /// Forgets the schemas once they are too many; for the time between two batches of records.
    public mutating func forgetManySchemas() { frames?.forgetMany() }

    /// Takes the frame off a record that has one; nil: the record can be folded.
    ///
    /// Else it returns the schema that it needs, which has to be learned before the record comes
    /// again. Its `attributes` must be set.
    public mutating func unframe(_ record: inout FoldRecord, _ header: FrameHeader) -> SchemaKey? {
        guard frames != nil else { return nil }
        if header.isContradicted, record.value != nil {
            record.schema = Frames.schema(of: .frameTwice)
            return nil
        }
        return frames?.unframe(&record, header.value)
    }

    /// Learns the schema of a record for which `unframe` has asked; nil: there is none.
    ///
    /// A record with a schema that is absent, or that cannot be used, is malformed. Returns why it
    /// cannot be used.
    public mutating func learn(
        _ schema: RecordSchema?, of record: FoldRecord, _ header: FrameHeader, _ key: SchemaKey
    ) -> String? {
        frames?.learn(schema, of: record, header.value)
        return frames?.unusable[key]
    }

    /// The pointers of the catalog at which a schema has nothing, for people; nil: it cannot be
    /// used, and why.
    ///
    /// Of Protobuf it is the message of the file in which most is found.
    public func missing(
        in schema: RecordSchema
    ) -> (pointers: [String]?, message: Int, why: String) {
        guard frames != nil else { return ([], 0, "") }
        var best = (pointers: [String]?.none, message: 0, why: "")
        for message in 0..<(schema.format == .protobuf ? 100 : 1) {
            let found = frames?.missing(in: schema, message: Int32(message))
            guard let found, let pointers = found.pointers else {
                if message == 0 { best.why = found?.why ?? "" }
                break
            }
            if pointers.count < best.pointers?.count ?? .max {
                best = (pointers, message, "")
            }
        }
        return best
    }

    /// Reads a record of Avro or Protobuf into the slots.
    @inline(never)
    mutating func scanFramed(_ record: FoldRecord, isBinary: Bool) -> Rejection? {
        if record.schema < -1 { return Frames.rejection(ofSchema: record.schema) }
        guard let reader = frames?.reader, let value = record.value else { return .schemaUnusable }
        let result = rs_scan(
            reader, record.schema, value.assumingMemoryBound(to: UInt8.self),
            record.valueByteCount, isBinary ? 0 : 1)
        switch rs_result(UInt32(result)) {
        case RS_OK: return nil
        case RS_TRUNCATED: return .recordTruncated
        case RS_TRAILING: return .recordTrailing
        case RS_TOO_DEEP: return .recordTooDeep
        case RS_DUPLICATE_MEMBER: return .duplicateMember
        case RS_NOT_AN_OBJECT: return .recordNotObject
        case RS_NOT_UTF8: return .recordNotUTF8
        case RS_GROUP: return .recordGroup
        default: return .recordValue
        }
    }
}
