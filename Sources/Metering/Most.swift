/// How many different values of a meter's dimensions are kept apart.
///
/// Without a limit, a producer that sends a new value with each event would make new cells for
/// ever. Beyond the limit an amount is counted under the value `__other__`, so sums over all values
/// stay exact.
public struct Most: Sendable, Equatable {
    /// The most values of the `by` tuple in one key; nil: no limit.
    public var by: Int?
    /// The most values of one scope in one organization; nil: no limit.
    public var per: Int?

    /// Limits for both.
    public init(by: Int?, per: Int?) {
        self.by = by
        self.per = per
    }

    /// The value under which values beyond the limit are counted.
    public static let other = "__other__"

    /// Largest limit that a catalog may name.
    public static let largest = 1_000_000_000

    /// The limits of a meter that names none.
    public static func standard(_ kind: MeterKind) -> Most { kind.rules.standardLimits }
}

extension MeterDeclaration {
    /// The limits of this meter: its own or the standard ones.
    public var limits: Most { most ?? .standard(kind) }

    /// The most values of `by` in one key.
    ///
    /// Nil where there is no limit, and for shapes whose members are not values of `by`.
    var mostMembers: Int? { shape == .table || shape == .ranking ? limits.by : nil }
}

extension Lowering {
    /// Meters with the same scope share the list of its values, so they must have one limit.
    func checkScopeLimits() throws(ProgramError) {
        var known: [[String]: (meter: String, most: Int?)] = [:]
        for meter in catalog.meters {
            for scope in meter.scopes where !scope.isEmpty {
                guard let other = known[scope] else {
                    known[scope] = (meter.name, meter.limits.per)
                    continue
                }
                guard other.most == meter.limits.per else {
                    throw ProgramError(
                        subject: meter.name,
                        message: "'most' for 'per' differs from that of '\(other.meter)', which "
                            + "has the scope \(scope.joined(separator: ", ")) too")
                }
            }
        }
    }
}
