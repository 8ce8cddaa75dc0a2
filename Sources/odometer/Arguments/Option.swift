import HTTPServer
import Printing

/// One option, declared once: as a flag, an environment variable and a setting in the file.
///
/// Help text, parser, configuration reader and `odometer check` all read this declaration.
struct Option: Sendable {
    /// What a value must look like.
    enum Value: Sendable {
        /// Present or not; takes no value on the command line.
        case flag
        case text
        case integer(ClosedRange<Int>)
        /// `500ms`, `5s`, `5m`, `26h`, `92d`; the range is in milliseconds.
        case duration(ClosedRange<Int>)
        case choice([String])
        /// One of these words, or a time as `ValueText.moment` reads it.
        case moment([String])
        /// `HOST:PORT`
        case address
        /// An IPv4 or IPv6 address, or a block of them.
        case network
    }

    /// Where a value may come from.
    enum Source: Sendable {
        /// Flag, environment variable, configuration file.
        case anywhere
        /// Belongs to one call: flag only.
        case call
        /// A secret, which others could read off a command line: environment only.
        case environment
    }

    let name: String
    let placeholder: String
    let value: Value
    let help: String
    var standard: String?
    /// What the help says of the default, where it depends on the machine.
    var standardHelp: String?
    var source = Source.anywhere
    /// Its name in the configuration file, with those of its sections, like `redis.url`.
    var path: String?
    var isRepeatable = false
    var isSecret = false

    /// Name of its environment variable, `ODOMETER_…`.
    var environmentName: String? {
        guard source != .call else { return nil }
        if name == Options.kafkaProperty.name { return "ODOMETER_KAFKA_NAME" }
        return "ODOMETER_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    var isFlag: Bool {
        if case .flag = value { return true }
        return false
    }

    /// Why a value is refused: the end of the sentence "must be …"; nil when it is right.
    func refusal(of text: String) -> String? {
        switch value {
        case .flag:
            return ValueText.boolean(text) == nil ? "on or off" : nil
        case .text:
            return text.isEmpty ? "a text that is not empty" : nil
        case .integer(let range):
            guard let number = Int(text), range.contains(number) else {
                return "an integer from \(range.lowerBound) to \(range.upperBound)"
            }
            return nil
        case .duration(let range):
            guard let number = ValueText.milliseconds(text), range.contains(number) else {
                return "a duration from \(ValueText.duration(range.lowerBound)) to "
                    + "\(ValueText.duration(range.upperBound)), like 500ms, 5s, 5m, 26h or 92d"
            }
            return nil
        case .choice(let choices):
            return choices.contains(ValueText.switchWord(text, choices))
                ? nil : ValueText.alternatives(choices)
        case .moment(let words):
            return words.contains(text) || ValueText.moment(text) != nil
                ? nil
                : ValueText.alternatives(words + ["a time like 2026-03-09T14:15:00Z"])
        case .address:
            return ValueText.address(text) == nil ? "HOST:PORT, like 127.0.0.1:8080" : nil
        case .network:
            return AddressRange(text) == nil
                ? "an address or a block of addresses, like 10.0.0.0/8" : nil
        }
    }
}

/// A word of the command line that belongs to no option.
struct Operand: Sendable {
    let name: String
    let help: String
    var isRequired = true
    /// Takes all remaining words.
    var isRepeatable = false
}
