/// Meters of one family keep their cells of one scope and window in one hash.
///
/// A key costs Redis more than a cell, and small hashes cost least. What is counted does not
/// change, only where it is kept.
extension Lowering {
    /// Meters of a family share keys, so what belongs to a key must be the same for all of them.
    func checkFamilies() throws(ProgramError) {
        let names = Set(catalog.meters.map(\.name))
        var expiries: [String: (meter: String, retention: MeterDeclaration.Retention)] = [:]
        var limits: [String: (meter: String, most: Int?)] = [:]
        for meter in catalog.meters {
            guard let family = meter.family else { continue }
            func fail(_ message: String) -> ProgramError {
                ProgramError(subject: meter.name, message: message)
            }
            guard meter.shape.isShareable else {
                throw fail("a \(meter.kind.rawValue) has no family: its cells are not in a hash")
            }
            guard !names.contains(family) else {
                throw fail("its family has the name of the meter '\(family)'")
            }
            for window in meter.windows where window != .all {
                let retention = meter.retention(of: window)
                let known = expiries["\(family) \(window.name)"] ?? (meter.name, retention)
                guard known.retention == retention else {
                    throw fail(
                        "keeps '\(window.name)' for another time than '\(known.meter)', which is "
                            + "in the family '\(family)' too")
                }
                expiries["\(family) \(window.name)"] = known
            }
            guard meter.shape == .table else { continue }
            let known = limits[family] ?? (meter.name, meter.mostMembers)
            guard known.most == meter.mostMembers else {
                throw fail(
                    "'most' for 'by' differs from that of '\(known.meter)', which is in the family "
                        + "'\(family)' too")
            }
            limits[family] = known
        }
    }
}

extension CellShape {
    /// Whether meters of this shape may share keys, because their cells are members of a hash.
    var isShareable: Bool {
        switch self {
        case .series, .table, .histogram: true
        case .ranking, .distinct, .grid: false
        }
    }
}
