import Foundation
import Kafka
public import Ledger
import Printing
import Replay
public import Workload

/// The demonstration from the first record to the last request, on servers that are ready.
public final class Demonstration {
    /// The running machine that is shown.
    public struct Machine {
        let host: String
        let port: UInt16
        let adminPort: Int
        let layout: KeyLayout
        let commitIntervalMilliseconds: Int
        let error: () -> String?

        /// Makes a machine that answers on `port` and has its metrics on `adminPort` of the same
        /// host.
        ///
        /// - Parameters:
        ///   - layout: the names of its keys in Redis.
        ///   - commitIntervalMilliseconds: the longest time between two commits of a shard.
        ///   - error: why the machine has stopped; nil while it runs.
        public init(
            host: String, port: UInt16, adminPort: Int, layout: KeyLayout,
            commitIntervalMilliseconds: Int,
            error: @escaping () -> String?
        ) {
            self.host = host
            self.port = port
            self.adminPort = adminPort
            self.layout = layout
            self.commitIntervalMilliseconds = commitIntervalMilliseconds
            self.error = error
        }
    }

    private static let organizations = 3
    private static let seed: UInt64 = 90

    /// The organizations and their users, whose profiles belong into the directory topic.
    public let directory: DirectoryGenerator
    private let stage: DemoStage
    private let machine: Machine
    private let stop: (_ milliseconds: Int) -> Bool
    private let profile: EventProfile
    private let events: Int
    private let reader: Consumer
    /// The shards of the organizations.
    private let shards: [Int]

    /// Makes a demonstration with this many events of history.
    ///
    /// `stop` waits up to this many milliseconds and returns whether the user asked for the end.
    public init(
        _ stage: DemoStage, _ machine: Machine, events: Int,
        stop: @escaping (_ milliseconds: Int) -> Bool
    ) throws(DemoError) {
        self.stage = stage
        self.machine = machine
        self.events = events
        self.stop = stop
        let profile = Demonstration.profile(events: events)
        self.profile = profile
        let directory = DirectoryGenerator(seed: Demonstration.seed, profile: profile)
        self.directory = directory
        shards = (0..<Demonstration.organizations).map {
            machine.layout.shard(of: directory.population.organizationID($0))
        }
        do throws(KafkaError) {
            reader = try Consumer(stage.kafka, settings: ConsumerSettings()) { _ in }
        } catch {
            throw DemoError(error)
        }
    }

    /// The id of the organization whose answers are shown.
    public var organization: String {
        String(decoding: directory.population.organizationID(0), as: UTF8.self)
    }

    /// How many organizations there are.
    public var organizationCount: Int { Demonstration.organizations }

    /// Runs until it is stopped, or until live events were sent for this many seconds.
    ///
    /// - Parameters:
    ///   - keys: by dialect, the secret of a key that opens it.
    ///   - rate: live events a second.
    /// - Returns: whether every route was answered with 200.
    public func run(keys: [String: String], rate: Int, seconds: Int?) throws(DemoError) -> Bool {
        let routes = DemoRoutes(
            organization: organization, slug: directory.slug(0), keys: keys,
            token: TokenSigner.token(
                organization: organization, secret: stage.servers.tokenSecret, seconds: 86_400))
        var source = GeneratedSource(seed: Demonstration.seed, profile: profile, count: .max)
        do throws(ReplayError) {
            let replayer = try Replayer(stage.kafka, topic: stage.topics.events)
            try sendHistory(&source, events, replayer)
            let isComplete = routes.show(host: machine.host, port: machine.port)
            Output.line(
                "\nMetrics: curl -s http://\(machine.host):\(machine.adminPort)/metrics"
                    + "\n\(rate) live events a second now; ask again and see them. Ctrl-C ends it all."
            )
            try sendLive(&source, rate, seconds, replayer)
            return isComplete
        } catch {
            guard error.code == .stopped else { throw DemoError(error.message) }
            return true
        }
    }

    /// The shape of the history: ninety days that end now, with every type of event and odd record.
    private static func profile(events: Int) -> EventProfile {
        var profile = EventProfile(endMilliseconds: ValueText.now())
        profile.events = events
        profile.organizations = organizations
        profile.openConnections = 60
        profile.openRequests = 40
        return profile
    }

    // MARK: Events

    /// Sends the history in pieces, each only when the cluster has room, see `DemoStage.hasRoom`.
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
        // `busy` looks at the furthest shard; the others with cells commit within an interval.
        usleep(UInt32(2_000 * machine.commitIntervalMilliseconds))
        Output.line("history: all counted")
    }

    /// Records that are not counted yet, for the partition that has the most: `busy` by the
    /// organizations' shard that is furthest ahead, `idle` by all shards, of which those without
    /// cells commit only every ten seconds.
    private func backlog() throws(ReplayError) -> (busy: Int64, idle: Int64, counted: Int64) {
        do throws(KafkaError) {
            let status = try? LedgerStatus.read(stage.redis, layout: machine.layout)
            var sum: (busy: Int64, idle: Int64, counted: Int64) = (0, 0, 0)
            for number in 0..<DemoStage.partitions {
                let partition = TopicPartition(topic: stage.topics.events, partition: Int32(number))
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

    /// Sends events that happen now, until the demonstration is stopped.
    private func sendLive(
        _ source: inout GeneratedSource, _ rate: Int, _ seconds: Int?, _ replayer: Replayer
    ) throws(ReplayError) {
        let start = ValueText.now()
        var sent = 0
        var nextLine = start + 10_000
        while seconds.map({ ValueText.now() - start < Int64($0) * 1_000 }) ?? true {
            if stop(50) || machine.error() != nil { return }
            let due = Int((ValueText.now() - start) * Int64(rate) / 1_000)
            while sent < due {
                source.clockMilliseconds = ValueText.now()
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
        if stop(0) { throw ReplayError(.stopped, "stopped") }
        if let error = machine.error() { throw ReplayError(.sink, error) }
    }
}
