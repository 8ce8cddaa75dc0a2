import Ledger
import Metering
import Pipeline
import Synchronization

/// The machine that signals are for; another one after each reload.
///
/// Safe to use from several threads.
final class CurrentMachine: Sendable {
    private let machine: Mutex<Machine>
    private let isEnding = Mutex(false)

    init(_ machine: Machine) { self.machine = Mutex(machine) }

    /// Ends the machine, and those that would follow it.
    func askToEnd() {
        isEnding.withLock { $0 = true }
        machine.withLock { $0.askToEnd() }
    }

    /// Lets the machine read its catalog again.
    func askToReload() { machine.withLock { $0.askToReload() } }

    /// Puts another machine in the place of the last one.
    func replace(by next: Machine) {
        machine.withLock { $0 = next }
        // A signal that came in between was for the last one.
        if isEnding.withLock({ $0 }) { next.askToEnd() }
    }
}

/// Another catalog for a process that runs.
///
/// Everything is made again in this process: what is folded is committed, partitions are given up
/// and taken again, and the listening sockets stay, so that no client is refused. A catalog that
/// cannot be read, or would change what is counted already, changes nothing.
enum Reload {
    /// What another catalog means for this process.
    enum Verdict: Sendable, Equatable {
        /// It is the same.
        case unchanged
        /// It is taken: counting adds these meters to the contract; none where only answers change.
        case taken(added: [String])
    }

    /// Runs the machine, and those that follow it, until it is stopped.
    static func serve(
        _ first: Machine, _ current: CurrentMachine, _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        var machine = first
        while true {
            switch machine.wait() {
            case .asked:
                machine.stop()
                return .ok
            case .failed(let failure):
                guard failure.code == .superseded, follows(machine, call) else {
                    machine.stop()
                    throw failure
                }
                machine = try next(machine, current, call)
            case .reload:
                guard isTaken(machine, call) else { continue }
                machine = try next(machine, current, call)
            }
        }
    }

    /// Reads the catalog and compares it with the one that counts; throws the reason why it is not
    /// taken.
    static func verdict(
        _ settings: Settings, _ catalog: MeterCatalog?, _ halves: Machine.Halves, _ log: Log
    ) throws(CommandFailure) -> Verdict {
        let parts = try MachineParts(settings, log: log)
        if parts.catalog == catalog { return .unchanged }
        guard halves.contains(.counting) else { return .taken(added: []) }
        let configuration = try settings.pipelineConfiguration(parts, log: log)
        do throws(PipelineError) {
            return .taken(added: try ContractCheck.added(by: configuration))
        } catch {
            throw CommandFailure(error)
        }
    }

    private static func isTaken(_ machine: Machine, _ call: borrowing Invocation) -> Bool {
        let log = call.log
        do throws(CommandFailure) {
            switch try verdict(call.settings, machine.parts.catalog, machine.halves, log) {
            case .unchanged:
                log.info("reload: the catalog is the same", ("event", "reload"))
                return false
            case .taken(let added):
                let list = added.isEmpty ? "none" : added.joined(separator: ", ")
                log.info(
                    "reload: another catalog is taken", ("event", "reload"),
                    ("added", .text(list)))
                return true
            }
        } catch {
            log.error(
                "reload refused, the catalog of before goes on: \(error.message)",
                ("event", "reload"))
            return false
        }
    }

    /// Whether the catalog as it is now is that of the contract that took over.
    private static func follows(_ machine: Machine, _ call: borrowing Invocation) -> Bool {
        do throws(CommandFailure) {
            let found = try verdict(
                call.settings, machine.parts.catalog, machine.halves, call.log)
            guard found == .taken(added: []) else { return false }
            call.log.info(
                "a newer contract took over, and the catalog is its now: it is taken",
                ("event", "reload"))
            return true
        } catch {
            return false
        }
    }

    private static func next(
        _ machine: Machine, _ current: CurrentMachine, _ call: borrowing Invocation
    ) throws(CommandFailure) -> Machine {
        // Made first: what is wrong with the settings is found while the last one still runs.
        let next = try Machine(call.settings, machine.halves, log: call.log)
        let listeners = machine.stopForNext()
        current.replace(by: next)
        try next.start(on: listeners)
        return next
    }
}
