import Foundation
import Pipeline

/// `odometer reload`: another catalog without a restart.
extension Commands {
    private static let pid = Option(
        name: "pid", placeholder: "PID", value: .integer(1...4_194_304),
        help: "The process that shall read its catalog again.", source: .call)

    static let reload = Command(
        path: ["reload"],
        summary: "Say what the catalog would change, and let a process read it again.",
        details: """
            Compares the catalog with the ledger's contract: the meters that it adds, or why it would falsify
            numbers and is refused (exit 4); nothing is changed by that. With --pid a catalog that is not
            refused is then read by that process, as by SIGHUP: it commits, takes the catalog and goes on, while
            its clients wait; its log says so. New meters count from their marks on. Give the same --meters,
            --prefix and --redis as the process has, and reload every process of the ledger: one that still
            counts by the old catalog reads its own again when the contract has moved on.
            """,
        options: countingOptions + [pid],
        examples: [
            ("reload --meters my-meters/", "what it would change"),
            ("reload --meters my-meters/ --pid 4711", "change it"),
        ],
        run: runReload)

    private static func runReload(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let verdict = try Reload.verdict(settings, nil, .counting, call.log)
        if case .taken(let added) = verdict, !added.isEmpty {
            print("adds to the contract: \(added.joined(separator: ", "))")
        } else {
            print("adds nothing to the contract")
        }
        guard settings.text(pid) != nil else { return .ok }
        let number = settings.integer(pid)
        guard kill(pid_t(number), SIGHUP) == 0 else {
            throw CommandFailure(
                .failed, "process \(number): \(String(cString: strerror(errno)))")
        }
        print("process \(number) reads its catalog")
        return .ok
    }
}
