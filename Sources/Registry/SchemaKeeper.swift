internal import Glibc
public import Metering
internal import Synchronization

/// What became of one attempt to get a schema.
enum FetchResult: Sendable {
    case schema(RecordSchema)
    /// Who knows all schemas says that there is none.
    case absent
    /// Nothing is known; the sentence says why.
    case failed(String)
}

/// What a place of schemas has.
public enum SchemaSurvey: Sendable {
    /// A registry with so many subjects.
    case subjects(Int)
    /// A directory with so many schemas, and why some of them cannot be used.
    case files(Int, unusable: [String])
    /// It does not answer as it must; a clause for people.
    case failed(String)
}

/// Where single schemas are fetched from; called on the keeper's thread, and may take seconds.
protocol SchemaFetcher: Sendable {
    func fetch(_ key: SchemaKey) -> FetchResult
    func survey() -> SchemaSurvey
    /// The longest pause between two attempts, in milliseconds.
    var longestPause: Int64 { get }
}

/// Keeps the schemas that were fetched, and fetches those that somebody has asked for.
///
/// A thread of its own fetches, one schema at a time; it ends when nothing is left to fetch. Any
/// thread may ask.
public final class SchemaKeeper: SchemaSource {
    /// Answers before a schema is taken for absent: a registry's replica may be late.
    static let absentAnswers = 3
    static let firstPause: Int64 = 200
    static let absentPause: Int64 = 1_000

    private struct Entry {
        var state: SchemaState
        var attempts = 0
        var absents = 0
        /// When it may be tried next, in milliseconds of the steady clock.
        var next: Int64 = 0
    }
    private struct Kept {
        var entries: [SchemaKey: Entry] = [:]
        var isRunning = false
    }

    /// Where the schemas are, for people; no credentials.
    public let place: String
    private let fetcher: any SchemaFetcher
    private let kept = Mutex(Kept())

    init(_ fetcher: any SchemaFetcher, place: String) {
        self.fetcher = fetcher
        self.place = place
    }

    /// What is known of a schema; begins to fetch one that nobody has asked for yet.
    public func state(of key: SchemaKey) -> SchemaState {
        let (state, mustStart) = kept.withLock { kept -> (SchemaState, Bool) in
            let state = kept.entries[key]?.state ?? .waiting("")
            guard case .waiting = state else { return (state, false) }
            if kept.entries[key] == nil { kept.entries[key] = Entry(state: state) }
            // It may be without a thread where one could not be started.
            let mustStart = !kept.isRunning
            kept.isRunning = true
            return (state, mustStart)
        }
        if mustStart, !start() {
            // The next question tries again.
            kept.withLock { $0.isRunning = false }
        }
        return state
    }

    /// Looks at the place, once and at once; may take seconds.
    public func survey() -> SchemaSurvey { fetcher.survey() }

    // MARK: The thread

    private func start() -> Bool {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<SchemaKeeper>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func run() {
        while true {
            let now = Self.milliseconds
            let next = kept.withLock { kept -> (key: SchemaKey?, isLeft: Bool) in
                let open = kept.entries.filter {
                    if case .waiting = $0.value.state { true } else { false }
                }
                if open.isEmpty { kept.isRunning = false }
                let due = open.filter { $0.value.next <= now }
                return (due.min { $0.value.next < $1.value.next }?.key, !open.isEmpty)
            }
            guard next.isLeft else { return }
            guard let key = next.key else {
                usleep(20_000)
                continue
            }
            let result = fetcher.fetch(key)
            kept.withLock { Self.take(result, of: key, fetcher.longestPause, into: &$0) }
        }
    }

    private static func take(
        _ result: FetchResult, of key: SchemaKey, _ longest: Int64, into kept: inout Kept
    ) {
        guard var entry = kept.entries[key] else { return }
        switch result {
        case .schema(let schema):
            entry.state = .ready(schema)
        case .absent:
            entry.absents += 1
            entry.next = milliseconds + absentPause
            entry.state =
                entry.absents < absentAnswers
                ? .waiting("the registry knows no such schema, and is asked once more") : .absent
        case .failed(let why):
            let pause = min(longest, firstPause << min(entry.attempts, 10))
            entry.attempts += 1
            // With a random part, so that many processes do not ask together.
            entry.next = milliseconds + pause / 2 + .random(in: 0...pause / 2)
            entry.state = .waiting(why)
        }
        kept.entries[key] = entry
    }

    private static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
