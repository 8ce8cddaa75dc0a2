import Metering

/// Where cells of the shipped families are: tests name them as if each meter had keys of its own.
enum FamilyNames {
    private static let meters: [String: (family: String, isSeries: Bool)] = {
        let declared = (try? TestService.catalog().meters) ?? []
        let members = declared.compactMap { meter in
            meter.family.map { (meter.name, (family: $0, isSeries: meter.shape == .series)) }
        }
        return Dictionary(members, uniquingKeysWith: { first, _ in first })
    }()

    /// The key and field of a cell, by the names that it would have without a family.
    static func place(_ key: String, _ field: String) -> (key: String, field: String) {
        var parts = key.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 5, let label = parts.last else { return (key, field) }
        let place = parts.count - (label == "all" ? 2 : 3)
        let name = parts[place]
        guard let (family, isSeries) = meters[name] else { return (key, field) }
        parts[place] = family
        if isSeries, parts[place + 1] == "minute" {
            parts[parts.count - 1] = "\(label)q\((Int(field) ?? 0) / 15)"
        } else if isSeries, parts[place + 1] == "quarter" {
            parts[parts.count - 1] = "\(label)q\((Int(field) ?? 0) / 600)"
        }
        return (parts.joined(separator: ":"), "\(name):\(field)")
    }

    /// A command of a hash's cells with the names that they have.
    static func placed(_ words: [String]) -> [String] {
        let stride =
            switch words[0] {
            case "HSET", "HINCRBY": 2
            case "HGET", "HDEL": 1
            default: 0
            }
        guard stride > 0, words.count > 2 else { return words }
        var words = words
        let key = words[1]
        for index in Swift.stride(from: 2, to: words.count, by: stride) {
            (words[1], words[index]) = place(key, words[index])
        }
        return words
    }
}
