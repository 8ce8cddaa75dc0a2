import API
import Foundation
import HTTPServer
import Query

/// The process as a machine: the halves that were asked for, started and stopped in order.
final class Machine: Sendable {
    /// Which halves run.
    struct Halves: OptionSet, Sendable {
        let rawValue: Int
        static let counting = Halves(rawValue: 1)
        static let answering = Halves(rawValue: 2)
    }

    /// Why it ended.
    enum End: Sendable {
        /// It was asked to stop.
        case asked
        /// It could not go on.
        case failed(CommandFailure)
    }

    let parts: MachineParts
    let answering: Answering?
    private let counting: Counting?
    private let admin: AdminListener
    private let log: Log
    private let isAsked = Latch<Bool>()

    /// Makes the halves without starting them; throws for every mistake in the settings.
    init(_ settings: Settings, _ halves: Halves, log: Log) throws(CommandFailure) {
        let parts = try MachineParts(settings, log: log)
        let counting =
            halves.contains(.counting) ? try Counting(settings, parts: parts, log: log) : nil
        let isAnswering = halves.contains(.answering)
        if isAnswering { try settings.checkListeners() }
        let trouble: @Sendable (QueryWorker) -> String? = { worker in
            if let reason = counting?.trouble { return reason }
            guard isAnswering else { return nil }
            do throws(QueryError) {
                try worker.probe()
                return nil
            } catch {
                return error.message
            }
        }
        let answering =
            isAnswering
            ? try Answering(settings, parts: parts, trouble: trouble, log: log) : nil
        let pages = StatePages(
            trouble: trouble,
            admin: StatePages.Admin(
                metrics: {
                    var text = PrometheusText()
                    counting?.write(to: &text)
                    answering?.write(to: &text)
                    return text.bytes
                }, troubles: { counting?.troubles ?? [] }))
        admin = try AdminListener(settings, parts: parts, pages: pages, log: log)
        self.parts = parts
        self.counting = counting
        self.answering = answering
        self.log = log
    }

    /// The port of the pages of state.
    var adminPort: Int { admin.port }

    /// Starts everything; when a part fails, stops again what was started.
    func start() throws(CommandFailure) {
        do throws(CommandFailure) {
            try admin.start()
            try counting?.start()
            try answering?.start()
        } catch {
            end(milliseconds: 5_000)
            throw error
        }
    }

    /// Lets `wait` return.
    func askToEnd() { isAsked.set(true) }

    /// Why it ends now; nil when it goes on.
    var end: End? {
        if let failure = counting?.failure { return .failed(failure) }
        return isAsked.wait(milliseconds: 0) == nil ? nil : .asked
    }

    /// Waits until the end is asked for or the machine cannot go on; meanwhile gives free memory
    /// back to the system.
    func wait() -> End {
        var givenBack = ContinuousClock.now
        while true {
            if let end { return end }
            _ = isAsked.wait(milliseconds: 200)
            if givenBack.duration(to: .now) >= FreeMemory.kept {
                FreeMemory.giveBack()
                givenBack = .now
            }
        }
    }

    /// Stops in order: no new requests, then what is folded is committed, then the pages of state.
    ///
    /// A watchdog ends the process where that takes too long; a kill at any moment is safe.
    func stop() {
        end(milliseconds: 25_000)
        log.info("stopped")
    }

    private func end(milliseconds: Int64) {
        Watchdog.start(milliseconds: 45_000, log: log)
        answering?.stop()
        counting?.stop(milliseconds: milliseconds)
        admin.stop()
    }
}
