/// A rejected record on its way to the dead-letter topic, and the forms in which it may be sent.
///
/// It is sent whole if the topic takes it. If it is too large, parts are left out: first the
/// original headers and the original key, then the value, then both. The header `truncated` names
/// what was left out.
struct DeadLetter {
    typealias Header = (name: String, value: [UInt8]?)

    /// How much of the original record a letter holds, in the order in which they are tried.
    enum Form: Int, CaseIterable {
        case whole, withoutHeaders, withoutValue, shortest
    }

    /// Where the rejected record is.
    let address: LetterAddress
    /// The letter's key, `TOPIC/PARTITION/OFFSET`, by which readers drop repeats.
    let key: [UInt8]
    /// Why it was rejected: the name of the record's outcome.
    let reason: String
    /// The headers that describe the rejection; always sent.
    let own: [Header]
    let originalKey: [UInt8]?
    /// The record's headers, under their names in the letter.
    let originalHeaders: [Header]
    let value: [UInt8]?
    /// The record's timestamp since 1970; −1 when it has none.
    let timestamp: Milliseconds
    var form = Form.whole
    /// Whether it is sent with the record's timestamp; otherwise with this machine's time.
    var hasRecordTime = false
    /// How often its timestamp was refused while it was sent alone.
    var refusedTimes = 0
    /// Whether it is sent in a request of its own, so that a refusal is about this letter.
    var isAlone = false
    /// Whether the lane still waits for it.
    var isWanted = true

    private var hasHeaders: Bool { originalKey != nil || !originalHeaders.isEmpty }
    private var hasValue: Bool { !(value?.isEmpty ?? true) }

    /// Whether a form leaves something out that this record has.
    private func isAvailable(_ form: Form) -> Bool {
        switch form {
        case .whole: true
        case .withoutHeaders: hasHeaders
        case .withoutValue: hasValue
        case .shortest: hasHeaders && hasValue
        }
    }

    /// The form to try after the current one; nil when there is no shorter one.
    var nextForm: Form? {
        Form.allCases.first { $0.rawValue > form.rawValue && isAvailable($0) }
    }

    /// Takes the first form, from the current one on, whose message is smaller than the limit; if
    /// none is, the shortest.
    mutating func shorten(belowBytes limit: Int) {
        while messageBytes >= limit, let next = nextForm { form = next }
    }

    /// What the current form leaves out.
    private var leftOut: (headers: Bool, value: Bool) {
        switch form {
        case .whole: (false, false)
        case .withoutHeaders: (hasHeaders, false)
        case .withoutValue: (false, hasValue)
        case .shortest: (hasHeaders, hasValue)
        }
    }

    /// The value as it is sent.
    var sentValue: [UInt8]? { leftOut.value ? nil : value }

    /// The headers as they are sent.
    var sentHeaders: [Header] {
        let out = leftOut
        var headers = own
        var cut: [String] = []
        if !out.headers {
            if let originalKey { headers.append(("original-key", originalKey)) }
            headers += originalHeaders
        } else {
            if !originalHeaders.isEmpty { cut.append("headers") }
            if originalKey != nil { cut.append("key") }
        }
        if out.value { cut.append("value") }
        if !cut.isEmpty {
            headers.append(("truncated", Array(cut.joined(separator: ",").utf8)))
        }
        return headers
    }

    /// Bytes of the whole message in its current form, its frame included; at most too high.
    var messageBytes: Int {
        let headers = sentHeaders.reduce(0) {
            $0 + $1.name.utf8.count + ($1.value?.count ?? 0) + 10
        }
        return Self.frameBytes + key.count + (sentValue?.count ?? 0) + headers
    }
    /// A batch of one record: 61 bytes before it, and the record's own lengths, time and offset.
    private static let frameBytes = 61 + 40

    /// Bytes that the letter takes in memory, about.
    var byteCount: Int {
        let headers = originalHeaders.reduce(0) {
            $0 + $1.name.utf8.count + ($1.value?.count ?? 0)
        }
        return 1_000 + headers + (originalKey?.count ?? 0) + (value?.count ?? 0)
    }
}
