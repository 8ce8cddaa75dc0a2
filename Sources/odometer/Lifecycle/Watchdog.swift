import Foundation

/// Ends the process when a stop takes longer than it may.
enum Watchdog {
    /// Begins to watch; setting the returned latch ends that.
    @discardableResult static func start(milliseconds: Int, log: Log) -> Latch<Bool> {
        let isOver = Latch<Bool>()
        Thread.detachNewThread {
            guard isOver.wait(milliseconds: milliseconds) == nil else { return }
            log.error(
                "the stop did not end in time; ending the process",
                ("milliseconds", LogValue(milliseconds)))
            _exit(ExitCode.defect.rawValue)
        }
        return isOver
    }
}
