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
    /// Nothing is left to fetch for now: closes what is open.
    func rest()
    /// The longest pause between two attempts, in milliseconds.
    var longestPause: Int64 { get }
}

/// Keeps the schemas that were fetched, and fetches those that somebody has asked for.
///
/// A thread of its own fetches, one schema at a time; it ends when nothing is left to fetch. Any
/// thread may ask.
public final class SchemaKeeper: SchemaSource {
    private struct Kept {
        var table = SchemaTable()
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

    /// What is known of a schema; begins to fetch one of which nothing is known.
    public func state(of key: SchemaKey) -> SchemaState {
        ask { $0.state(of: key) }
    }

    /// Begins to fetch schemas that will be needed soon, as many of them as there is room for.
    public func expect(_ keys: [SchemaKey]) {
        ask { for key in keys { $0.expect(key) } }
    }

    private func ask<Answer: Sendable>(_ question: (inout SchemaTable) -> Answer) -> Answer {
        let (answer, mustStart) = kept.withLock { kept -> (Answer, Bool) in
            let answer = question(&kept.table)
            // It may be without a thread where one could not be started.
            let mustStart = !kept.table.isSettled && !kept.isRunning
            if mustStart { kept.isRunning = true }
            return (answer, mustStart)
        }
        if mustStart, !start() {
            // The next question tries again.
            kept.withLock { $0.isRunning = false }
        }
        return answer
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
        var isResting = false
        while true {
            let now = Self.milliseconds
            let due = kept.withLock { [isResting] kept -> [SchemaKey]? in
                if !kept.table.isSettled { return kept.table.due(now) }
                if isResting { kept.isRunning = false }
                return nil
            }
            guard let due else {
                if isResting { return }
                // The next thread may begin at once, so nothing is closed after this one's end.
                fetcher.rest()
                isResting = true
                continue
            }
            isResting = false
            if due.isEmpty { usleep(20_000) }
            for key in due {
                let result = fetcher.fetch(key)
                let isAnswered = kept.withLock {
                    $0.table.take(
                        result, of: key, longestPause: fetcher.longestPause, Self.milliseconds)
                }
                // Where nobody answers, the others would wait for as long each.
                if !isAnswered { break }
            }
        }
    }

    private static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
