/// What a catalog is lowered to: values of a fixed size in raw memory.
///
/// The loop reads these and nothing else of the catalog.

/// A text whose bytes live as long as the program.
struct FixedText {
    var pointer: UnsafeRawPointer?
    var count: Int32
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: Int(count)) }
}

/// How one field of an event type is checked and read.
struct FieldRule {
    var kind: FieldDeclaration.Kind
    var isRequired: Bool
    /// Whether a meter takes it as an amount that must not be negative.
    var isUnsigned: Bool
    /// Whether a clause takes it as a window's time or as a value.
    ///
    /// Then the bounds of the event's time hold for it too.
    var isClauseTime: Bool
    var hasDefaultInteger: Bool
    /// Index in `Program.others` of the rule by which it is read, or -1.
    var other: Int16
    /// The scanner's slot of its value, -1 for a list and for what `other` reads.
    var slot: Int32
    /// The scanner's number of its list, -1 for a single value.
    var fanOut: Int32
    var defaultInteger: Int64
    /// Greatest |x| of an integer.
    var maximum: UInt64
    var defaultText: FixedText
    var firstValue: Int32
    var valueCount: Int32

    /// The value of an event that does not have the field.
    var absent: FieldValue {
        @inline(__always) get {
            FieldValue(
                pointer: defaultText.pointer, count: defaultText.count, isPresent: false,
                hasValue: kind == .text || hasDefaultInteger, integer: defaultInteger)
        }
    }
}

/// How a field or attribute is read that the loop's own readers (one pointer to a text, integer or
/// RFC 3339) do not read.
struct OtherRule {
    /// Where `Program.places` has the places where its value may be; none for a list.
    var firstPlace: Int32
    var placeCount: Int32
    /// Where `EventScratch.rooms` has room for its text.
    var room: Int32
    /// Decimals that are kept, and 10 to that power.
    var scale: Int32 = 0
    var unit: Int64 = 1
    /// Whether more decimals are rounded half to even.
    var isRounded = false
    /// Whether a number may be in a string.
    var takesText = false
    /// Whether a text may be a number, true or false.
    var takesAny = false
    /// Whether an integer's text is needed.
    var isDimension = false
    /// Whether a value of another type counts as absent.
    var isForgiving = false
    /// Of a time: where `Program.formats` has its formats and `Program.zones` the zone of those
    /// without one; -1: none.
    var firstFormat: Int32 = 0
    var formatCount: Int32 = 0
    var zone: Int32 = -1
    /// Of a condition: the event's field that it is about, counted from its first; -1: it is none.
    ///
    /// Its values are those of the rule; it is present where it holds.
    var conditionField: Int32 = -1
    /// Whether a condition holds where the field is none of the values.
    var isNot = false
    /// Of a comparison: on which side of the bound the field must be; nil: it is none.
    var side: Comparison.Side?
    var bound: Int64 = 0
}

/// One place where a value may be.
struct PlaceRule {
    enum Source: UInt8 {
        /// A slot of the scanner of the value, of a text in it, or of the key.
        case value, inside, keyMember
        /// A header, by its index in the catalog's `headerNames`.
        case header
        /// The whole key.
        case key
        /// The record's place in its topic.
        case record
        /// A slot of the scanner of what contains the event.
        case outer
        /// A text of `Program.values`.
        case constant
    }
    var source: Source
    var index: Int32
    /// Of `outer`: index in `Program.outers`.
    var level: Int32 = 0
    /// Whether records in binary mode have the place, too.
    var isOutsideOfValue: Bool
}

/// A field's value in the current record.
struct FieldValue {
    var pointer: UnsafeRawPointer?
    var count: Int32
    /// Whether the event has it.
    var isPresent: Bool
    /// Whether there is a value: the event's or a default.
    var hasValue: Bool
    var integer: Int64
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: Int(count)) }
}

/// One part of a tuple of dimensions.
struct TuplePart {
    enum Source: UInt8 { case field, entryKey, entryValue }
    var source: Source
    var field: Int32
    /// `dim=` in a scope, empty in a member.
    var label: FixedText
}

/// Dimensions whose joined, escaped values are one symbol.
struct TupleRule {
    var first: Int32
    var count: Int32
    /// Whether it uses keys or values of a list's entries and so differs between entries.
    var takesEntries: Bool
    /// The field whose value is the whole tuple, -1 where there is no such field.
    var onlyField: Int32
}

/// One window of an instruction.
struct WindowRule {
    var window: Window
    /// Seconds that the window is kept after its end, -1 for ever.
    var retentionSeconds: Int64
}

/// One clause of one meter in one scope.
struct Instruction {
    /// What decides the member of the cell that the instruction changes.
    enum Place: UInt8 { case none, tuple, value, step, hour }
    /// Whose cells it changes: the event's organization's, those over all organizations, or the
    /// list of organizations.
    enum Owner: UInt8 { case subject, all, list }
    /// What an extreme keeps or a histogram puts in a step.
    enum Value: UInt8 { case none, eventTime, integer, time, text }
    /// Index into `Program.cellSets`.
    var cellSet: UInt16
    var operation: CellOperation
    var place: Place
    var value: Value
    var isNegated: Bool
    var owner = Owner.subject
    /// Field with the amount, or -1.
    var amountField: Int32 = -1
    var amount: Int64 = 1
    /// Field with the window's time, or -1.
    var timeField: Int32 = -1
    /// Field with the value of an extreme, histogram or distinct count, or -1.
    var valueField: Int32 = -1
    /// Tuples of the scope and of the place, or -1.
    var scopeTuple: Int32 = -1
    var placeTuple: Int32 = -1
    /// Whether it is the clause's first scope: only that one counts expired windows.
    var isFirstScope = true
    /// Field with the list whose entries are counted one by one, or -1.
    var fanOut: Int32 = -1
    var firstNeed: Int32 = 0
    var needCount: Int32 = 0
    var firstWindow: Int32 = 0
    var windowCount: Int32 = 0

    /// Where `Program.needs` has the fields that must be present.
    var needIndices: Range<Int32> {
        @inline(__always) get { firstNeed..<(firstNeed + needCount) }
    }
    /// Where `Program.windows` has its windows.
    var windowIndices: Range<Int32> {
        @inline(__always) get { firstWindow..<(firstWindow + windowCount) }
    }
}

/// What is done with an event of one type.
struct EventRule {
    var firstField: Int32
    var fieldCount: Int32
    var firstTuple: Int32
    var tupleCount: Int32
    var firstInstruction: Int32
    var instructionCount: Int32
    /// Whether every event of the type changes a cell of some window that never expires.
    var isNeverLate: Bool
    /// Whether a field's pointer is `/data` itself: then data need not be an object.
    var readsData: Bool
}

/// The cells of one meter in one scope.
public struct CellSet: Sendable {
    /// The meter's name.
    public let meter: String
    /// The family in whose keys its cells are; nil: in keys of the meter.
    public let family: String?
    /// The structure that its cells live in.
    public let shape: CellShape
    /// How entries change a cell.
    public let operation: CellOperation
    /// Whether a first or last keeps texts; otherwise it keeps 20 digits.
    public let keepsText: Bool
    /// Seconds that a window is kept after its end, -1 for ever; indexed by `Window.rawValue`.
    public let retentionSeconds: [Int64]
    /// The most values of `by` in one key; nil: no limit.
    public let most: Int?
    /// Dimensions in the key's name.
    public let scope: [String]
    /// The most values of that scope in one organization; nil: no limit.
    public let mostScopes: Int?
}

/// A fixed array in raw memory that lives as long as its owner.
struct FixedArray<Element>: ~Copyable {
    let base: UnsafeMutablePointer<Element>
    let count: Int

    init(_ elements: [Element]) {
        count = elements.count
        base = .allocate(capacity: max(1, count))
        for (index, element) in elements.enumerated() { (base + index).initialize(to: element) }
    }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    subscript(index: Int32) -> Element {
        @inline(__always) get { base[Int(index)] }
    }
}
