/// A meter that stores nothing: questions about it are answered from the cells of other meters.
///
/// It is no part of what writers of a ledger must agree on, so it comes and goes as a catalog's
/// author likes.
public struct DerivedMeter: Sendable, Equatable {
    /// How its answers are made.
    public enum Form: Sendable, Hashable {
        /// The number of one meter divided by that of another: an average, or a share.
        case ratio(of: String, to: String)
        /// How many different values: those of a table, counted, while it holds all of them, else
        /// the estimate of a distinct meter.
        case unique(values: String, estimate: String)

        /// The word in answers.
        public var word: String {
            switch self {
            case .ratio: "ratio"
            case .unique: "unique"
            }
        }

        /// The meters whose cells are read.
        public var sources: [String] {
            switch self {
            case .ratio(let of, let to): [of, to]
            case .unique(let values, let estimate): [values, estimate]
            }
        }
    }
    /// Its name; no other meter has it.
    public var name: String
    /// How its answers are made.
    public var form: Form

    /// A meter of these parts.
    public init(name: String, _ form: Form) {
        self.name = name
        self.form = form
    }
}

extension MeterCatalog {
    /// The derived meter with that name, or nil.
    public func derived(_ name: String) -> DerivedMeter? { derived.first { $0.name == name } }
}
