import API
import Foundation
import HTTPServer
import Query
import Synchronization

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
        /// It was asked to read its catalog again.
        case reload
        /// It could not go on.
        case failed(CommandFailure)
    }

    /// Sockets that a machine leaves to the next one of the process.
    struct Listeners: Sendable {
        var admin: Int32?
        var answering: Int32?
    }

    let parts: MachineParts
    let halves: Halves
    let answering: Answering?
    private let counting: Counting?
    private let admin: AdminListener
    private let log: Log
    private let isAsked = Latch<Bool>()
    private let wantsReload = Mutex(false)

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
        self.halves = halves
        self.counting = counting
        self.answering = answering
        self.log = log
    }

    /// The port of the pages of state.
    var adminPort: Int { admin.port }

    /// Starts everything; when a part fails, stops again what was started.
    ///
    /// `listeners`: those of the machine before this one.
    func start(on listeners: Listeners = Listeners()) throws(CommandFailure) {
        var unused = listeners
        do throws(CommandFailure) {
            unused.admin = nil
            try admin.start(on: listeners.admin)
            try counting?.start()
            unused.answering = nil
            try answering?.start(on: listeners.answering)
        } catch {
            if let answering = unused.answering { close(answering) }
            end(milliseconds: 5_000)
            throw error
        }
    }

    /// Lets `wait` return.
    func askToEnd() { isAsked.set(true) }

    /// Lets `wait` return with `reload`, once.
    func askToReload() { wantsReload.withLock { $0 = true } }

    /// Why it ends now; nil when it goes on.
    var end: End? {
        if let failure = counting?.failure { return .failed(failure) }
        if isAsked.wait(milliseconds: 0) != nil { return .asked }
        let isReload = wantsReload.withLock { wanted in
            defer { wanted = false }
            return wanted
        }
        return isReload ? .reload : nil
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

    /// Stops in the same order for another machine of this process, which takes the sockets:
    /// clients that come meanwhile wait for it.
    func stopForNext() -> Listeners {
        let watchdog = Watchdog.start(milliseconds: 45_000, log: log)
        defer { watchdog.set(true) }
        var listeners = Listeners()
        listeners.answering = answering?.stopKeepingListener()
        counting?.stop(milliseconds: 25_000)
        listeners.admin = admin.stopKeepingListener()
        return listeners
    }

    private func end(milliseconds: Int64) {
        Watchdog.start(milliseconds: 45_000, log: log)
        answering?.stop()
        counting?.stop(milliseconds: milliseconds)
        admin.stop()
    }
}
