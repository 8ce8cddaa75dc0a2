/// What the oracle needs besides the catalog.
public struct OracleSettings: Sendable {
    /// The first part of every key name.
    public var prefix: String
    /// The second part of every key name.
    public var generation: Int
    /// How many shards the ledger has; an existing one tells it.
    public var shards: Int
    /// How many offsets back from a record its duplicates are searched.
    public var dedupeWindow: Int64
    /// How much later than its record's timestamp an event's time may be.
    public var futureBoundMilliseconds: Int64

    /// Makes settings of these values; they have no defaults, as these could differ from the
    /// ledger's.
    public init(
        prefix: String, generation: Int, shards: Int, dedupeWindow: Int64,
        futureBoundMilliseconds: Int64
    ) {
        self.prefix = prefix
        self.generation = generation
        self.shards = shards
        self.dedupeWindow = dedupeWindow
        self.futureBoundMilliseconds = futureBoundMilliseconds
    }
}

/// What the audit of one shard and partition must say.
public struct OracleAudit: Equatable, Sendable {
    /// Events whose amounts were added.
    public var accepted: Int64 = 0
    /// Events that repeat another one.
    public var duplicate: Int64 = 0
    /// Events of a type that the catalog does not know, and records without any event.
    public var ignored: Int64 = 0
    /// Records that are malformed, have a bad field, come too late or are from the future.
    public var rejected: Int64 = 0
    /// Events that are not the first ones of their records.
    public var further: Int64 = 0

    /// Makes an empty audit.
    public init() {}

    /// All events and rejected records of the shard.
    public var total: Int64 { accepted + duplicate + ignored + rejected }
}

/// Computes the right answers: takes the records of a log one by one, decides the outcome of each,
/// and keeps what must be in Redis.
///
/// It follows the published rules of events, catalog and layout with code of its own. One thread.
public struct Oracle: ~Copyable {
    /// One partition of a topic.
    public struct Partition: Sendable {
        /// The topic.
        public let topic: String
        /// The partition's number.
        public let number: Int32
        /// The first offset that is counted; records before it only enter the window of duplicates.
        public let origin: Int64
        /// Records at or after the origin.
        public internal(set) var delivered: Int64 = 0
        /// The audit of each shard.
        public internal(set) var audit: [OracleAudit]
        var window: DuplicateWindow
    }

    /// What must be in Redis.
    public internal(set) var cells = ExpectedCells()
    /// The partitions, in the order in which they were added.
    public internal(set) var partitions: [Partition] = []
    /// Windows that were not written because they had expired, counted once for each clause.
    public internal(set) var expiredWindows: Int64 = 0
    /// Why the schema of a record cannot be known; nothing that was fed since counts.
    public private(set) var schemaFailure: OracleError?
    /// Events without a time of their own that were accepted.
    public internal(set) var timeless: Int64 = 0

    let settings: OracleSettings
    var reader: EventReader
    var name = ByteWriter()
    var member = ByteWriter()
    var active: [ActiveClause] = []
    /// What the names of each shard's keys begin with.
    private let nameStarts: [[UInt8]]
    private var outcomes: [Int64]

    /// Makes an oracle for a catalog.
    ///
    /// - Parameter schemas: where the schemas of Avro and Protobuf come from; JSON needs none.
    public init(
        catalog: OracleCatalog, settings: OracleSettings, schemas: OracleSchemaSource? = nil
    ) throws(OracleError) {
        self.settings = settings
        reader = EventReader(try OracleProgram(catalog), schemas: schemas)
        nameStarts = (0..<settings.shards).map { shard in
            let prefix = "\(settings.prefix):\(settings.generation):"
            return Array(
                oracleKeyStart(prefix, shard: shard, shards: settings.shards).utf8)
        }
        outcomes = [Int64](repeating: 0, count: OracleOutcome.allCases.count)
    }

    /// Adds a partition and returns the index by which `feed` knows it.
    public mutating func addPartition(topic: String, number: Int32, origin: Int64 = 0) -> Int {
        partitions.append(
            Partition(
                topic: topic, number: number, origin: origin,
                audit: [OracleAudit](repeating: OracleAudit(), count: settings.shards),
                window: DuplicateWindow(span: settings.dedupeWindow)))
        return partitions.count - 1
    }

    /// Lets cells be moved, see `ExpectedCells.move`; sorts the cells before and afterwards.
    public mutating func moveCells<Failure: Error>(
        _ body: (inout ExpectedCells) throws(Failure) -> Void
    ) throws(Failure) {
        cells.sort()
        try body(&cells)
        cells.sort()
    }

    /// Sorts the expected cells, so that they can be read.
    public mutating func sortCells() {
        cells.sort()
    }

    /// Whether changed cells are noted; see `takeChanges`.
    public var countsChanges: Bool {
        get { cells.changes != nil }
        set { cells.changes = newValue ? [] : nil }
    }

    /// How many different cells have changed since the last call.
    public mutating func takeChanges() -> Int {
        let count = cells.changes?.count ?? 0
        cells.changes?.removeAll(keepingCapacity: true)
        return count
    }

    /// How many records had an outcome.
    public func count(_ outcome: OracleOutcome) -> Int64 {
        outcomes[Int(outcome.rawValue)]
    }

    /// Takes the next record of a partition; the timestamp is in milliseconds, −1 for none.
    @discardableResult
    public mutating func feed(
        _ partition: Int, offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer? = nil,
        value: UnsafeRawBufferPointer?, headers: [WorkloadHeader]
    ) -> OracleOutcome {
        let counts = offset >= partitions[partition].origin
        if counts { partitions[partition].delivered += 1 }
        (reader.partition, reader.offset) = (partitions[partition].number, offset)
        guard reader.program.format.isFramed, let framed = value else {
            return feed(
                text: value, partition, offset: offset, timestamp: timestamp, key: key,
                headers: headers)
        }
        let text: [UInt8]?
        do throws(OracleError) {
            text = schemaFailure == nil ? try reader.unframed(framed, headers) : nil
        } catch {
            schemaFailure = error
            text = nil
        }
        guard let text else {
            if counts {
                record(.malformed, partition, Int(partitions[partition].number) % settings.shards)
            }
            return .malformed
        }
        return text.withUnsafeBytes {
            feed(
                text: $0, partition, offset: offset, timestamp: timestamp, key: key,
                headers: headers)
        }
    }

    /// Takes a record without its frame, and Avro or Protobuf as a text.
    private mutating func feed(
        text value: UnsafeRawBufferPointer?, _ partition: Int, offset: Int64, timestamp: Int64,
        key: UnsafeRawBufferPointer?, headers: [WorkloadHeader]
    ) -> OracleOutcome {
        let counts = offset >= partitions[partition].origin
        if reader.hasList(headers) {
            return feedList(
                partition, offset: offset, timestamp: timestamp, key: key, value: value,
                headers: headers)
        }
        (reader.eventNumber, reader.containers) = (nil, [])
        var outcome = judge(value, key, headers, timestamp) ?? .accepted
        if outcome == .accepted, partitions[partition].window.takes(identity(), at: offset) {
            outcome = .duplicate
        }
        guard counts else { return outcome }
        let shard = self.shard(partition, outcome)
        if outcome == .accepted { apply(shard, timestamp) }
        record(outcome, partition, shard)
        return outcome
    }

    /// Makes all checks except that for duplicates; nil when all passed.
    mutating func judge(
        _ value: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?,
        _ headers: [WorkloadHeader], _ timestamp: Int64
    ) -> OracleOutcome? {
        if let outcome = reader.readEnvelope(value, key, headers, timestamp: timestamp) {
            return outcome
        }
        if reader.nanoseconds < reader.program.earliestNanoseconds { return .badField }
        let bound =
            timestamp < 0
            ? nil : boundNanoseconds(timestamp, later: settings.futureBoundMilliseconds)
        guard reader.readFields(value, bound: bound) else { return .badField }
        if let bound, reader.nanoseconds > bound { return .future }
        return activate(timestamp) ? nil : .late
    }

    /// A record's timestamp plus some milliseconds, in nanoseconds; clamped, as a timestamp may be
    /// any number.
    private func boundNanoseconds(_ timestamp: Int64, later: Int64) -> Int64 {
        let (sum, isTooLate) = timestamp.addingReportingOverflow(later)
        let (product, isBeyond) = sum.multipliedReportingOverflow(by: 1_000_000)
        return isTooLate || isBeyond ? .max : product
    }

    /// Subject, source and id, each after its length.
    mutating func identity() -> UnsafeRawBufferPointer {
        member.clear()
        for range in [reader.subject, reader.source, reader.id] {
            member.put(byte: UInt8(truncatingIfNeeded: range.count >> 8))
            member.put(byte: UInt8(truncatingIfNeeded: range.count))
            reader.scratch.withUnsafeBytes { member.put(.init(rebasing: $0[range])) }
        }
        return member.bytes
    }

    func shard(_ partition: Int, _ outcome: OracleOutcome) -> Int {
        guard outcome != .malformed, !reader.subject.isEmpty else {
            return Int(partitions[partition].number) % settings.shards
        }
        return reader.scratch.withUnsafeBytes {
            oracleShard(
                of: .init(rebasing: $0[reader.subject]), shards: settings.shards)
        }
    }

    mutating func record(_ outcome: OracleOutcome, _ partition: Int, _ shard: Int) {
        outcomes[Int(outcome.rawValue)] += 1
        switch outcome {
        case .accepted: partitions[partition].audit[shard].accepted += 1
        case .duplicate: partitions[partition].audit[shard].duplicate += 1
        case .ignored: partitions[partition].audit[shard].ignored += 1
        case .malformed, .badField, .late, .future:
            partitions[partition].audit[shard].rejected += 1
        }
    }

    /// Begins the key names of the event's organization.
    mutating func startName(_ shard: Int) {
        name.clear()
        name.put(nameStarts[shard])
        reader.putSubject(into: &name)
    }

    /// Begins the key names of a shard's cells over all organizations, or of its lists of them: no
    /// id is written as such a name.
    mutating func startName(_ shard: Int, reserved: StaticString) {
        name.clear()
        name.put(nameStarts[shard])
        name.put(reserved)
    }
}
