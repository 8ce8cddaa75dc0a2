/// Where a value is in a JSON document: the reference tokens of an RFC 6901 pointer, unescaped.
public typealias JSONPointer = [String]

/// One of the places where a value may be.
public enum Place: Sendable, Equatable {
    /// An entry of a list whose entries say themselves what they are, like
    /// `[{"key": "model", "value": {"stringValue": "x"}}]`.
    public struct Entry: Sendable, Equatable {
        /// Where the list is in the record's value.
        public var list: JSONPointer
        /// Where an entry says what it is, from the entry on.
        public var key: JSONPointer
        /// Where its value is, from the entry on.
        public var value: JSONPointer
        /// What the wanted entry says.
        public var name: String

        /// An entry of these parts.
        public init(list: JSONPointer, key: JSONPointer, value: JSONPointer, name: String) {
            self.list = list
            self.key = key
            self.value = value
            self.name = name
        }
    }

    /// What that pointer leads to in the record's value.
    case pointer(JSONPointer)
    /// The value of an entry.
    case entry(Entry)
    /// The text of the record's header with that name; the last one where there are several.
    case header(String)
    /// The record's key as a text.
    case key
    /// What that pointer leads to in the record's key, which is JSON.
    case keyMember(JSONPointer)
    /// The record's place in its topic and the event's in the record; for the id.
    case record
    /// A pointer or entry in what contains the event: in the entry of the list at that pointer of
    /// `EventList.arrays`; nil: in the record's value.
    indirect case outer(JSONPointer?, Place)
    /// Always this text; for attributes of an envelope, as the last place.
    case constant(String)

    /// Whether the place is beside the record's value, so that records in binary mode have it too.
    var isOutsideOfValue: Bool {
        switch self {
        case .header, .key, .keyMember, .record, .constant: true
        case .pointer, .entry, .outer: false
        }
    }

    /// What people call it.
    public var description: String { text }

    /// How people see it: a JSON pointer, `/attributes[key=model]/value`, `header NAME`, `key`.
    var text: String {
        switch self {
        case .pointer(let pointer): Self.text(pointer)
        case .entry(let entry):
            "\(Self.text(entry.list))[\(entry.key.joined(separator: "/"))=\(entry.name)]"
                + Self.text(entry.value)
        case .header(let name): "header \(name)"
        case .key: "key"
        case .record: "record"
        case .keyMember(let pointer): "key \(Self.text(pointer))"
        case .outer(let list, let place):
            "\(place.text) in \(list.map { $0.isEmpty ? "array" : Self.text($0) } ?? "record")"
        case .constant(let text): "const \(text)"
        }
    }

    /// The text of a JSON pointer (RFC 6901).
    static func text(_ pointer: JSONPointer) -> String {
        pointer.map { token in
            "/"
                + token.unicodeScalars.map { character in
                    character == "~" ? "~0" : character == "/" ? "~1" : String(character)
                }.joined()
        }.joined()
    }
}

extension MeterCatalog {
    /// Whether an event's id may be the place of its record.
    public var hasRecordID: Bool {
        guard case .places(let places, _) = envelope.id else { return false }
        return places.contains(.record)
    }

    /// The headers that the catalog asks for, each once.
    var headerNames: [String] {
        let envelope = self.envelope
        var places: [Place] = []
        places += envelope.time
        for case .places(let some, _) in [
            envelope.id, envelope.source, envelope.type, envelope.subject,
        ] { places += some }
        for event in events { for field in event.fields { places += field.places } }
        var names: [String] = []
        for case .header(let name) in places where Self.index(of: name, in: names) == nil {
            names.append(name)
        }
        return names
    }

    /// Where these very bytes are: equal texts of Unicode may have other ones.
    static func index(of name: String, in names: [String]) -> Int? {
        names.firstIndex { $0.utf8.elementsEqual(name.utf8) }
    }
}

/// The values of a record's headers that a catalog asks for.
///
/// A lane gathers them before it folds, because only the Kafka client knows the headers.
public struct HeaderNames: Sendable {
    private let names: [[UInt8]]

    /// The headers that a catalog asks for.
    public init(_ catalog: MeterCatalog) { names = catalog.headerNames.map { Array($0.utf8) } }

    /// How many; `FoldRecord.headers` has that many values.
    public var count: Int { names.count }

    /// Keeps a header's value if it is asked for; of several with one name the last one counts.
    ///
    /// Before the first header all values are nil.
    public func take(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?,
        into values: UnsafeMutablePointer<UnsafeRawBufferPointer?>
    ) {
        for (index, wanted) in names.enumerated() where name.elementsEqual(wanted) {
            values[index] = value
        }
    }
}
