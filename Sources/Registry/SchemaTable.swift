internal import Metering

/// What is known of schemas, and when which of them is asked for next.
///
/// It is bounded, because producers choose the ids. What was settled longest ago is forgotten first
/// and asked for again when a record needs it again, so that no record's outcome depends on what is
/// held here. A value; no clock and no thread.
struct SchemaTable {
    /// Settled schemas of one half; of the younger and the older half together twice as many.
    static let settledOfHalf = 5_000
    /// Bytes of texts of one half, the last schema not counted.
    static let textBytesOfHalf = 32 << 20
    /// Schemas that are asked for without that a partition waits for them yet.
    static let mostExpected = 5_000
    /// How many are asked for before newer ones are looked at.
    static let mostOfRound = 64
    /// Answers before a schema is taken for absent: a registry's replica may be late.
    static let absentAnswers = 3
    static let firstPause: Int64 = 200
    static let absentPause: Int64 = 1_000

    private struct Open {
        var why = ""
        var attempts = 0
        var absents = 0
        /// When it may be tried next, in milliseconds of the steady clock.
        var next: Int64 = 0
    }
    private var open: [SchemaKey: Open] = [:]
    private var young: [SchemaKey: SchemaState] = [:]
    private var old: [SchemaKey: SchemaState] = [:]
    private var youngBytes = 0

    /// Whether nothing is left to ask for.
    var isSettled: Bool { open.isEmpty }
    /// How many schemas are held, settled or not.
    var count: Int { open.count + young.count + old.count }

    /// What is known of a schema that is needed now; one of which nothing is known is asked for.
    mutating func state(of key: SchemaKey) -> SchemaState {
        if let state = young[key] { return state }
        if let state = old.removeValue(forKey: key) {
            settle(key, state)
            return state
        }
        if let open = open[key] { return .waiting(open.why) }
        open[key] = Open()
        return .waiting("")
    }

    /// Asks for a schema that will be needed soon, where there is room.
    mutating func expect(_ key: SchemaKey) {
        guard young[key] == nil, old[key] == nil, open[key] == nil,
            open.count < Self.mostExpected
        else { return }
        open[key] = Open()
    }

    /// What may be asked for at a time, the one that is due the longest first.
    func due(_ now: Int64) -> [SchemaKey] {
        let due = open.filter { $0.value.next <= now }.sorted { $0.value.next < $1.value.next }
        return due.prefix(Self.mostOfRound).map(\.key)
    }

    /// Takes the answer for a schema; false where it was none.
    mutating func take(
        _ result: FetchResult, of key: SchemaKey, longestPause: Int64, _ now: Int64
    ) -> Bool {
        guard var entry = open[key] else { return true }
        switch result {
        case .schema(let schema):
            open[key] = nil
            settle(key, .ready(schema))
            return true
        case .absent:
            entry.absents += 1
            entry.next = now + Self.absentPause
            entry.why = "the registry knows no such schema, and is asked once more"
            open[key] = entry.absents < Self.absentAnswers ? entry : nil
            if entry.absents >= Self.absentAnswers { settle(key, .absent) }
            return true
        case .failed(let why):
            let pause = min(longestPause, Self.firstPause << min(entry.attempts, 10))
            entry.attempts += 1
            // With a random part, so that many processes do not ask together.
            entry.next = now + pause / 2 + .random(in: 0...pause / 2)
            entry.why = why
            open[key] = entry
            return false
        }
    }

    private mutating func settle(_ key: SchemaKey, _ state: SchemaState) {
        if young.count >= Self.settledOfHalf || youngBytes >= Self.textBytesOfHalf {
            old = young
            young = [:]
            youngBytes = 0
        }
        young[key] = state
        guard case .ready(let schema) = state else { return }
        youngBytes += schema.files.reduce(0) { $0 + $1.name.utf8.count + $1.text.utf8.count }
    }
}
