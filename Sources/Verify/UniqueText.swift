import Workload

/// Reads the declaration of a `unique`: a table of the values and a distinct meter.
enum UniqueText {
    static func meters(_ name: String, _ node: YAMLNode) throws(VerifyError) -> [OracleMeter] {
        var rest: [(name: String, value: YAMLNode)] = []
        var exact = 1_000
        var mostScopes: Int? = 10_000
        for (attribute, value) in try CatalogText.members(node, "meter \(name)") {
            switch attribute {
            case "kind": rest.append(("kind", .text("distinct")))
            case "exact":
                guard let number = value.text.flatMap({ Int($0) }) else {
                    throw CatalogText.wrong("meter \(name): exact is no number")
                }
                exact = number
            case "most":
                let limit = value["per"]?.text ?? ""
                mostScopes = limit == "none" ? nil : Int(limit) ?? mostScopes
            default: rest.append((attribute, value))
            }
        }
        var estimate = try MeterText.meter("\(name)_estimate", .mapping(rest))
        estimate.mostScopes = mostScopes
        var values = OracleMeter(
            "\(name)_values", .count, windows: estimate.windows, on: estimate.clauses)
        values.scopes = estimate.scopes
        values.by = [estimate.of ?? ""]
        values.mostMembers = exact
        values.mostScopes = mostScopes
        values.isAcross = estimate.isAcross
        values.retention = estimate.retention
        if values.retention[.day] == nil { values.retention[.day] = .seconds(400 * 86_400) }
        return [values, estimate]
    }
}
