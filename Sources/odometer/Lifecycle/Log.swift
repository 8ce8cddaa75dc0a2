import Foundation
import Printing
import Synchronization

/// How much a log line matters.
enum LogLevel: Int, Sendable, CaseIterable, Comparable {
    case debug
    case info
    case warning
    case error

    var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// A value beside a log message.
enum LogValue: Sendable, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    case text(String)
    case number(Int64)

    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int64) { self = .number(value) }
    init(_ value: some BinaryInteger) { self = .number(Int64(clamping: value)) }
}

/// Writes log lines to stderr, each with one write.
///
/// What goes in: states of the machine, topics, partitions, offsets, meters. Never: secrets, whole
/// keys, ids of organizations' users.
final class Log: Sendable {
    typealias Field = (name: String, value: LogValue)

    private let isJSON: Bool
    private let least: LogLevel
    private let descriptor: Int32
    /// When the last line about each subject of `seldom` was written.
    private let written = Mutex<[String: ContinuousClock.Instant]>([:])
    private static let mostRemembered = 256

    init(isJSON: Bool, least: LogLevel, descriptor: Int32 = STDERR_FILENO) {
        self.isJSON = isJSON
        self.least = least
        self.descriptor = descriptor
    }

    func debug(_ message: String, _ fields: Field...) { write(.debug, message, fields) }
    func info(_ message: String, _ fields: Field...) { write(.info, message, fields) }
    func warning(_ message: String, _ fields: Field...) { write(.warning, message, fields) }
    func error(_ message: String, _ fields: Field...) { write(.error, message, fields) }

    /// Writes a line that may come again and again: about one `subject` at most once in this time.
    func seldom(
        about subject: String, every pause: Duration = .seconds(60), _ level: LogLevel,
        _ message: String, _ fields: [Field]
    ) {
        guard level >= least else { return }
        let now = ContinuousClock.now
        let isDue = written.withLock { written in
            if let before = written[subject], now < before + pause { return false }
            if written.count >= Self.mostRemembered { written.removeAll() }
            written[subject] = now
            return true
        }
        if isDue { write(level, message, fields) }
    }

    func write(_ level: LogLevel, _ message: String, _ fields: [Field]) {
        guard level >= least else { return }
        let time = Log.timestamp()
        var line =
            isJSON
            ? "{\"time\":\"\(time)\",\"level\":\"\(level.name)\",\"message\":\(JSONText.quoted(message))"
            : "\(time) \(level.name) \(Log.visible(message))"
        for field in fields {
            switch (isJSON, field.value) {
            case (true, .text(let text)): line += ",\"\(field.name)\":\(JSONText.quoted(text))"
            case (true, .number(let number)): line += ",\"\(field.name)\":\(number)"
            case (false, .text(let text)): line += " \(field.name)=\(Log.visible(text))"
            case (false, .number(let number)): line += " \(field.name)=\(number)"
            }
        }
        Output.write(line + (isJSON ? "}\n" : "\n"), to: descriptor)
    }

    /// Without control characters, with which a text could fake another log line.
    private static func visible(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    private static func timestamp() -> String {
        let now = ValueText.now()
        return ValueText.time(now).dropLast() + "." + ValueText.padded(Int(now % 1_000), 3) + "Z"
    }
}
