/// One rejected record on its way to the dead-letter topic, and the forms in which it may go.
///
/// It goes whole where the topic takes it. Where it is too large, what is large is left out: first the original
/// headers and the original key, then the value, then both. The header `truncated` names what was left out.
struct DeadLetter {
    typealias Header = (name: String, value: [UInt8]?)

    /// How much of the original record it carries; each one is tried after the one before it was refused.
    enum Form: Int, CaseIterable {
        case whole, withoutHeaders, withoutValue, shortest
    }

    let place: LetterPlace
    /// `TOPIC/PARTITION/OFFSET`, by which readers drop repeats.
    let key: [UInt8]
    /// Why it was rejected, in a word.
    let reason: String
    /// The headers that say what it is; always sent.
    let own: [Header]
    let originalKey: [UInt8]?
    /// The record's headers, under their names in the letter.
    let originalHeaders: [Header]
    let value: [UInt8]?
    /// The record's timestamp in milliseconds, −1 = none.
    let timestamp: Int64
    var form = Form.whole
    /// Whether it goes with the record's time; else with this machine's.
    var hasRecordTime = false
    /// How often its time was refused while it went alone.
    var refusedTimes = 0
    /// Whether it goes in a request of its own, so that a refusal is about it and not about its neighbours.
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

    /// The form to try after the present one; nil = this is the shortest.
    var nextForm: Form? {
        Form.allCases.first { $0.rawValue > form.rawValue && isAvailable($0) }
    }

    /// Takes the first form, from the present one on, whose message is smaller than `limit` bytes; else the shortest.
    mutating func shorten(below limit: Int) {
        while size >= limit, let next = nextForm { form = next }
    }

    /// What the present form leaves out.
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

    /// Bytes of the whole message in its present form, its frame included; an estimate from above.
    var size: Int {
        let headers = sentHeaders.reduce(0) {
            $0 + $1.name.utf8.count + ($1.value?.count ?? 0) + 10
        }
        return Self.frame + key.count + (sentValue?.count ?? 0) + headers
    }
    /// A batch of one record: 61 bytes before it, and the record's own lengths, time and offset.
    private static let frame = 61 + 40

    /// Bytes that it takes in memory.
    var byteCount: Int {
        let headers = originalHeaders.reduce(0) {
            $0 + $1.name.utf8.count + ($1.value?.count ?? 0)
        }
        return 1_000 + headers + (originalKey?.count ?? 0) + (value?.count ?? 0)
    }
}
