import Glibc
public import Workload

/// The load for which a capacity plan is computed.
public struct CapacityQuestion: Sendable {
    /// The files of the catalog, each a name and its text.
    public var catalogs: [(name: String, text: String)]
    /// The shape of the load.
    public var profile: EventProfile
    /// The seed of its events.
    public var seed: UInt64
    /// Records a second that arrive.
    public var rate: Double
    /// The longest time between two commits of a shard.
    public var commitIntervalMilliseconds: Int64
    /// Partitions of the topic.
    public var partitions: Int
    /// At most this many events are counted one by one; the rest is extrapolated.
    public var sample: Int
    /// The settings of the ledger that the oracle needs.
    public var settings: OracleSettings

    /// Makes a question of these parts; it has no defaults, as they could differ from the ledger's.
    public init(
        catalogs: [(name: String, text: String)], profile: EventProfile, seed: UInt64,
        rate: Double, commitIntervalMilliseconds: Int64, partitions: Int, sample: Int,
        settings: OracleSettings
    ) {
        self.catalogs = catalogs
        self.profile = profile
        self.seed = seed
        self.rate = rate
        self.commitIntervalMilliseconds = commitIntervalMilliseconds
        self.partitions = partitions
        self.sample = sample
        self.settings = settings
    }
}

/// What a load will need: the oracle counts generated events, and a model tells Redis' memory.
public struct CapacityPlan: Sendable {
    /// What one meter or family needs; totals of all meters count under "totals".
    public struct Share: Sendable {
        /// Keys.
        public var keys = 0.0
        /// Members and distinct values.
        public var cells = 0.0
        /// Bytes of Redis' memory.
        public var bytes = 0.0
    }

    /// Events that were counted one by one.
    public var countedEvents = 0
    /// All meters together, with marks, audit and the tables of Redis.
    public var sum = Share()
    /// By meter, or family where meters share keys.
    public var meters: [(name: String, share: Share)] = []
    /// Cells that commits change per second, at the rate in the question.
    public var cellsPerSecond = 0.0

    /// Computes a plan.
    public static func estimate(_ question: CapacityQuestion) throws(VerifyError) -> CapacityPlan {
        let events = question.profile.events
        var plan = CapacityPlan()
        var sums: [[String: Share]] = []
        if events <= question.sample {
            sums = [try count(question, events: events)]
            plan.countedEvents = events
        } else {
            // Each part has its events spread over the whole span, as the load has.
            for part in [4, 2, 1] {
                sums.append(try count(question, events: question.sample / part))
                plan.countedEvents += question.sample / part
            }
        }
        let growth = Growth(doublings: log2(Double(events) / Double(question.sample)))
        for name in sums[sums.count - 1].keys.sorted() {
            func value(_ place: KeyPath<Share, Double>) -> Double {
                growth.extrapolate(sums.map { $0[name]?[keyPath: place] ?? 0 })
            }
            plan.meters.append(
                (name, Share(keys: value(\.keys), cells: value(\.cells), bytes: value(\.bytes))))
        }
        for (_, share) in plan.meters {
            plan.sum.keys += share.keys
            plan.sum.cells += share.cells
            plan.sum.bytes += share.bytes
        }
        let shards = Double(question.settings.shards)
        plan.sum.keys += 2 * shards + 1
        plan.sum.bytes += shards * RedisMemory.books(partitions: question.partitions)
        plan.sum.bytes += RedisMemory.table(keys: Int(plan.sum.keys))
        plan.cellsPerSecond = try cellsPerSecond(question)
        return plan
    }

    /// What a ledger needs, by meter, for this many events spread over the load's whole span.
    private static func count(
        _ question: CapacityQuestion, events: Int
    ) throws(VerifyError) -> [String: Share] {
        var question = question
        question.profile.events = events
        var oracle = try makeOracle(question)
        feed(&oracle, question, events: events) { _, _ in }
        oracle.sortCells()
        let prefix = "\(question.settings.prefix):\(question.settings.generation):".utf8.count
        var sums: [String: Share] = [:]
        for key in 0..<oracle.cells.keyCount {
            let name = oracle.cells.name(key)
            let cells = RedisMemory.Cells(oracle.cells, key)
            guard cells.count > 0 else { continue }
            let meter = LedgerKey(name, prefixLength: prefix).meter
            let title = meter.map { String(decoding: $0, as: UTF8.self) } ?? "totals"
            sums[title, default: Share()].keys += 1
            sums[title, default: Share()].cells += Double(cells.count)
            sums[title, default: Share()].bytes +=
                RedisMemory.key(name.count, hasExpiry: oracle.cells.expirySeconds(key) != nil)
                + cells.bytes
        }
        return sums
    }

    /// Different cells that the records of one commit interval change, per second, as the mean of
    /// the first intervals.
    private static func cellsPerSecond(_ question: CapacityQuestion) throws(VerifyError) -> Double {
        var oracle = try makeOracle(question)
        oracle.countsChanges = true
        let interval = Double(question.commitIntervalMilliseconds) / 1_000
        let batch = max(1, Int(question.rate * interval))
        let events = min(question.profile.events, max(batch, min(question.sample, 200_000)))
        var changed = 0
        feed(&oracle, question, events: events) { oracle, number in
            if (number + 1) % batch == 0 || number + 1 == events {
                changed += oracle.takeChanges()
            }
        }
        return Double(changed) / Double(events) * question.rate
    }

    /// Gives the first events of the load to the oracle, as if all of them were sent at its end.
    private static func feed(
        _ oracle: inout Oracle, _ question: CapacityQuestion, events: Int,
        afterEach: (inout Oracle, _ number: Int) -> Void
    ) {
        var generator = EventGenerator(seed: question.seed, profile: question.profile)
        let now = question.profile.endMilliseconds
        for number in 0..<events {
            generator.withNext { record in
                _ = oracle.feed(
                    0, offset: Int64(number), timestamp: now, key: record.key,
                    value: record.value, headers: record.headers)
            }
            afterEach(&oracle, number)
        }
    }

    private static func makeOracle(_ question: CapacityQuestion) throws(VerifyError) -> Oracle {
        let catalog = try CatalogText.read(question.catalogs)
        guard catalog.records == .json else {
            throw VerifyError(
                .catalog,
                "the events of a plan are JSON; this catalog's are \(catalog.records.rawValue)")
        }
        do throws(OracleError) {
            var oracle = try Oracle(catalog: catalog, settings: question.settings)
            _ = oracle.addPartition(topic: "plan", number: 0)
            return oracle
        } catch {
            throw VerifyError(.catalog, error.message)
        }
    }
}
