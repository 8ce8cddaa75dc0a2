import Foundation
import Printing
import Verify

/// How far a verification is, on stderr: one line that changes at a terminal, else a line every 5 s.
final class VerifyProgressLines {
    private let isSilent: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var nextLine: Int64 = 0
    /// When the first records came.
    private var began: Int64?
    private var isLineOpen = false

    init(isSilent: Bool) { self.isSilent = isSilent }

    func take(_ progress: VerificationProgress) {
        let now = ValueText.now()
        if case .reading = progress, began == nil { began = now }
        guard !isSilent, now >= nextLine else { return }
        nextLine = now + (isTerminal ? 200 : 5_000)
        let text = Self.text(progress, milliseconds: now - (began ?? now))
        Output.write(isTerminal ? "\r\u{1B}[K\(text)" : text + "\n", to: STDERR_FILENO)
        isLineOpen = isTerminal
    }

    /// Takes the line at the terminal away.
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
        case .waiting(let marks): return "waiting for \(marks) marks to reach the end of the log"
        case .comparing(let keys, let all):
            return
                "compared \(ValueText.grouped(Int64(keys))) of \(ValueText.grouped(Int64(all))) keys"
        }
    }
}
