import Foundation
import Printing
import Verify

/// Shows on stderr how far a verification is: at a terminal in one line that changes, elsewhere in
/// a line every 5 s.
final class VerifyProgressLines {
    private let isSilent: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var nextLineMilliseconds: Int64 = 0
    /// When the first records came.
    private var beganMilliseconds: Int64?
    private var isLineOpen = false

    init(isSilent: Bool) { self.isSilent = isSilent }

    func take(_ progress: VerificationProgress) {
        let now = ValueText.now()
        if case .reading = progress, beganMilliseconds == nil { beganMilliseconds = now }
        guard !isSilent, now >= nextLineMilliseconds else { return }
        nextLineMilliseconds = now + (isTerminal ? 200 : 5_000)
        let text = Self.text(progress, milliseconds: now - (beganMilliseconds ?? now))
        Output.write(isTerminal ? "\r\u{1B}[K\(text)" : text + "\n", to: STDERR_FILENO)
        isLineOpen = isTerminal
    }

    /// Removes the line at the terminal.
    func end() {
        if isLineOpen { Output.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }

    /// One line; `milliseconds` have passed since the first records.
    static func text(_ progress: VerificationProgress, milliseconds: Int64) -> String {
        switch progress {
        case .reading(let records, let all):
            var line =
                "read \(ValueText.grouped(records)) of \(ValueText.grouped(all)) records"
            if milliseconds > 0, records > 0 {
                let rate = max(1, records * 1_000 / milliseconds)
                line +=
                    ", \(ValueText.grouped(rate)) events/s, \((all - records) / rate) s to go"
            }
            return line
        case .waitingForLedger: return "waiting for a ledger"
        case .waiting(let marks): return "waiting for \(marks) marks to reach the end of the log"
        case .comparing(let keys, let all):
            return
                "compared \(ValueText.grouped(Int64(keys))) of \(ValueText.grouped(Int64(all))) keys"
        }
    }
}
