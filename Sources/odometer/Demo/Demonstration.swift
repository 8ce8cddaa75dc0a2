import API
import Foundation
import Kafka
import Ledger
import Query
import Redis
import Replay
import Workload

/// The demonstration from the first record to the last request, on servers that are ready.
final class Demonstration {
    private static let organizations = 3
    private static let seed: UInt64 = 90

    private let stage: DemoStage
    private let log: Log
    private let stop: Latch<Bool>
    private let machine: Machine
    private let reader: Consumer
    /// Shards of the organizations.
    private let shards: [Int]

    init(_ stage: DemoStage, log: Log, stop: Latch<Bool>) throws(CommandFailure) {
        self.stage = stage
        self.log = log
        self.stop = stop
        machine = try Machine(stage.settings, [.counting, .answering], log: log)
        let population = Population(
            seed: Demonstration.seed, profile: Demonstration.profile(events: 1))
        let layout = machine.parts.layout
        shards = (0..<Demonstration.organizations).map {
            layout.shard(of: population.organizationID($0))
        }
        do throws(KafkaError) {
            reader = try Consumer(stage.kafka, settings: ConsumerSettings()) { _ in }
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Runs until somebody stops it, or so many seconds of live events have passed.
    func run(events: Int, rate: Int, seconds: Int?) throws(CommandFailure) -> ExitCode {
        try machine.start()
        defer { machine.stop() }
        let profile = Demonstration.profile(events: events)
        let directory = DirectoryGenerator(seed: Demonstration.seed, profile: profile)
        let routes = try loadDirectory(directory)
        var source = GeneratedSource(
            seed: Demonstration.seed, profile: profile, count: .max)
        let replayer: Replayer
        do throws(ReplayError) {
            replayer = try Replayer(stage.kafka, topic: stage.eventTopic)
            try sendHistory(&source, events, replayer)
        } catch {
            return try ended(by: error)
        }
        let host = stage.settings.address(Options.listen).host
        let port = UInt16(clamping: machine.answering?.port ?? 0)
        let isComplete = routes.show(host: host, port: port)
        Output.line(
            "\nMetrics: curl -s http://\(host):\(machine.adminPort)/metrics"
                + "\n\(rate) live events a second now; ask again and see them. Ctrl-C ends it all.")
        do throws(ReplayError) {
            try sendLive(&source, rate, seconds, replayer)
        } catch {
            return try ended(by: error)
        }
        if case .failed(let failure) = machine.end { throw failure }
        return isComplete ? .ok : .failed
    }

    private func ended(by error: ReplayError) throws(CommandFailure) -> ExitCode {
        guard error.code == .stopped else { throw CommandFailure(.failed, error.message) }
        return .ok
    }

    /// Ninety days that end now, with every type of event and every kind of odd record.
    private static func profile(events: Int) -> EventProfile {
        var profile = EventProfile(end: ValueText.now())
        profile.events = events
        profile.organizations = organizations
        profile.openConnections = 60
        profile.openRequests = 40
        return profile
    }

    // MARK: Directory

    private func loadDirectory(_ directory: DirectoryGenerator) throws(CommandFailure) -> DemoRoutes
    {
        let organization = String(decoding: directory.population.organizationID(0), as: UTF8.self)
        let writer = try DirectoryWriter(stage.kafka, topic: stage.directoryTopic)
        let profiles = directory.profiles()
        for profile in profiles {
            guard let key = DirectoryKey(record: profile.key) else { continue }
            try writer.put(key, profile.value)
        }
        var secrets: [String: String] = [:]
        for dialect in KeyMaker.dialects {
            let key = try NewCredential.make(
                organization: organization, dialects: [dialect], role: .admin)
            try writer.put(try DirectoryKey(kind: .credential, ids: [key.hash]), key.json)
            secrets[dialect] = key.secret
        }
        let written = try writer.finish(timeoutMilliseconds: 30_000)
        let wait = DirectoryMirrorWait(
            redis: machine.parts.redis, kafka: stage.kafka, layout: machine.parts.layout,
            topic: stage.directoryTopic)
        guard try wait.wait(for: written, milliseconds: 30_000) else {
            throw CommandFailure(.timeout, "the directory did not reach Redis in time")
        }
        Output.line(
            "directory: \(profiles.count) profiles of \(Demonstration.organizations) organizations, "
                + "\(secrets.count) keys")
        return DemoRoutes(
            organization: organization, slug: directory.slug(0), keys: secrets,
            token: TokenSigner.token(
                organization: organization, secret: stage.tokenSecret, seconds: 86_400))
    }

    // MARK: Events

    /// Sends in pieces, each only when the cluster still holds everything that is not counted yet.
    private func sendHistory(
        _ source: inout GeneratedSource, _ events: Int, _ replayer: Replayer
    ) throws(ReplayError) {
        var nextLine: Int64 = 0
        for number in 1...events {
            guard let record = source.next() else { break }
            try replayer.send(record)
            guard number.isMultiple(of: DemoStage.piece) || number == events else { continue }
            try replayer.finish()
            while true {
                try checkStop()
                let state = try backlog()
                if ValueText.now() >= nextLine {
                    nextLine = ValueText.now() + 1_000
                    Output.line(
                        "history: \(ValueText.grouped(Int64(number))) of "
                            + "\(ValueText.grouped(Int64(events))) events sent, "
                            + "\(ValueText.grouped(state.counted)) counted")
                }
                if number == events ? state.busy == 0 : stage.hasRoom(state.busy, state.idle) {
                    break
                }
                usleep(50_000)
            }
        }
        // The other shards with cells commit in the same interval as the first.
        usleep(UInt32(2_000 * stage.settings.milliseconds(Options.commitInterval)))
        Output.line("history: all counted")
    }

    /// Records that are not counted yet, of the partition that has most: in the organizations'
    /// shard that is first, and in all, of which those without cells follow every ten seconds only.
    private func backlog() throws(ReplayError) -> (busy: Int64, idle: Int64, counted: Int64) {
        do throws(KafkaError) {
            let status = try? LedgerStatus.read(machine.parts.redis, layout: machine.parts.layout)
            var sum: (busy: Int64, idle: Int64, counted: Int64) = (0, 0, 0)
            for number in 0..<DemoStage.partitions {
                let partition = TopicPartition(topic: stage.eventTopic, partition: Int32(number))
                let end = try reader.watermarks(of: partition, timeoutMilliseconds: 10_000).high
                let state = status?.partitions[partition.description]
                let mark = shards.map { state?.shards[$0]?.mark ?? 0 }.max() ?? 0
                sum.busy = max(sum.busy, end - mark)
                sum.idle = max(sum.idle, end - (state?.lowest ?? 0))
                sum.counted += mark
            }
            return sum
        } catch {
            throw ReplayError(.sink, error.description)
        }
    }

    /// Events that happen now, until somebody stops us.
    private func sendLive(
        _ source: inout GeneratedSource, _ rate: Int, _ seconds: Int?, _ replayer: Replayer
    ) throws(ReplayError) {
        let start = ValueText.now()
        var sent = 0
        var nextLine = start + 10_000
        while seconds.map({ ValueText.now() - start < Int64($0) * 1_000 }) ?? true {
            if stop.wait(milliseconds: 50) != nil { return }
            if case .failed = machine.end { return }
            let due = Int((ValueText.now() - start) * Int64(rate) / 1_000)
            while sent < due {
                source.clock = ValueText.now()
                if let record = source.next() { try replayer.send(record) }
                sent += 1
            }
            guard ValueText.now() >= nextLine else { continue }
            nextLine += 10_000
            let state = try backlog()
            Output.line(
                "live: \(ValueText.grouped(Int64(sent))) events sent, "
                    + "\(ValueText.grouped(state.counted)) records counted in all")
        }
    }

    private func checkStop() throws(ReplayError) {
        if stop.wait(milliseconds: 0) != nil { throw ReplayError(.stopped, "stopped") }
        if case .failed(let failure) = machine.end {
            throw ReplayError(.sink, failure.message)
        }
    }
}
