/// What is known of the current record; reused for each.
struct EventScratch: ~Copyable {
    /// Values of the event's fields, in the order of its declaration.
    let fields: UnsafeMutablePointer<FieldValue>
    /// Symbols of the event's tuples that do not depend on a list's entry.
    let tuples: UnsafeMutablePointer<UInt32>
    /// Keys of the tuples that consist of one field, prepared for their look-up.
    let tupleKeys: UnsafeMutablePointer<SymbolKey>
    /// Room for one tuple or one organization id, escaped.
    let text: UnsafeMutableRawPointer
    static var textCapacityBytes: Int { 16_384 }
    /// Room for the text of a number that must be written out, one for each rule of
    /// `Program.others`.
    private let rooms: UnsafeMutablePointer<CChar>
    /// The event with its `data_base64` decoded.
    var composed = ComposedText()

    var event: Int32 = -1
    var rejection = Rejection.none
    /// What `rejection` is about; the meaning depends on it.
    ///
    /// The index of a field of the program; for `longAttribute` 0 id, 1 source, 2 subject; for
    /// `dataNotObject` 0 data, 1 data_base64; for lists of events the index of the list.
    var rejectedField: Int32 = -1
    /// The record's key and the headers that are asked for, where the catalog looks there.
    var key: UnsafeRawBufferPointer?
    var headers: UnsafePointer<UnsafeRawBufferPointer?>?
    /// The record's partition and offset, where the catalog looks there.
    var place: (partition: Int32, offset: Int64) = (0, 0)
    /// Of a record of several events, the number of the current one from 0 on; else -1.
    var eventIndex: Int32 = -1
    /// What is wrong with a text that should hold JSON.
    var insideRejection = Rejection.none
    var hasOwnTime = false
    /// Event time in nanoseconds since 1970.
    var timeNanoseconds: Int64 = 0
    var id = UnsafeRawBufferPointer(start: nil, count: 0)
    var source = UnsafeRawBufferPointer(start: nil, count: 0)
    var subject = UnsafeRawBufferPointer(start: nil, count: 0)
    var type = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The subject, prepared for its look-up.
    var organization = SymbolKey(
        UnsafeRawBufferPointer(start: nil, count: 0), SymbolSeed.ofProcess)
    /// The last date that was read.
    var date = Timestamp.Date()
    /// The last day whose month was asked for, and that month.
    private var monthDay = Int32.min
    private var month: Int32 = 0

    init(fieldCount: Int, tupleCount: Int, roomCount: Int) {
        fields = .allocate(capacity: max(1, fieldCount))
        tuples = .allocate(capacity: max(1, tupleCount))
        tupleKeys = .allocate(capacity: max(1, tupleCount))
        text = .allocate(byteCount: Self.textCapacityBytes, alignment: 8)
        rooms = .allocate(capacity: max(1, roomCount * EventLimits.textBytes))
    }

    deinit {
        fields.deallocate()
        tuples.deallocate()
        tupleKeys.deallocate()
        text.deallocate()
        rooms.deallocate()
    }

    /// Room for `EventLimits.textBytes` bytes.
    func room(_ index: Int32) -> UnsafeMutablePointer<CChar> {
        rooms + Int(index) * EventLimits.textBytes
    }

    /// The place as an id, `PARTITION:OFFSET` or `PARTITION:OFFSET:INDEX`, in a room.
    ///
    /// Its first byte, 255, is in no text of UTF-8: so no other event can have the same id.
    func writePlace(in room: Int32) -> UnsafeRawBufferPointer {
        let text = UnsafeMutableRawBufferPointer(
            start: self.room(room), count: EventLimits.textBytes)
        var start = text.count
        func put(_ number: UInt64) {
            var rest = number
            repeat {
                start -= 1
                text[start] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
        }
        if eventIndex >= 0 {
            put(UInt64(eventIndex))
            start -= 1
            text[start] = UInt8(ascii: ":")
        }
        put(UInt64(max(0, place.offset)))
        start -= 1
        text[start] = UInt8(ascii: ":")
        put(UInt64(max(0, place.partition)))
        start -= 1
        text[start] = 255
        return UnsafeRawBufferPointer(rebasing: text[start...])
    }

    /// The value of a field, given by its index in the program.
    @inline(__always)
    func field(_ index: Int32, of event: EventRule) -> FieldValue {
        fields[Int(index - event.firstField)]
    }

    /// The symbol of a tuple, given by its index in the program.
    @inline(__always)
    func tuple(_ index: Int32, of event: EventRule) -> UInt32 {
        tuples[Int(index - event.firstTuple)]
    }

    /// Number of the window that holds a second; the month of the same day is not computed twice.
    @inline(__always)
    mutating func number(_ window: Window, ofSecond second: Int64) -> Int32 {
        guard window == .month else { return window.number(ofSecond: second) }
        let day = Int32(truncatingIfNeeded: floorDivide(second, 86_400))
        if day != monthDay {
            monthDay = day
            month = CivilDate(day: day).month
        }
        return month
    }

    /// Writes `bytes`, escaped as in a key name, at `offset` of the scratch text; returns the end.
    @inline(__always)
    func escape(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        var end = offset
        for byte in bytes {
            if NameEscape.isPlain(byte) {
                text.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
                end += 1
            } else {
                text.storeBytes(of: UInt8(ascii: "%"), toByteOffset: end, as: UInt8.self)
                text.storeBytes(
                    of: NameEscape.digit(byte >> 4), toByteOffset: end + 1, as: UInt8.self)
                text.storeBytes(
                    of: NameEscape.digit(byte & 15), toByteOffset: end + 2, as: UInt8.self)
                end += 3
            }
        }
        return end
    }

    /// The first `count` bytes of the scratch text.
    func written(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text, count: count)
    }
}
