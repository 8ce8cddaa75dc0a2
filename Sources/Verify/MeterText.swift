import Workload

/// Reads the declaration of a meter.
enum MeterText {
    static func meter(_ name: String, _ node: YAMLNode) throws(VerifyError) -> OracleMeter {
        let place = "meter \(name)"
        guard let kindText = node["kind"]?.text, let kind = OracleMeter.Kind(rawValue: kindText)
        else { throw CatalogText.wrong("\(place): unknown kind") }
        var meter = OracleMeter(name, kind, on: [])
        for (attribute, value) in try CatalogText.members(node, place) {
            let place = "meter \(name): \(attribute)"
            switch attribute {
            case "kind": break
            case "windows":
                for text in try CatalogText.texts(value, place) {
                    meter.windows.append(try window(text, place))
                }
            case "on":
                guard case .list(let items) = value else {
                    throw CatalogText.wrong("\(place) is no list")
                }
                for item in items { meter.clauses += try signed(item, place) }
            case "per": meter.scopes = try scopes(value, place)
            case "by": meter.by = try CatalogText.texts(value, place)
            case "keep":
                guard let keep = OracleMeter.Keep(rawValue: try CatalogText.text(value, place))
                else { throw CatalogText.wrong("\(place) is unknown") }
                meter.keep = keep
            case "value": meter.value = try CatalogText.text(value, place)
            case "of": meter.of = try CatalogText.text(value, place)
            case "retention":
                for (text, value) in try CatalogText.members(value, place) {
                    meter.retention[try window(text, place)] = try retention(value, place)
                }
            case "most": try readLimits(value, place, &meter)
            case "family": meter.family = try CatalogText.text(value, place)
            case "across": meter.isAcross = try CatalogText.truth(value, place)
            case "signed": meter.isSigned = try CatalogText.truth(value, place)
            default: throw CatalogText.wrong("\(place) is an unknown key")
            }
        }
        return meter
    }

    /// Reads `most`: one limit for members and scopes, or one for each.
    private static func readLimits(
        _ node: YAMLNode, _ place: String, _ meter: inout OracleMeter
    ) throws(VerifyError) {
        if node.text != nil {
            meter.mostMembers = try limit(node, place)
            meter.mostScopes = meter.mostMembers
            return
        }
        for (name, value) in try CatalogText.members(node, place) {
            switch name {
            case "by": meter.mostMembers = try limit(value, place)
            case "per": meter.mostScopes = try limit(value, place)
            default: throw CatalogText.wrong("\(place): unknown key \(name)")
            }
        }
    }

    private static func limit(_ node: YAMLNode, _ place: String) throws(VerifyError) -> Int? {
        let text = try CatalogText.text(node, place)
        if text == "none" { return nil }
        guard let limit = Int(text) else { throw CatalogText.wrong("\(place): no limit \(text)") }
        return limit
    }

    private static func window(
        _ text: String, _ place: String
    ) throws(VerifyError) -> OracleWindow {
        guard let window = OracleWindow(rawValue: text) else {
            throw CatalogText.wrong("\(place): no window \(text)")
        }
        return window
    }

    private static func retention(
        _ node: YAMLNode, _ place: String
    ) throws(VerifyError) -> OracleMeter.Retention {
        let text = try CatalogText.text(node, place)
        if text == "forever" { return .forever }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast())
        else {
            throw CatalogText.wrong("\(place): no time span \(text)")
        }
        return .seconds(number * unit)
    }

    private static func scopes(
        _ node: YAMLNode, _ place: String
    ) throws(VerifyError) -> [[String]] {
        guard case .list(let items) = node else { throw CatalogText.wrong("\(place) is no list") }
        var scopes: [[String]] = []
        for item in items {
            if let dimension = item.text {
                scopes.append(dimension == "organization" ? [] : [dimension])
            } else {
                scopes.append(try CatalogText.texts(item, place))
            }
        }
        return scopes
    }

    /// With a sign a clause is two: what is added, and what is taken away.
    private static func signed(
        _ node: YAMLNode, _ place: String
    ) throws(VerifyError) -> [OracleClause] {
        let clause = try clause(node, place)
        guard let sign = node["sign"], let minus = sign["minus"] else { return [clause] }
        let name = sign["field"]?.text ?? ""
        let values = try CatalogText.texts(minus, place)
        var (added, taken) = (clause, clause)
        added.when.append((name, values, true))
        taken.when.append((name, values, false))
        switch clause.amount {
        case .constant(let number): taken.amount = .constant(-number)
        case .field(let name, let isNegated): taken.amount = .field(name, isNegated: !isNegated)
        }
        return [added, taken]
    }

    /// Adds a condition: values, or bounds.
    private static func addCondition(
        _ node: YAMLNode, _ place: String, to clause: inout OracleClause
    ) throws(VerifyError) {
        guard let field = node["field"]?.text else {
            throw CatalogText.wrong("\(place) is no condition")
        }
        if let values = node["in"] ?? node["not_in"] {
            clause.when.append((field, try CatalogText.texts(values, place), node["in"] == nil))
            return
        }
        for (order, bound) in try CatalogText.members(node, place) where order != "field" {
            clause.bounds.append((field, order, try CatalogText.text(bound, place)))
        }
    }

    private static func clause(
        _ node: YAMLNode, _ place: String
    ) throws(VerifyError) -> OracleClause {
        var clause = OracleClause("")
        for (attribute, value) in try CatalogText.members(node, place) {
            let place = "\(place): \(attribute)"
            switch attribute {
            case "event": clause.event = try CatalogText.text(value, place)
            case "amount": clause.amount = amount(try CatalogText.text(value, place))
            case "time": clause.time = try CatalogText.text(value, place)
            case "with":
                for (dimension, field) in try CatalogText.members(value, place) {
                    clause.with[dimension] = try CatalogText.text(field, place)
                }
            case "needs": clause.needs = try CatalogText.texts(value, place)
            case "when":
                var items = [value]
                if case .list(let some) = value { items = some }
                for item in items { try addCondition(item, place, to: &clause) }
            case "sign": continue
            default: throw CatalogText.wrong("\(place) is an unknown key")
            }
        }
        return clause
    }

    private static func amount(_ text: String) -> OracleClause.Amount {
        if let constant = Int64(text) { return .constant(constant) }
        guard text.hasPrefix("-") else { return .field(text, isNegated: false) }
        return .field(String(text.dropFirst()), isNegated: true)
    }
}
