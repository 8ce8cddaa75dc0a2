import Foundation
import Printing
import Verify

extension ExpectedJSON {
    /// Where a JSON value differs from what is expected, each as `PLACE: expected THIS, found THAT`
    /// with a JSON pointer as the place.
    func differences(from found: Any, at place: String = "") -> [String] {
        switch self {
        case .leftOut: return []
        case .list(let entries):
            guard let list = found as? [Any] else { break }
            var differences = zip(entries, list).enumerated().flatMap { number, pair in
                pair.0.differences(from: pair.1, at: "\(place)/\(number)")
            }
            if entries.count != list.count {
                differences.append(
                    "\(place): expected \(entries.count) entries, found \(list.count)")
            }
            return differences
        case .object(let members):
            guard let object = found as? [String: Any] else { break }
            return Set(members.keys).union(object.keys).sorted().flatMap { name in
                switch (members[name], object[name]) {
                case (let member?, let value?):
                    return member.differences(from: value, at: "\(place)/\(name)")
                case (nil, let value?):
                    return [
                        "\(place)/\(name): expected nothing, found \(ExpectedJSON.shown(value))"
                    ]
                case (let member, nil):
                    let expected = member?.shown ?? "nothing"
                    return ["\(place)/\(name): expected \(expected), found nothing"]
                }
            }
        default:
            if isEqual(to: found) { return [] }
        }
        let name = place.isEmpty ? "the answer" : place
        return ["\(name): expected \(shown), found \(ExpectedJSON.shown(found))"]
    }

    private func isEqual(to found: Any) -> Bool {
        switch self {
        case .null: return found is NSNull
        case .text(let text):
            return (found as? String).map { $0.utf8.elementsEqual(text.utf8) } ?? false
        case .integer(let integer):
            guard let number = found as? NSNumber else { return false }
            // 1.5 has the integer value 1, so the number itself must be equal, too.
            return number.int64Value == integer && number.doubleValue == Double(integer)
        case .hundredths(let hundredths):
            return isWithin(found, hundredths, hundredths)
        case .between(let low, let high): return isWithin(found, low, high)
        case .leftOut, .distinct, .list, .object: return false
        }
    }

    /// Whether it is a number between two bounds in hundredths, up to the rounding of binary
    /// numbers.
    private func isWithin(_ found: Any, _ low: Int64, _ high: Int64) -> Bool {
        guard let number = (found as? NSNumber)?.doubleValue else { return false }
        let slack = abs(number) * 1e-12
        return number >= Double(low) / 100 - slack && number <= Double(high) / 100 + slack
    }

    private var shown: String {
        switch self {
        case .leftOut: "anything"
        case .null: "null"
        case .integer(let integer): String(integer)
        case .hundredths(let hundredths): String(format: "%.2f", Double(hundredths) / 100)
        case .between(let low, let high):
            String(format: "%.2f to %.2f", Double(low) / 100, Double(high) / 100)
        case .distinct(let values): "\(values.count) different values"
        case .text(let text): JSONText.quoted(text)
        case .list(let entries): "a list of \(entries.count)"
        case .object(let members): "an object of \(members.keys.sorted().joined(separator: ", "))"
        }
    }

    private static func shown(_ value: Any) -> String {
        switch value {
        case is NSNull: "null"
        case let text as String: JSONText.quoted(String(text.prefix(100)))
        case let number as NSNumber: number.stringValue
        case let list as [Any]: "a list of \(list.count)"
        case let object as [String: Any]:
            "an object of \(object.keys.sorted().prefix(20).joined(separator: ", "))"
        default: "something else"
        }
    }
}
