import Workload

/// Organization metrics: sessions, consent, compliance requests.
extension RouteExpectation {
    static let metricsPath = "/organizations/{organizationId}/metrics"
    static let metricsNeeds: [RouteNeed] = {
        let scopes = [[], ["project"]]
        func need(_ name: String, _ kind: OracleMeter.Kind, by: [String] = []) -> RouteNeed {
            RouteNeed(name, kind, [.day], by: by, scopes: scopes)
        }
        func extreme(_ name: String, _ keep: OracleMeter.Keep) -> RouteNeed {
            RouteNeed(name, .extreme, [.day], scopes: scopes, keep: keep)
        }
        return [
            need("sessions", .count), need("consents", .count),
            need("consent_browsers", .count, by: ["browser"]),
            need("consent_systems", .count, by: ["os"]),
            need("consent_countries", .count, by: ["country"]),
            need("consent_kinds", .count, by: ["consent"]),
            need("consent_categories", .count, by: ["categories.key", "categories.value"]),
            need("consent_users", .distinct),
            RouteNeed("compliance_requests", .count, [.day, .all], scopes: scopes),
            need("compliance_countries", .count, by: ["country"]),
            need("compliance_types", .count, by: ["requestType"]),
            need("compliance_statuses", .level, by: ["requestType", "status"]),
            need("resolutions", .count), need("resolution_seconds", .sum),
            need("resolution_steps", .histogram), extreme("resolution_min", .min),
            extreme("resolution_max", .max),
        ]
    }()

    /// Asks for all days, for an inner range, for one project and for two.
    mutating func expectMetrics() {
        guard canExpect(Self.metricsPath) else { return }
        guard Self.isUUID(organization) else {
            return leaveOut(Self.metricsPath, "the organization's id is not a UUID")
        }
        for days in ranges { expectMetrics(days, []) }
        for count in [1, 2] where cells.projects.count >= count {
            expectMetrics(whole, Array(cells.projects.prefix(count)))
        }
    }

    private static func isUUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && parts.allSatisfy { $0.utf8.allSatisfy { isHexDigit($0) } }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...70, 97...102: true
        default: false
        }
    }

    private mutating func expectMetrics(_ days: Range<Int64>, _ projects: [[UInt8]]) {
        let scopes = projects.map { OrganizationCells.scope([(name: "project", value: $0)]) }
        let numbers = MetricNumbers(
            cells: cells, days: days, scopes: scopes.isEmpty ? [[]] : scopes)
        expect(
            .privacy, "/organizations/\(organization)/metrics",
            [
                (name: "startDate", value: Self.midnight(days.lowerBound)),
                (name: "endDate", value: Self.midnight(days.upperBound)),
            ]
                + projects.map { (name: "project", value: String(decoding: $0, as: UTF8.self)) },
            bodies: [numbers.body])
    }
}

/// The numbers of one answer.
private struct MetricNumbers {
    let cells: OrganizationCells
    let days: Range<Int64>
    let scopes: [[UInt8]]

    var body: ExpectedJSON {
        .object([
            "sessions": .object([
                "dailySessionCounts": daily("sessions"), "dateRangeTotal": total("sessions"),
                "trend": trend("sessions"),
            ]),
            "consentEvents": consent, "complianceRequests": requests,
        ])
    }

    private var previous: Range<Int64> {
        days.lowerBound - Int64(days.count)..<days.lowerBound
    }

    private func table(_ meter: String) -> [[[UInt8]]: Int64] {
        cells.table(meter, days, scopes: scopes)
    }

    // MARK: Series

    private func total(_ meter: String) -> ExpectedJSON {
        .integer(cells.sum(meter, days, scopes: scopes))
    }

    private func daily(_ meter: String) -> ExpectedJSON {
        RouteExpectation.daily(days, cells.series(meter, days, scopes: scopes), named: "count")
    }

    /// Compares this range with the same number of days before it.
    private func trend(_ meter: String) -> ExpectedJSON {
        let current = cells.sum(meter, days, scopes: scopes)
        let before = cells.sum(meter, previous, scopes: scopes)
        let change = current - before
        let tenths = ExpectedJSON.rounded(change, times: 1_000, by: Int128(before))
        return .object([
            "current": .integer(current), "previous": .integer(before),
            "change": .integer(change),
            "changePercentage": before == 0 ? .null : .hundredths(tenths * 10),
        ])
    }

    private func trendData(_ meter: String) -> ExpectedJSON {
        let current = cells.series(meter, days, scopes: scopes)
        let before = cells.series(meter, previous, scopes: scopes)
        return .object([
            "previousPeriod": .object([
                "startDate": .text(RouteExpectation.midnight(previous.lowerBound)),
                "endDate": .text(RouteExpectation.midnight(previous.upperBound)),
            ]),
            "daily": .list(
                days.enumerated().map { place, day in
                    .object([
                        "date": .text(oracleDate(ofDay: day)), "count": .integer(current[place]),
                        "previousCount": .integer(before[place]),
                    ])
                }),
        ])
    }

    // MARK: Tables

    /// `[{NAME, count}]`, the greatest count first, then by name.
    private func counts(_ meter: String, named name: String) -> ExpectedJSON {
        let rows = table(meter).map { (name: $0.key.first ?? [], count: $0.value) }.sorted {
            $0.count != $1.count
                ? $0.count > $1.count : $0.name.lexicographicallyPrecedes($1.name)
        }
        return .list(
            rows.map { .object([name: .text($0.name), "count": .integer($0.count)]) })
    }

    private var consent: ExpectedJSON {
        let kinds = table("consent_kinds")
        func kind(_ name: String) -> ExpectedJSON { .integer(kinds[[Array(name.utf8)]] ?? 0) }
        let users = cells.values("consent_users", days, scopes: scopes)
        var categories: [[UInt8]: ExpectedJSON] = [:]
        let choices = table("consent_categories")
        for category in Set(choices.keys.compactMap(\.first)) {
            func count(_ choice: String) -> ExpectedJSON {
                .integer(choices[[category, Array(choice.utf8)]] ?? 0)
            }
            categories[category] = .object([
                "granted": count("granted"), "denied": count("denied"),
            ])
        }
        return .object([
            "browserCounts": counts("consent_browsers", named: "browser"),
            "osCounts": counts("consent_systems", named: "os"),
            "geographyCounts": counts("consent_countries", named: "country"),
            "categoryStats": .named(categories),
            "totalCategories": .integer(Int64(categories.count)),
            "fullConsent": kind("full"), "partialConsent": kind("partial"),
            "noConsent": kind("none"), "totalUsers": .distinct(users),
            "dailyEventCounts": daily("consents"), "totalEvents": total("consents"),
            "trend": trend("consents"), "trendData": trendData("consents"),
        ])
    }

    private var requests: ExpectedJSON {
        var statuses: [[UInt8]: Int64] = [:]
        var types: [[UInt8]: [[UInt8]: ExpectedJSON]] = [:]
        for (tuple, count) in cells.levels("compliance_statuses", days, scopes: scopes)
        where tuple.count == 2 {
            statuses[tuple[1], default: 0] += count
            types[tuple[0], default: [:]][tuple[1]] = .integer(count)
        }
        var created: [[UInt8]: ExpectedJSON] = [:]
        for (tuple, count) in table("compliance_types") {
            created[tuple.first ?? []] = .integer(count)
        }
        return .object([
            "dailyRequestCounts": daily("compliance_requests"),
            "dateRangeTotal": total("compliance_requests"),
            "geographyCounts": counts("compliance_countries", named: "country"),
            "resolutionMetrics": resolutions,
            "statusStats": .named(statuses.mapValues { .integer($0) }),
            "statusByType": .named(types.mapValues { .named($0) }),
            "totalRequests": .integer(cells.total("compliance_requests", scopes: scopes)),
            "trend": trend("compliance_requests"), "trendData": trendData("compliance_requests"),
            "typeStats": .named(created),
        ])
    }

    // MARK: Resolutions

    private var resolutions: ExpectedJSON {
        func inDays(_ seconds: Int64) -> Int64 {
            ExpectedJSON.rounded(seconds, times: 100, by: 86_400)
        }
        let least = cells.extremes("resolution_min", days, scopes: scopes).min() ?? 0
        let greatest = cells.extremes("resolution_max", days, scopes: scopes).max() ?? 0
        let average = ExpectedJSON.rounded(
            cells.sum("resolution_seconds", days, scopes: scopes), times: 100,
            by: 86_400 * Int128(cells.sum("resolutions", days, scopes: scopes)))
        let median = medianBounds
        return .object([
            "avgResolutionDays": .hundredths(average),
            "medianResolutionDays": .between(
                inDays(max(least, median.low)), inDays(min(greatest, median.high))),
            "minResolutionDays": .hundredths(inDays(least)),
            "maxResolutionDays": .hundredths(inDays(greatest)),
        ])
    }

    /// The bounds in seconds of the histogram steps that hold the two middle values: the median
    /// lies between them, however a reader interpolates.
    private var medianBounds: (low: Int64, high: Int64) {
        var counts: [Int64: Int64] = [:]
        for (tuple, count) in table("resolution_steps") {
            guard let step = Int64(String(decoding: tuple.first ?? [], as: UTF8.self)) else {
                continue
            }
            counts[step, default: 0] += count
        }
        let steps = counts.sorted { $0.key < $1.key }
        let count = steps.reduce(0) { $0 + $1.value }
        func bounds(rank: Int64) -> (low: Int64, high: Int64) {
            var before: Int64 = 0
            for (step, count) in steps {
                before += count
                if rank < before { return Self.bounds(ofStep: step) }
            }
            return (0, 0)
        }
        return (bounds(rank: (count - 1) / 2).low, bounds(rank: count / 2).high)
    }

    /// The least and the greatest value of a step; below 128 it is the value itself.
    private static func bounds(ofStep step: Int64) -> (low: Int64, high: Int64) {
        guard step >= 128 else { return (step, step) }
        let shift = step / 64 - 1
        let low = (64 + step % 64) << shift
        return (low, low + ((1 << shift) - 1))
    }
}
