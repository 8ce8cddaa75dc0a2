/// Takes frames off records, and turns those of Avro and Protobuf into texts.
extension EventReader {
    /// The text of a record's value behind its frame; nil: the record is malformed.
    ///
    /// The error says why its schema cannot be known now.
    mutating func unframed(
        _ value: UnsafeRawBufferPointer, _ headers: [WorkloadHeader]
    ) throws(OracleError) -> [UInt8]? {
        let format = program.format
        let header = OracleFrame.header(headers)
        guard header.isFine,
            let frame = OracleFrame(
                value, header: header.value, hasIndexes: format == .protobuf)
        else { return nil }
        let bytes = Array(value.dropFirst(frame.length))
        guard format.needsSchemas else { return bytes }
        let schema = try schema(of: frame)
        guard bytes.count <= Self.largestValue else { return nil }
        let isBinary = Self.hasAttributes(headers) && !Self.isStructured(headers)
        let asked = isBinary ? askedOfData : askedOfRecord
        // A list of events is of JSON: these bytes are none.
        if hasList(headers) { return nil }
        switch schema {
        case .avro(let schema): return try? AvroRecord.text(schema, bytes, asked)
        case .protobuf(let messages): return try? ProtobufRecord.text(messages, bytes, asked)
        case .none: return nil
        }
    }

    private mutating func schema(of frame: OracleFrame) throws(OracleError) -> OracleSchema {
        // Frames of one schema differ in length where it is in a header.
        var place = frame
        place.length = 0
        if let known = knownSchemas[place] { return known }
        guard let schemas else {
            throw OracleError("no place is known for the schemas of \(program.format.rawValue)")
        }
        var schema = try schemas(frame.name, frame.indexes)
        switch (schema, program.format) {
        case (.avro, .avro): break
        case (.protobuf(let messages), .protobuf):
            let isReadable = [askedOfRecord, askedOfData].allSatisfy { asked in
                asked.map { messages.isReadable(0, $0) } ?? true
            }
            if !isReadable { schema = .none }
        default: schema = .none
        }
        knownSchemas[place] = schema
        return schema
    }
}
