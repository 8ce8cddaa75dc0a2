import Foundation

/// A JSON value of a sample.
enum SampledValue: Decodable {
    case null
    case boolean(Bool)
    /// A number; `text` is how it is written without zeros at its end.
    case number(Decimal)
    /// A number that `Decimal` cannot hold.
    case vastNumber
    case text(String)
    case list([SampledValue])
    case object([String: SampledValue])

    init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let value = try? single.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? single.decode(Decimal.self), value.isFinite {
            self = .number(value)
        } else if let value = try? single.decode(String.self) {
            self = .text(value)
        } else if let value = try? single.decode([SampledValue].self) {
            self = .list(value)
        } else if let value = try? single.decode([String: SampledValue].self) {
            self = .object(value)
        } else {
            // What is valid JSON and none of these is a number that is too large for them.
            self = .vastNumber
        }
    }

    /// The value of one JSON text; nil for anything else.
    static func read(_ text: [UInt8]) -> SampledValue? {
        try? JSONDecoder().decode(SampledValue.self, from: Data(text))
    }

    var isObject: Bool { if case .object = self { true } else { false } }

    /// How a dimension shows it; nil for what cannot be one.
    var scalarText: String? {
        switch self {
        case .boolean(let value): value ? "true" : "false"
        case .number(let value): value.description
        case .text(let value): value
        case .null, .vastNumber, .list, .object: nil
        }
    }
}
