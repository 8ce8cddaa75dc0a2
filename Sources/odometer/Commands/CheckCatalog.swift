import Metering
import Printing

/// What `check` says about a catalog.
extension Commands {
    static func printMeters(_ catalog: MeterCatalog) {
        var rows = [["METER", "KIND", "WINDOWS", "PER", "BY", "EVENTS"]]
        for meter in catalog.meters {
            let scopes = meter.scopes.map {
                $0.isEmpty ? "organization" : $0.joined(separator: "+")
            }
            var kind = meter.kind.rawValue
            if let keep = meter.keep { kind += " \(keep.rawValue)" }
            var events: [String] = []
            for clause in meter.clauses where !events.contains(clause.event) {
                events.append(clause.event)
            }
            rows.append([
                meter.name, kind, meter.windows.map(\.name).joined(separator: " "),
                scopes.joined(separator: " "), meter.by.joined(separator: " "),
                events.joined(separator: " "),
            ])
        }
        Output.table(rows)
    }

    /// What the numbers of each decimal may be: of one event, of a ranking and of a cell.
    static func printDecimals(_ catalog: MeterCatalog) {
        var rows = [["DECIMAL", "SCALE", "MORE DECIMALS", "ONE EVENT", "A SCORE", "A CELL"]]
        for event in catalog.events {
            for field in event.fields where field.kind == .decimal {
                let largest = FieldDeclaration.largestInteger
                rows.append(
                    ["\(event.name)/\(field.name)", "\(field.scale)"]
                        + [field.isRounded ? "rounded half to even" : "bad_field"]
                        + [field.maximum ?? largest, largest, Int64.max].map {
                            ScaledNumber.text($0, scale: field.scale)
                        })
            }
        }
        if rows.count == 1 { return }
        Output.line("\nDecimals, and the greatest number of each:\n")
        Output.table(rows)
    }
}
