import HTTPServer
import Metering
import Query
import Zones

/// A check with the limits that hold for it now.
struct HeldCheck {
    /// One of its limits.
    struct Held {
        let limit: UsageLimit
        /// What may be used, times 10^scale of the meter.
        let most: Int64
        /// The current period; nil: all of time.
        let range: TimeRange?
        let zone: Zone
        /// What is read for it; nil where nothing shall be read.
        let plan: QuestionPlan?
    }

    let meter: MeterSummary
    /// How much more, times 10^scale of the meter.
    let amount: Int64
    /// Those without a number are left out.
    let limits: [Held]

    /// Finds the limits; throws 400 or 404 where the check is wrong, 501 where a limit cannot be
    /// compared with the meter.
    ///
    /// `isRead`: whether plans of reads are wanted.
    init(
        _ check: UsageCheck, _ known: KnownLimits, _ engine: QueryEngine, isRead: Bool
    ) throws(Problem) {
        guard let meter = engine.summary(check.meter) else {
            throw Problem(404, "There is no such meter")
        }
        self.meter = meter
        amount = try HeldCheck.amount(check, meter)
        try HeldCheck.requireDimensions(check, meter)
        var limits: [Held] = []
        for limit in known.limits(of: check.meter) where check.isCounted(in: limit) {
            do throws(Problem) {
                if let held = try HeldCheck.held(limit, meter, known, engine, isRead: isRead) {
                    limits.append(held)
                }
            } catch {
                let period = limit.periodName.map { " a \($0)" } ?? ""
                throw Problem(
                    501, "The limit of \(meter.name)\(period) cannot be checked: \(error.message)")
            }
        }
        self.limits = limits
    }

    private static func amount(
        _ check: UsageCheck, _ meter: MeterSummary
    ) throws(Problem) -> Int64 {
        guard let amount = ScaledNumber.value(check.amount, scale: meter.scale), amount >= 0 else {
            throw Problem(
                400,
                "amount must be a number from 0 to \(mostText(meter)) with at most \(meter.scale) "
                    + "decimals, those of \(meter.name)")
        }
        return amount
    }

    /// A name that is written wrong would leave out a limit in silence.
    private static func requireDimensions(
        _ check: UsageCheck, _ meter: MeterSummary
    ) throws(Problem) {
        guard !check.dimensions.isEmpty else { return }
        let names = Set(meter.scopes.joined()).union(meter.by).sorted()
        for name in check.dimensions.keys.sorted() where !names.contains(name) {
            let list = names.isEmpty ? "it has none" : "they are \(names.joined(separator: ", "))"
            throw Problem(400, "\(meter.name) has no dimension \(name.prefix(64)) (\(list))")
        }
    }

    private static func mostText(_ meter: MeterSummary) -> String {
        ScaledNumber.text(JSONInteger.bounds.upperBound, scale: meter.scale)
    }

    private static func held(
        _ limit: UsageLimit, _ meter: MeterSummary, _ known: KnownLimits, _ engine: QueryEngine,
        isRead: Bool
    ) throws(Problem) -> Held? {
        guard let text = limit.limit else { return nil }
        guard let most = ScaledNumber.value(text, scale: meter.scale) else {
            throw Problem(
                501,
                "\(text.prefix(64)) has more than the meter's \(meter.scale) decimals, or is above "
                    + mostText(meter))
        }
        let zone: Zone
        do throws(ZoneDatabase.Fault) {
            zone = try ZoneDatabase.system.zone(named: limit.zone)
        } catch {
            throw Problem(501, "its zone is \(limit.zone); \(error.text)")
        }
        let range = limit.range(at: engine.clock.seconds, in: zone, known.billingDay)
        guard isRead else {
            // Of a level, what is used now is asked for, whatever the period.
            let isLevel = meter.kind == "level"
            return Held(
                limit: limit, most: most, range: isLevel ? nil : range, zone: zone, plan: nil)
        }
        do throws(QuestionError) {
            let plan = try engine.exactPlan(meter: meter.name, filters: limit.filters, in: range)
            return Held(limit: limit, most: most, range: plan.range, zone: zone, plan: plan)
        } catch {
            throw Problem(501, error.description)
        }
    }
}

extension UsageLimit {
    /// The period that holds a second since 1970; nil: all of time.
    fileprivate func range(at second: Int64, in zone: Zone, _ billingDay: Int32) -> TimeRange? {
        let period: LimitPeriod =
            switch self.period {
            case .day: .day
            case .month: .month
            case .billing(let anchor): .billing(day: anchor ?? billingDay)
            case .always: .always
            }
        return period.range(at: second, in: zone)
    }
}

/// What a check answers: the limit that decides, compared with what is used.
struct CheckVerdict {
    private let check: HeldCheck
    private let limit: HeldCheck.Held?
    /// Nil where it could not be read, or there is no limit.
    private let used: Int64?
    private let isExact: Bool
    private let isAllowed: Bool
    /// Nil where what is used is not known.
    private let isExceeded: Bool?
    private let isUnavailable: Bool

    /// While Redis is away: what the limits say for that.
    init(away check: HeldCheck) {
        self.check = check
        let denying = check.limits.first { $0.deniesUnread }
        limit = denying ?? check.limits.first
        isAllowed = denying == nil
        isUnavailable = limit != nil
        isExceeded = limit == nil ? false : nil
        used = nil
        isExact = true
    }

    /// `used`: for each limit what is used, and whether that is exact.
    init(_ check: HeldCheck, used: [(amount: Int64, isExact: Bool)]) {
        self.check = check
        isUnavailable = false
        // One that denies comes first, then the one of which the least is left.
        let order = check.limits.indices.map { index in
            let left = Int128(check.limits[index].most) - Int128(used[index].amount)
            let isOver = left < Int128(check.amount)
            let denies = isOver && check.limits[index].limit.mode == .hard
            return (index: index, denies: denies, isOver: isOver, left: left)
        }
        let first = order.min { one, other in
            if one.denies != other.denies { return one.denies }
            return one.left != other.left ? one.left < other.left : one.index < other.index
        }
        limit = first.map { check.limits[$0.index] }
        self.used = first.map { used[$0.index].amount }
        isExact = first.map { used[$0.index].isExact } ?? true
        isAllowed = !(first?.denies ?? false)
        isExceeded = order.contains { $0.isOver }
    }

    /// Writes the answer; the time of the newest record, and now, in milliseconds since 1970.
    func write(to json: inout JSONWriter, asOfMilliseconds: Int64?, nowMilliseconds: Int64) {
        let scale = check.meter.scale
        func number(_ json: inout JSONWriter, _ name: String, _ value: Int64?) {
            json.name(name)
            if let value { json.decimal(scaled: value, digits: scale) } else { json.null() }
        }
        json.object { json in
            json.member("meter", string: check.meter.name)
            json.member("allowed", bool: isAllowed)
            json.name("exceeded")
            if let isExceeded { json.bool(isExceeded) } else { json.null() }
            number(&json, "used", used)
            number(&json, "limit", limit?.most)
            number(&json, "remaining", remaining)
            let period = limit?.range == nil ? nil : limit?.limit.periodName
            json.member("period", string: period.map { Array($0.utf8) })
            json.member("mode", string: limit.map { Array($0.limit.mode.rawValue.utf8) })
            json.member(
                "resetsAt",
                string: limit.flatMap { limit in
                    limit.range.map { Array(limit.zone.text($0.end).utf8) }
                })
            json.member(
                "asOf", string: asOfMilliseconds.map { Array(TimeText.millisecond($0).utf8) })
            json.member("ageMs", integer: asOfMilliseconds.map { max(0, nowMilliseconds - $0) })
            if !isExact { json.member("exact", bool: false) }
            if isUnavailable { json.member("unavailable", bool: true) }
        }
    }

    /// What is left of the limit, at least 0.
    private var remaining: Int64? {
        guard let limit, let used else { return nil }
        return Int64(clamping: max(0, Int128(limit.most) - Int128(used)))
    }
}

extension HeldCheck.Held {
    /// Whether it denies what cannot be compared with it.
    fileprivate var deniesUnread: Bool { limit.mode == .hard && limit.onUnavailable == .deny }
}
