import Kafka
import Workload

/// Compares a ledger with its log: reads the log from its origin with code of its own, waits until
/// every mark is at the end, and compares every cell in both directions.
///
/// It works like an outside tool: it knows the published rules of catalog, events and layout, and
/// nothing of the program that it checks. It writes only one temporary key under `PREFIX:verify:`.
public struct Verification: ~Copyable {
    private let configuration: VerificationConfiguration
    private let progress: (VerificationProgress) -> Void
    private var oracle: Oracle
    private var topic: TopicReader
    private var ledger: LedgerReader
    private var origins: [Int64] = []
    private var records: Int64 = 0
    private let catalog: OracleCatalog
    private var meters: [OracleMeter] { catalog.meters }

    /// Runs a verification; an error means that it could not be completed.
    public static func run(
        _ configuration: VerificationConfiguration,
        progress: @escaping (VerificationProgress) -> Void = { _ in }
    ) throws(VerifyError) -> VerificationReport {
        var verification = try Verification(configuration, progress)
        return try verification.run()
    }

    private init(
        _ configuration: VerificationConfiguration,
        _ progress: @escaping (VerificationProgress) -> Void
    ) throws(VerifyError) {
        let catalog = try CatalogText.read(configuration.catalogs)
        let oracle = try Self.makeOracle(configuration, catalog, shards: 1)
        let topic = try TopicReader(configuration.kafka)
        let ledger = try LedgerReader(configuration)
        self.configuration = configuration
        self.progress = progress
        self.catalog = catalog
        self.oracle = oracle
        self.topic = topic
        self.ledger = ledger
    }

    private static func makeOracle(
        _ configuration: VerificationConfiguration, _ catalog: OracleCatalog, shards: Int
    ) throws(VerifyError) -> Oracle {
        let settings = OracleSettings(
            prefix: configuration.prefix, generation: configuration.generation, shards: shards,
            dedupeWindow: configuration.dedupeWindow,
            futureBoundMilliseconds: configuration.futureBoundMilliseconds)
        if catalog.records.needsSchemas, configuration.schemas == nil {
            throw VerifyError(
                .catalog,
                "the catalog's records are \(catalog.records.rawValue): --schemas must say where "
                    + "their schemas are")
        }
        do throws(OracleError) {
            return try Oracle(
                catalog: catalog, settings: settings,
                schemas: configuration.schemas.map { SchemaText.source($0) })
        } catch {
            throw VerifyError(.catalog, error.message)
        }
    }

    private mutating func run() throws(VerifyError) -> VerificationReport {
        guard let description = try waitForLedger() else {
            return timedOut("no ledger under \(ledger.prefix) yet")
        }
        try refuseOtherMeters(description)
        // The first one only showed that the catalog is right: the ledger tells the shards.
        oracle = try Self.makeOracle(configuration, catalog, shards: ledger.shards)
        try addPartitions(description)
        guard try readOn() else { return timedOut("no record came for the time given") }
        let deadline = ContinuousClock.now.advanced(
            by: .milliseconds(configuration.timeoutMilliseconds))
        while true {
            if let note = try waitForMarks(until: deadline) { return timedOut(note) }
            let parked = try ledger.parked()
            let report = try compare(description, parked)
            // What was compared belongs to one state only if nothing has moved meanwhile.
            try topic.refreshEnds()
            if topic.isAtEnd, try marksBehind() == 0, try ledger.parked() == parked {
                return report
            }
            guard ContinuousClock.now < deadline else {
                return timedOut("the log went on growing during the comparison")
            }
        }
    }

    /// A catalog that shares no meter with the ledger is another one: each cell would differ.
    private func refuseOtherMeters(_ description: [String: String]) throws(VerifyError) {
        let counted = (description["contract"] ?? "").split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count == 3 && words[0] == "meter" ? String(words[1]) : nil
        }
        let asked = Set(catalog.meters.map(\.name))
        guard let first = counted.first, !counted.contains(where: asked.contains) else { return }
        throw VerifyError(
            .catalog,
            "the ledger counts other meters than this catalog, as \(first): --meters says which "
                + "catalog `odometer run` has")
    }

    private func timedOut(_ note: String) -> VerificationReport {
        var report = outcomes()
        report.hasTimedOut = true
        report.note = note
        return report
    }

    private func outcomes() -> VerificationReport {
        var report = VerificationReport()
        report.outcomes = OracleOutcome.allCases.map { ($0.name, oracle.count($0)) }
        report.records = oracle.partitions.reduce(0) { $0 + $1.delivered }
        return report
    }

    /// Waits for a ledger that has an origin for each topic; nil when the time is over.
    private mutating func waitForLedger() throws(VerifyError) -> [String: String]? {
        let deadline = ContinuousClock.now.advanced(
            by: .milliseconds(configuration.timeoutMilliseconds))
        while true {
            let topics = configuration.topics
            if let ledger = try ledger.ledger(),
                topics.allSatisfy({ topic in
                    ledger.keys.contains { $0.hasPrefix("origin:\(topic)/") }
                })
            {
                return ledger
            }
            guard ContinuousClock.now < deadline else { return nil }
            progress(.waitingForLedger)
            // Nothing is assigned yet, so this only waits.
            _ = try topic.step(timeoutMilliseconds: 200) { _, _, _ in }
        }
    }

    private mutating func addPartitions(_ description: [String: String]) throws(VerifyError) {
        for name in configuration.topics {
            for (partition, low, high) in try topic.logs(of: name) {
                // A partition without an origin was added later and is counted from its beginning.
                let text = description["origin:\(partition)"]?.prefix { $0 != " " }
                let origin = text.flatMap { Int64($0) } ?? 0
                let number = oracle.addPartition(
                    topic: name, number: partition.partition, origin: origin)
                origins.append(origin)
                let start = max(low, origin - configuration.dedupeWindow)
                topic.add(partition, number: number, from: start, logStart: low, end: high)
            }
        }
        try topic.start()
    }

    /// Reads up to the log ends; false when no record came for the whole timeout.
    private mutating func readOn() throws(VerifyError) -> Bool {
        var lastProgress = ContinuousClock.now
        while !topic.isAtEnd {
            if try takeBatch(timeoutMilliseconds: 100) > 0 {
                lastProgress = ContinuousClock.now
            } else if ContinuousClock.now - lastProgress
                > .milliseconds(configuration.timeoutMilliseconds)
            {
                return false
            }
        }
        return true
    }

    private mutating func takeBatch(timeoutMilliseconds: Int32) throws(VerifyError) -> Int {
        let taken = try Self.feed(&oracle, from: &topic, timeoutMilliseconds)
        records += Int64(taken)
        let left = topic.partitions.reduce(0) { $0 + max(0, $1.end - $1.reached) }
        if taken > 0 { progress(.reading(records: records, of: records + left)) }
        return taken
    }

    private static func feed(
        _ oracle: inout Oracle, from topic: inout TopicReader, _ timeoutMilliseconds: Int32
    ) throws(VerifyError) -> Int {
        let taken = try topic.step(timeoutMilliseconds: timeoutMilliseconds) {
            record, number, headers in
            oracle.feed(
                number, offset: record.offset, timestamp: record.timestamp, key: record.key,
                value: record.value, headers: headers)
        }
        if let failure = oracle.schemaFailure { throw VerifyError(.schemas, failure.message) }
        return taken
    }

    /// Waits until every mark has been at the log end for two commit intervals; returns what is
    /// missing when the time is over before that.
    private mutating func waitForMarks(
        until deadline: ContinuousClock.Instant
    ) throws(VerifyError) -> String? {
        var since: ContinuousClock.Instant?
        while true {
            try topic.refreshEnds()
            var behind = ledger.shards
            if topic.isAtEnd {
                behind = try marksBehind()
                let now = ContinuousClock.now
                if behind > 0 {
                    since = nil
                } else if let start = since {
                    if now - start >= .milliseconds(2 * configuration.commitIntervalMilliseconds) {
                        return nil
                    }
                } else {
                    since = now
                }
            } else {
                since = nil
            }
            guard ContinuousClock.now < deadline else {
                return "\(behind) marks do not stand at the end of the log"
            }
            progress(.waiting(marksBehind: behind))
            // At the log end this only waits.
            _ = try takeBatch(timeoutMilliseconds: 100)
        }
    }

    /// How many marks, of all shards and partitions, are not at the log end.
    private mutating func marksBehind() throws(VerifyError) -> Int {
        let marks = try ledger.ofEachShard("marks")
        var behind = 0
        for partition in topic.partitions {
            let end = String(partition.reached)
            for shard in marks where shard[partition.name.description] != end { behind += 1 }
        }
        return behind
    }

    private mutating func compare(
        _ description: [String: String], _ parked: ParkedChanges
    ) throws(VerifyError) -> VerificationReport {
        let limits = try limits(description)
        var admission = Admission(
            meters, limits, parked, prefixLength: ledger.prefix.utf8.count)
        var report = outcomes()
        try Self.judge(&admission, &ledger, &oracle, &report)
        var comparison = Comparison(
            report, limits: limits, parked: parked, keys: oracle.cells.keyCount,
            prefix: configuration.prefix)
        try comparison.run(&ledger, oracle.cells, progress)
        try expectAnswers(limits, comparison.temporary, &comparison.report)
        let marks = try ledger.ofEachShard("marks")
        let audits = try ledger.ofEachShard("audit")
        for partition in topic.partitions {
            let check = AuditCheck(
                partition: partition.name.description, origin: origins[partition.number],
                isWhole: partition.logStart <= origins[partition.number])
            check.run(
                marks, audits, ledger.prefix, oracle.partitions[partition.number],
                &comparison.report)
        }
        return comparison.report
    }

    /// Moves to `__other__` what the ledger counts there because of a limit.
    private static func judge(
        _ admission: inout Admission, _ ledger: inout LedgerReader, _ oracle: inout Oracle,
        _ report: inout VerificationReport
    ) throws(VerifyError) {
        try oracle.moveCells { cells throws(VerifyError) in
            try admission.judgeScopes(&ledger, &cells, &report)
        }
        try oracle.moveCells { cells throws(VerifyError) in
            try admission.judgeMembers(&ledger, &cells, &report)
        }
    }

    /// Computes what the HTTP interface must answer; nothing when the log no longer holds every
    /// record that was counted.
    private mutating func expectAnswers(
        _ limits: ComparisonLimits, _ temporary: String, _ report: inout VerificationReport
    ) throws(VerifyError) {
        guard limits.logStartMilliseconds == nil else {
            report.unchecked = configuration.organizations.map {
                UncheckedRoute(
                    organization: $0, path: "every route",
                    reason: "the log begins after the ledger's origin")
            }
            return
        }
        report.answers = ExpectedAnswer.all(
            configuration.organizations,
            meters.filter { !limits.laterMeters.contains(Array($0.name.utf8)) }, ledger.prefix,
            shards: ledger.shards, oracle.cells)
        for organization in configuration.organizations {
            var expectation = RouteExpectation(
                organization, meters, later: limits.laterMeters,
                nowSeconds: try ledger.nowSeconds(),
                prefix: ledger.prefix, shards: ledger.shards, oracle.cells)
            expectation.expectAll()
            report.unchecked += expectation.unchecked
            for var route in expectation.routes {
                for place in route.bodies.indices {
                    route.bodies[place] = try ledger.counting(route.bodies[place], temporary)
                }
                report.routes.append(route)
            }
        }
    }

    private mutating func limits(
        _ description: [String: String]
    ) throws(VerifyError) -> ComparisonLimits {
        let nowSeconds = try ledger.nowSeconds()
        var limits = ComparisonLimits()
        // A key that expires while the comparison runs would look like a missing one.
        limits.expirySeconds = nowSeconds + 120
        limits.expiryToleranceMilliseconds = ledger.isCluster ? 60_000 : 0
        for partition in topic.partitions where partition.logStart > origins[partition.number] {
            // Records that are gone are older than the first one still there, and an event is at
            // most a future bound later than its record.
            let first =
                partition.firstTimestampMilliseconds.flatMap { $0 < 0 ? nil : $0 } ?? nowSeconds
                * 1_000
            limits.logStartMilliseconds = max(
                limits.logStartMilliseconds ?? .min, first + configuration.futureBoundMilliseconds)
        }
        for meter in meters where meter.isTable {
            limits.mostMembers[Array((meter.family ?? meter.name).utf8)] = meter.mostMembers
        }
        limits.families = Set(meters.compactMap { $0.family.map { Array($0.utf8) } })
        let since = description.filter { $0.key.hasPrefix("since:") }
        let first = since.values.compactMap { Int64($0) }.min() ?? 0
        for (name, number) in since where (Int64(number) ?? first) > first {
            limits.laterMeters.insert(Array(name.dropFirst("since:".count).utf8))
        }
        return limits
    }
}
