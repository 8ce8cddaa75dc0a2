/// A deterministic stream of usage events of every type, in realistic life cycles.
///
/// Equal seeds and profiles give equal bytes. Only event times are spread over the profile's span;
/// the records have no timestamp and get that of their sending.
public struct EventGenerator: ~Copyable {
    /// The shape of the stream.
    public let profile: EventProfile
    /// The organizations, users and projects in it.
    public let population: Population
    /// The number of records made so far.
    public private(set) var count = 0
    /// The time of the next events, milliseconds since 1970; nil: it follows the profile's span.
    public var clockMilliseconds: Int64?

    var random: SeededRandom
    var writer = ByteWriter()
    var frame = RecordFrame()
    var isFirstField = true
    var serial = 0
    var levels: [Int]
    var stored: [Int]
    var connections: [OpenConnection] = []
    var requests: [OpenRequest] = []
    let odds: StreamOdds
    private let choice: ZipfChoice
    private let idPrefix: UInt64
    private let stepNanoseconds: Int64
    private var recent: [(bytes: [UInt8], frame: RecordFrame)] = []
    private var headers: [WorkloadHeader] = []
    private var streamMilliseconds: Int64 = 0
    private var isRepeated = false
    private var rhythm: StreamRhythm?

    /// Makes the stream of a seed.
    public init(seed: UInt64, profile: EventProfile) {
        self.profile = profile
        population = Population(seed: seed, profile: profile)
        random = SeededRandom(seed: seed)
        idPrefix = random.next()
        odds = StreamOdds(profile)
        choice = ZipfChoice(
            count: population.organizations, exponentQuarters: profile.skewQuarters)
        rhythm = StreamRhythm(profile)
        levels = [Int](repeating: 0, count: population.organizations * LevelFamily.count)
        stored = [Int](repeating: 0, count: population.organizations * 2)
        stepNanoseconds = profile.spanMilliseconds * 1_000_000 / Int64(max(1, profile.events))
        connections.reserveCapacity(profile.openConnections)
        requests.reserveCapacity(profile.openRequests)
    }

    /// Makes the next record and lends it to the closure.
    @inline(__always)
    public mutating func withNext<Result, Failure: Error>(
        _ body: (WorkloadRecord) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        fill()
        return try body(record())
    }

    private mutating func fill() {
        isRepeated = !recent.isEmpty && random.happens(odds.duplicate)
        writer.clear()
        count += 1
        streamMilliseconds = baseTime()
        if isRepeated {
            let chosen = random.below(recent.count)
            writer.put(recent[chosen].bytes)
            frame = recent[chosen].frame
            return
        }
        serial += 1
        frame = RecordFrame()
        let now = streamMilliseconds
        if random.happens(odds.odd) {
            frame.isOdd = true
            fillOddity(now)
        } else {
            fillEvent(now)
            frame.valueEnd = writer.count
            remember()
        }
        frame.valueEnd = writer.count
    }

    private mutating func baseTime() -> Int64 {
        if let clockMilliseconds { return clockMilliseconds }
        if let time = rhythm?.time(of: count - 1) { return min(profile.endMilliseconds, time) }
        let sinceStart = Int64(count - 1) * stepNanoseconds / 1_000_000
        return min(
            profile.endMilliseconds, profile.endMilliseconds - profile.spanMilliseconds + sinceStart
        )
    }

    /// Keeps every fourth valid record in a pool of 256, from which duplicates are taken.
    private mutating func remember() {
        guard serial & 3 == 0 else { return }
        if recent.count < 256 {
            recent.append(([UInt8](writer.bytes), frame))
        } else {
            recent[random.below(256)] = ([UInt8](writer.bytes), frame)
        }
    }

    @inline(__always)
    mutating func pickOrganization() -> Int {
        choice.pick(&random)
    }

    /// The time of an event that arrives now: a little earlier, and sometimes much earlier.
    mutating func eventTime(_ now: Int64) -> Int64 {
        let recent = now - Int64(random.below(Int(max(1, profile.jitterMilliseconds))))
        guard random.happens(odds.lateArrival) else { return recent }
        return recent - 60_000
            - Int64(random.skewed(Int(max(1, profile.latestArrivalMilliseconds))))
    }

    /// Writes everything before the data: subject, id and time for themselves, then the envelope.
    mutating func begin(
        _ kind: EventKind, organization: Int, time: Int64?, hasData: Bool = true
    ) {
        frame.kind = kind
        frame.eventMilliseconds = time
        population.organizationIDs.withUnsafeBytes { ids in
            writer.put(
                UnsafeRawBufferPointer(rebasing: ids[organization * 36..<organization * 36 + 36]))
        }
        frame.subjectEnd = writer.count
        writer.put(hexadecimal: idPrefix)
        writer.put(byte: 0x2D)
        writer.put(decimal: serial)
        frame.idEnd = writer.count
        if let time {
            let isZoned = random.happens(odds.zoned)
            writer.put(milliseconds: time, offset: isZoned ? Self.offsets[random.below(4)] : 0)
        }
        frame.timeEnd = writer.count
        frame.isBinary = random.happens(odds.binary)
        frame.hasValue = hasData || !frame.isBinary
        isFirstField = true
        if !frame.isBinary { putEnvelope(hasData: hasData) } else if hasData { writer.put("{") }
    }

    private static let offsets = [330, -480, 60, 845]

    private mutating func putEnvelope(hasData: Bool) {
        let (subjectEnd, idEnd, timeEnd) = (frame.subjectEnd, frame.idEnd, frame.timeEnd)
        writer.put("{\"specversion\":\"1.0\",\"id\":\"")
        writer.putAgain(subjectEnd..<idEnd)
        writer.put("\",\"source\":\"/odometer/workload\",\"type\":\"")
        writer.put(frame.kind.type)
        writer.put("\",\"subject\":\"")
        writer.putAgain(0..<subjectEnd)
        if timeEnd > idEnd {
            writer.put("\",\"time\":\"")
            writer.putAgain(idEnd..<timeEnd)
        }
        writer.put("\",\"datacontenttype\":\"application/json\"")
        if hasData { writer.put(",\"data\":{") }
    }

    /// Closes the JSON that `begin` opened.
    mutating func end(hasData: Bool = true) {
        if hasData { writer.put(byte: 0x7D) }
        if !frame.isBinary { writer.put(byte: 0x7D) }
    }

    private mutating func record() -> WorkloadRecord {
        let bytes = writer.bytes
        func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[range])
        }
        headers.removeAll(keepingCapacity: true)
        if frame.isBinary {
            if frame.hasVersion { header("ce_specversion", Self.bytes("1.0")) }
            header("ce_id", part(frame.subjectEnd..<frame.idEnd))
            header("ce_source", Self.bytes("/odometer/workload"))
            header("ce_type", Self.bytes(frame.kind.type))
            header("ce_subject", part(0..<frame.subjectEnd))
            if frame.timeEnd > frame.idEnd { header("ce_time", part(frame.idEnd..<frame.timeEnd)) }
            header("content-type", Self.bytes("application/json"))
        }
        return WorkloadRecord(
            key: part(0..<frame.subjectEnd),
            value: frame.hasValue ? part(frame.timeEnd..<frame.valueEnd) : nil,
            headers: headers, eventMilliseconds: frame.eventMilliseconds, kind: frame.kind,
            streamMilliseconds: streamMilliseconds, isCountable: !isRepeated && !frame.isOdd)
    }

    private mutating func header(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        headers.append(WorkloadHeader(name: Self.bytes(name), value: value))
    }

    private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

/// The profile's shares in the form in which the loop compares them.
struct StreamOdds: Sendable {
    let binary: Odds
    let lateArrival: Odds
    let duplicate: Odds
    let timeless: Odds
    let zoned: Odds
    let odd: Odds
    /// Cumulative shares among the odd records: malformed, bad field, future, unknown type.
    let oddSums: [Double]

    init(_ profile: EventProfile) {
        binary = Odds(profile.binaryShare)
        lateArrival = Odds(profile.lateArrivalShare)
        duplicate = Odds(profile.duplicateShare)
        timeless = Odds(profile.timelessShare)
        zoned = Odds(profile.zonedShare)
        let shares = [
            profile.malformedShare, profile.badFieldShare, profile.futureShare,
            profile.unknownTypeShare,
        ]
        let total = shares.reduce(0, +)
        odd = Odds(total)
        var sum = 0.0
        oddSums = shares.map { share in
            sum += total > 0 ? share / total : 0
            return sum
        }
    }
}
