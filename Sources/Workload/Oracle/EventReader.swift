/// What becomes of a record.
public enum OracleOutcome: UInt8, CaseIterable, Sendable {
    case accepted, duplicate, ignored, malformed, badField, late, future

    /// The word in documents and metrics.
    public var name: String { self == .badField ? "bad_field" : "\(self)" }
}

/// The value of a declared field in the event at hand.
struct FieldValue {
    /// The event has it.
    var isPresent = false
    /// The event has it, or a default replaces it.
    var isUsable = false
    var number: Int64 = 0
    var text = 0..<0
}

/// An entry of a field with `each`.
struct EachEntry {
    var key = 0..<0
    var value = 0..<0
}

/// Reads records into events and makes the checks that need no other record.
struct EventReader: ~Copyable {
    static let longestText = 256
    static let mostEntries = 32
    static let largestValue = 1_048_576

    let program: OracleProgram
    var json: JSONReader
    /// Texts of the event at hand; all ranges are ranges of this buffer.
    var scratch: [UInt8] = []
    var id = 0..<0
    var source = 0..<0
    var subject = 0..<0
    var type = 0
    var nanoseconds: Int64 = 0
    /// Where the record is.
    var partition: Int32 = 0
    var offset: Int64 = 0
    /// Of an event in a record of several, its number from 0 on and the texts that contain it.
    var eventNumber: Int?
    var containers: [[UInt8]] = []
    var hasOwnTime = false
    var isBinary = false
    /// The event with its `data_base64` decoded; nil when it has none.
    var decoded: [UInt8]?
    var fields: [FieldValue] = []
    var entries: [[EachEntry]] = []
    /// A reader that asks for nothing, for JSON beside the value.
    var checker = JSONReader(tree: PointerTree())
    var bareKey: [UInt8]?
    var bareHeaders: [(name: [UInt8], value: [UInt8]?)] = []
    /// The key and the text with JSON inside; nil when there is none, or one that cannot be read.
    var keyText: [UInt8]?
    var insideText: [UInt8]?
    var isInsideFine = true
    private var types = ByteInterner()
    /// Where the schemas of records come from, and those that were asked for.
    let schemas: OracleSchemaSource?
    var knownSchemas: [OracleFrame: OracleSchema] = [:]
    /// What is asked for of a record, and in binary mode; nil: nothing.
    let askedOfRecord: AskedFor?
    let askedOfData: AskedFor?

    init(_ program: OracleProgram, schemas: OracleSchemaSource? = nil) {
        self.program = program
        self.schemas = schemas
        askedOfRecord = AskedFor(program)
        askedOfData = program.dataNode < 0 ? nil : AskedFor(program, node: program.dataNode)
        json = JSONReader(tree: program.tree)
        if program.format.needsSchemas {
            // The depth of these records was looked at when they were read.
            (json.takesMoments, json.deepest) = (true, 1_000)
        }
        for name in program.typeNames { _ = name.withUnsafeBytes { types.intern($0) } }
        let most = program.types.map(\.fields.count).max() ?? 0
        fields = [FieldValue](repeating: FieldValue(), count: most)
        entries = [[EachEntry]](repeating: [], count: most)
    }

    /// Makes the checks 1 to 6; nil when all passed.
    ///
    /// The subject is empty when it is not known.
    mutating func readEnvelope(
        _ value: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?,
        _ headers: [WorkloadHeader], timestamp: Int64
    ) -> OracleOutcome? {
        scratch.removeAll(keepingCapacity: true)
        (id, source, subject) = (0..<0, 0..<0, 0..<0)
        hasOwnTime = false
        decoded = nil
        isBinary =
            Self.hasAttributes(headers) && !Self.isStructured(headers)
        // Of a text that was made of a record, the record's own size was looked at.
        if (value?.count ?? 0) > Self.largestValue, !program.format.needsSchemas {
            return .malformed
        }
        if value == nil, !isBinary, program.ignoresTombstones { return .ignored }
        let isFine =
            isBinary
            ? readBinary(value, key, headers) : readStructured(value, key, headers)
        guard isFine else { return .malformed }
        let attributes = typeRange
        guard !id.isEmpty, !source.isEmpty, !subject.isEmpty, !attributes.isEmpty, isTimeFine else {
            return .malformed
        }
        if !hasOwnTime {
            guard timestamp >= 0, timestamp / 1_000 < TimeText.endSecond else { return .malformed }
            nanoseconds = timestamp * 1_000_000
        }
        guard let known = scratch.withUnsafeBytes({ types.find(.init(rebasing: $0[attributes])) })
        else { return .ignored }
        type = Int(known)
        guard id.count <= Self.longestText, source.count <= Self.longestText,
            subject.count <= Self.longestText
        else { return .badField }
        return readData(value, kind) && isInsideFine ? nil : .badField
    }

    /// The JSON kind of the value in binary mode; nil when there is no value.
    private var kind: JSONKind?
    private var typeRange = 0..<0
    private var isTimeFine = true

    private mutating func readStructured(
        _ value: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?,
        _ headers: [WorkloadHeader]
    ) -> Bool {
        guard let value, value.count > 0, json.read(value, node: 0) == .object,
            !json.hasRepeated, !hasRepeatedEntries(value), lookElsewhere(value, key, headers)
        else { return false }
        let attributes = program.attributes
        subject = text(attributes.subject, value)
        if let version = attributes.version {
            let range = text(.slot(version), value)
            guard scratch[range].elementsEqual("1.0".utf8) else { return false }
        }
        id = text(attributes.id, value)
        source = text(attributes.source, value)
        typeRange = text(attributes.type, value)
        isTimeFine = readTime(attributes, value)
        return true
    }

    /// Appends a text to the scratch; an empty range when there is none.
    private mutating func text(
        _ place: OracleProgram.Place, _ value: UnsafeRawBufferPointer, isBinary: Bool = false
    ) -> Range<Int> {
        let start = scratch.count
        switch place {
        case .constant(let text):
            scratch += text
        case .slot(let slot):
            guard let capture = json.capture(slot), capture.kind == .string,
                append(capture, value)
            else {
                scratch.removeSubrange(start...)
                return start..<start
            }
        case .first(let places, let any):
            guard let found = find(places, value, isBinary: isBinary),
                found.kind == .string || any,
                found.bytes.withUnsafeBytes({
                    appendAny(JSONCapture(kind: found.kind, start: 0, end: $0.count), $0)
                })
            else {
                scratch.removeSubrange(start...)
                return start..<start
            }
        }
        return start..<scratch.count
    }

    mutating func append(_ capture: JSONCapture, _ value: UnsafeRawBufferPointer) -> Bool {
        guard capture.isEscaped else {
            scratch.append(contentsOf: value[capture.start..<capture.end])
            return true
        }
        return JSONReader.unescape(value, capture.start..<capture.end, into: &scratch)
    }

    /// Reads the event's time; false where it is none.
    private mutating func readTime(
        _ attributes: OracleProgram.Attributes, _ value: UnsafeRawBufferPointer,
        isBinary: Bool = false
    ) -> Bool {
        guard let found = find(attributes.time, value, isBinary: isBinary) else { return true }
        hasOwnTime = true
        let earliest = program.earliestNanoseconds
        return takeTime(
            found.bytes.withUnsafeBytes {
                attributes.timeRule.nanoseconds(found, $0, earliest: earliest)
            })
    }

    private mutating func takeTime(_ nanoseconds: Int64?) -> Bool {
        guard let nanoseconds else { return false }
        self.nanoseconds = nanoseconds
        return true
    }

    private mutating func readBinary(
        _ value: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?,
        _ headers: [WorkloadHeader]
    ) -> Bool {
        kind = nil
        if let value, value.count > 0 {
            kind = json.read(value, node: program.dataNode)
            guard kind != nil, !json.hasRepeated, !hasRepeatedEntries(value) else { return false }
        } else {
            json.startRound()
        }
        guard lookElsewhere(value.flatMap { $0.isEmpty ? nil : $0 }, key, headers),
            Self.header("ce_specversion", headers)?.elementsEqual("1.0".utf8) == true
        else { return false }
        let attributes = program.attributes
        subject = attribute("ce_subject", attributes.subject, headers)
        id = attribute("ce_id", attributes.id, headers)
        source = attribute("ce_source", attributes.source, headers)
        typeRange = attribute("ce_type", attributes.type, headers)
        isTimeFine = true
        if let time = Self.header("ce_time", headers) {
            hasOwnTime = true
            isTimeFine = takeTime(TimeText.nanoseconds(time))
        } else {
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            isTimeFine = readTime(attributes, nothing, isBinary: true)
        }
        return true
    }

    /// An attribute of a record in binary mode; empty when it is missing or no UTF-8.
    private mutating func attribute(
        _ name: StaticString, _ place: OracleProgram.Place, _ headers: [WorkloadHeader]
    ) -> Range<Int> {
        if let header = Self.header(name, headers) {
            return UTF8Check.isValid(header) ? append(header) : 0..<0
        }
        return text(place, UnsafeRawBufferPointer(start: nil, count: 0), isBinary: true)
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) -> Range<Int> {
        let start = scratch.count
        scratch.append(contentsOf: bytes)
        return start..<scratch.count
    }

    /// The value of the last header with a name.
    private static func header(
        _ name: StaticString, _ headers: [WorkloadHeader]
    ) -> UnsafeRawBufferPointer? {
        headers.last { $0.name.count == name.utf8CodeUnitCount && hasPrefix($0.name, name) }?.value
    }

    /// Whether the last `content-type` is that of the structured mode.
    static func isStructured(_ headers: [WorkloadHeader]) -> Bool {
        let type = headers.last { lowerCased($0.name) == "content-type" }?.value
        return type.map { lowerCased($0).hasPrefix("application/cloudevents") } ?? false
    }

    /// Whether the last `content-type` is that of a batch.
    static func isBatch(_ headers: [WorkloadHeader]) -> Bool {
        let type = headers.last { lowerCased($0.name) == "content-type" }?.value
        return type.map { lowerCased($0).hasPrefix("application/cloudevents-batch") } ?? false
    }

    static func hasAttributes(_ headers: [WorkloadHeader]) -> Bool {
        headers.contains { $0.name.count > 3 && hasPrefix($0.name, "ce_") }
    }

    private static func lowerCased(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes, as: UTF8.self).lowercased()
    }

    private static func hasPrefix(_ name: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
        guard name.count >= prefix.utf8CodeUnitCount else { return false }
        for place in 0..<prefix.utf8CodeUnitCount where name[place] != prefix.utf8Start[place] {
            return false
        }
        return true
    }
}
