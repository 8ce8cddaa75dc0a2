/// What a catalog is lowered to: fixed-size values in raw memory, the only thing that the loop reads.

/// Bytes that live as long as the program.
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
    /// Whether a clause takes it as a window's time or a value, so that the future bound holds for it.
    var isClauseTime: Bool
    var hasDefaultInteger: Bool
    var slot: Int32
    var fanOut: Int32
    var defaultInteger: Int64
    /// Greatest |x| of an integer.
    var maximum: UInt64
    var defaultText: FixedText
    var firstValue: Int32
    var valueCount: Int32
}

/// A field's value in the record at hand.
struct FieldValue {
    var pointer: UnsafeRawPointer?
    var count: Int32
    /// Whether the event names it.
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
    /// `dim=` in a scope, nothing in a field.
    var label: FixedText
}

/// Dimensions whose joined, escaped values are one symbol.
struct TupleRule {
    var first: Int32
    var count: Int32
    /// Whether it takes part of a list's entries, so that it differs from entry to entry.
    var takesEntries: Bool
    /// The one field whose value is all of it, or -1.
    var onlyField: Int32
}

/// One window of an instruction; retention in seconds, -1 = for ever.
struct WindowRule {
    var window: Window
    var retention: Int64
}

/// One clause of one meter in one scope.
struct Instruction {
    /// What identifies a cell within its window and scope.
    enum Field: UInt8 { case none, tuple, value, step, hour }
    /// What an extreme or histogram looks at.
    enum Value: UInt8 { case none, eventTime, integer, time, text }
    var set: UInt16
    var operation: CellOperation
    var field: Field
    var value: Value
    var isNegated: Bool
    /// Field with the amount, or -1.
    var amountField: Int32 = -1
    var amount: Int64 = 1
    /// Field with the window's time, or -1.
    var timeField: Int32 = -1
    /// Field with the value of an extreme, histogram or distinct count, or -1.
    var valueField: Int32 = -1
    /// Tuples of scope and field, or -1.
    var scopeTuple: Int32 = -1
    var fieldTuple: Int32 = -1
    /// Whether it is the clause's first scope, the one that counts expired windows.
    var isFirstScope = true
    /// Fan-out whose entries are taken one by one, or -1.
    var fanOut: Int32 = -1
    var firstNeed: Int32 = 0
    var needCount: Int32 = 0
    var firstWindow: Int32 = 0
    var windowCount: Int32 = 0
}

/// What is done with an event of one type.
struct EventRule {
    var firstField: Int32
    var fieldCount: Int32
    var firstTuple: Int32
    var tupleCount: Int32
    var firstInstruction: Int32
    var instructionCount: Int32
    /// Whether some window that every event of the type has never expires.
    var isNeverLate: Bool
    /// Whether a field stands at `/data` itself: then data need not be an object.
    var readsData: Bool
}

/// A set of cells of one meter: one scope of it.
public struct CellSet: Sendable {
    /// The meter's name.
    public let meter: String
    /// The structure that its cells live in.
    public let shape: CellShape
    /// How entries change a cell.
    public let operation: CellOperation
    /// Whether a first or last keeps text (else 20 digits).
    public let keepsText: Bool
    /// Seconds that a window is kept after its end, by `Window.rawValue`; -1 = for ever.
    public let retention: [Int64]
    /// Most values of `by` in one key; nil = any number.
    public let most: Int?
    /// Dimensions that stand in the key's name.
    public let scope: [String]
    /// Most values of that scope in one organization; nil = any number.
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
