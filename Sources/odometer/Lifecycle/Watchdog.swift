import Foundation

/// Ends the process when a stop takes longer than it may.
enum Watchdog {
    static func start(milliseconds: Int, log: Log) {
        Thread.detachNewThread {
            usleep(UInt32(clamping: milliseconds * 1_000))
            log.error(
                "the stop did not end in time; ending the process",
                ("milliseconds", LogValue(milliseconds)))
            _exit(ExitCode.defect.rawValue)
        }
    }
}
