public import Ledger
public import Metering

/// What a dialect needs a meter to be.
public struct MeterNeed: Sendable, Hashable {
    /// Name of the meter.
    public var name: String
    /// Its kind.
    public var kind: MeterKind
    /// Windows it must keep.
    public var windows: [Window]
    /// Dimensions in its members, in this order.
    public var by: [String]
    /// Scopes it must have; an empty scope is the whole organization.
    public var scopes: [[String]]

    /// A need of these parts.
    public init(
        _ name: String, _ kind: MeterKind, _ windows: [Window] = [], by: [String] = [],
        scopes: [[String]] = [[]]
    ) {
        self.name = name
        self.kind = kind
        self.windows = windows
        self.by = by
        self.scopes = scopes
    }
}

/// A need that a catalog does not meet.
public struct MeterGap: Sendable, Hashable {
    /// Name of the meter.
    public var name: String
    /// How the catalog's meter differs, such as `is a sum, needed is a count`; nil where the
    /// catalog has no meter of that name.
    public var difference: String?
}

/// What every question needs: the meters, the names of their cells, and the clock.
public struct QueryEngine: Sendable {
    /// The clock.
    public let clock: WallClock
    /// Names of the cells' keys.
    public internal(set) var layout: KeyLayout
    private let meters: [String: KnownMeter]
    private let derived: [String: DerivedMeter]
    /// The declarations of meters and events.
    public let catalog: MeterCatalog

    /// An engine for this catalog and layout.
    public init(catalog: MeterCatalog, layout: KeyLayout, clock: WallClock) {
        self.clock = clock
        self.layout = layout
        self.catalog = catalog
        meters = Dictionary(
            catalog.meters.map { ($0.name, KnownMeter($0, in: catalog)) },
            uniquingKeysWith: { first, _ in first })
        derived = Dictionary(
            catalog.derived.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The needs that the catalog does not meet, in their order.
    public func missing(_ needs: [MeterNeed]) -> [MeterGap] {
        needs.compactMap { need in
            guard let meter = meters[need.name]?.declaration else {
                return MeterGap(name: need.name)
            }
            return difference(meter, need).map {
                MeterGap(name: need.name, difference: $0)
            }
        }
    }

    private func difference(_ meter: MeterDeclaration, _ need: MeterNeed) -> String? {
        if meter.kind != need.kind {
            return "is a \(meter.kind.rawValue), needed is a \(need.kind.rawValue)"
        }
        if meter.by != need.by { return "is by \(meter.by), needed is by \(need.by)" }
        for window in need.windows where !meter.windows.contains(window) {
            return "does not keep the window \(window.name)"
        }
        for scope in need.scopes where !meter.scopes.contains(scope) {
            return "has no cells per \(scope)"
        }
        let scale = catalog.scale(of: meter)
        if scale > 0 { return "has \(scale) decimals, needed are whole numbers" }
        return nil
    }

    /// The windows that answer `range` for all these meters at once.
    public func coverage(of names: [String], _ range: TimeRange) -> Coverage {
        let kept = Coverage.Kept.shared(names.compactMap { meters[$0]?.kept })
        return Coverage(range, kept: kept, nowSeconds: clock.seconds)
    }

    /// The windows that answer exactly `range` for all these meters at once.
    ///
    /// Nil where the meters no longer keep windows short enough for its edges, so that only a
    /// longer range could be answered.
    public func exactCoverage(of names: [String], _ range: TimeRange) -> Coverage? {
        let kept = Coverage.Kept.shared(names.compactMap { meters[$0]?.kept })
        let nowSeconds = clock.seconds
        let coverage = Coverage(range, kept: kept, nowSeconds: nowSeconds)
        return coverage.isExactly(range, kept: kept, nowSeconds: nowSeconds) ? coverage : nil
    }

    /// Text for people: from which day on these meters keep single days, and what before that.
    public func keptDays(of names: [String]) -> String {
        let kept = Coverage.Kept.shared(names.compactMap { meters[$0]?.kept })
        guard let day = kept.first(where: { $0.window == .day }), let seconds = day.seconds else {
            return "the range is not kept"
        }
        // As in `Coverage`: a day counts as expired a minute early.
        let first = Window.day.number(ofSecond: clock.seconds + 60 - seconds)
        let date = TimeText.date(second: Window.day.start(of: first))
        let hasMonths = kept.contains { $0.window == .month && $0.seconds == nil }
        return "single days are kept from \(date) on, "
            + (hasMonths
                ? "before that only whole calendar months: an older range must begin with the "
                    + "first day of a month and end with the last day of one"
                : "nothing before that")
    }

    func meter(_ name: String) -> KnownMeter? { meters[name] }

    /// All meters, in the order of the catalog; behind them those that are derived of others.
    public var summaries: [MeterSummary] {
        catalog.meters.map { summary(of: $0) } + catalog.derived.map { summary(of: $0) }
    }

    /// The meter with that name, or nil.
    public func summary(_ name: String) -> MeterSummary? {
        meters[name].map { summary(of: $0.declaration) } ?? derived[name].map { summary(of: $0) }
    }

    /// What all meters have that a derived one is made of.
    private func summary(of meter: DerivedMeter) -> MeterSummary {
        let sources = meter.form.sources.compactMap { meters[$0]?.declaration }
        func shared<Part: Equatable>(_ parts: (MeterDeclaration) -> [Part]) -> [Part] {
            (sources.first.map(parts) ?? []).filter { part in
                sources.dropFirst().allSatisfy { parts($0).contains(part) }
            }
        }
        return MeterSummary(
            name: meter.name, kind: meter.form.word, keep: nil,
            windows: shared { $0.windows.map(\.name) }, scopes: shared(\.scopes),
            by: shared(\.by), valueKind: .integer, scale: 0,
            isAcross: sources.allSatisfy(\.isAcross), derived: meter.form)
    }

    private func summary(of meter: MeterDeclaration) -> MeterSummary {
        var kind = MeterSummary.ValueKind.integer
        if meter.answerForm.isStoredValue, let value = meter.value {
            let field = meter.clauses.first.flatMap { catalog.event($0.event)?.field(value) }
            switch field?.kind {
            case .text, .boolean: kind = .text
            case .integer, .decimal: kind = .integer
            case .time: kind = .time
            case nil: kind = value == "time" ? .time : .text
            }
        }
        return MeterSummary(
            name: meter.name, kind: meter.kind.rawValue, keep: meter.keep?.rawValue,
            windows: meter.windows.map(\.name), scopes: meter.scopes, by: meter.by, valueKind: kind,
            scale: catalog.scale(of: meter), isAcross: meter.isAcross)
    }
}

/// A meter as questions need it.
///
/// A class, because a declaration is too large to copy for every question.
final class KnownMeter: Sendable {
    let declaration: MeterDeclaration
    let name: [UInt8]
    /// The name in keys: that of its family where it has one.
    let keyName: [UInt8]
    /// What the members of its cells begin with: `METER:` where it is in a family.
    let head: [UInt8]
    let isFamily: Bool
    let form: AnswerForm
    let isClampedAtZero: Bool
    let keep: MeterDeclaration.Keep?
    let shape: CellShape
    /// How many series are in the keys of its family; indexed by `Window.rawValue`.
    let seriesCounts: [Int]
    /// Its windows except that of all time, shortest first.
    let kept: [Coverage.Kept]

    init(_ declaration: MeterDeclaration, in catalog: MeterCatalog) {
        self.declaration = declaration
        name = Array(declaration.name.utf8)
        isFamily = declaration.family != nil
        keyName = declaration.family.map { Array($0.utf8) } ?? name
        head = isFamily ? name + [UInt8(ascii: ":")] : []
        let family = isFamily ? catalog.meters.filter { $0.family == declaration.family } : []
        let windows = family.filter { $0.shape == .series }.flatMap(\.windows)
        seriesCounts = Window.allCases.map { window in windows.count { $0 == window } }
        form = declaration.answerForm
        isClampedAtZero = declaration.kind.isClampedAtZero
        keep = declaration.keep
        shape = declaration.shape
        kept = [Window.minute, .quarter, .day, .month].compactMap { window in
            guard declaration.windows.contains(window) else { return nil }
            guard case .seconds(let seconds) = declaration.retention(of: window) else {
                return Coverage.Kept(window: window, seconds: nil)
            }
            return Coverage.Kept(window: window, seconds: seconds)
        }
    }
}

/// A meter as users of the API see it.
public struct MeterSummary: Sendable, Hashable {
    /// What its values are.
    public enum ValueKind: Sendable, Hashable {
        /// Numbers, times 10^scale.
        case integer
        /// Nanoseconds since 1970.
        case time
        /// Texts.
        case text
    }
    /// Name.
    public var name: String
    /// The word for its kind, such as `count`.
    public var kind: String
    /// For an extreme: `first`, `last`, `min` or `max`.
    public var keep: String?
    /// Windows kept, by name.
    public var windows: [String]
    /// The dimensions of each of its scopes.
    public var scopes: [[String]]
    /// The dimensions of its members.
    public var by: [String]
    /// What its values are.
    public var valueKind: ValueKind
    /// Decimals of its numbers, which are kept times 10^scale; 0: whole numbers.
    public var scale: Int
    /// Whether it is also counted over all organizations.
    public var isAcross: Bool
    /// How it is answered from other meters; nil: it has cells of its own.
    public var derived: DerivedMeter.Form?
}
