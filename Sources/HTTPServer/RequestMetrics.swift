import Synchronization

/// Counts requests by route and status, and their durations in buckets.
///
/// Every number is an atomic of its own, so recording never waits. A reader may see a request in
/// one number and not yet in another. Safe to use from every thread.
public final class RequestMetrics: @unchecked Sendable {
    /// The upper bounds of the duration buckets, in seconds.
    public static let bounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
    ]

    private static let boundsInNanoseconds = bounds.map { UInt64($0 * 1_000_000_000) }
    private static let statuses = 100..<600
    // For each route: a number for each status, the buckets, the one above them, and the sum.
    private static let stride = statuses.count + bounds.count + 2

    private let names: [String]
    private let numbers: UnsafeMutablePointer<Atomic<UInt64>>

    /// Metrics of these routes, all zero; a route's id is its index.
    ///
    /// All other ids are counted under `unmatched`.
    public init(routes: [String]) {
        names = routes + ["unmatched"]
        numbers = .allocate(capacity: names.count * RequestMetrics.stride)
        for index in 0..<names.count * RequestMetrics.stride {
            (numbers + index).initialize(to: Atomic(0))
        }
    }

    deinit {
        numbers.deinitialize(count: names.count * RequestMetrics.stride)
        numbers.deallocate()
    }

    /// Records one answered request; `route` is nil where no route matched.
    public func record(route: Int?, status: Int, nanoseconds: UInt64) {
        let last = names.count - 1
        let base =
            (route.flatMap { (0..<last).contains($0) ? $0 : nil } ?? last)
            * RequestMetrics.stride
        let status = RequestMetrics.statuses.contains(status) ? status : 500
        add(1, base + status - RequestMetrics.statuses.lowerBound)
        let bucket =
            RequestMetrics.boundsInNanoseconds.firstIndex { nanoseconds <= $0 }
            ?? RequestMetrics.bounds.count
        add(1, base + RequestMetrics.statuses.count + bucket)
        add(nanoseconds, base + RequestMetrics.stride - 1)
    }

    /// Writes `PREFIX_requests_total` and `PREFIX_request_duration_seconds`.
    ///
    /// Routes without requests are left out.
    public func write(to text: inout PrometheusText, prefix: String = "odometer_http") {
        let total = prefix + "_requests_total"
        text.family(total, .counter, help: "Requests answered, by route and status.")
        for (route, name) in names.enumerated() {
            for status in RequestMetrics.statuses {
                let value = number(route, status - RequestMetrics.statuses.lowerBound)
                guard value > 0 else { continue }
                text.sample(total, [("route", name), ("status", String(status))], value)
            }
        }
        let duration = prefix + "_request_duration_seconds"
        text.family(duration, .histogram, help: "Time from the complete request to its answer.")
        for (route, name) in names.enumerated() {
            let counts = (0...RequestMetrics.bounds.count).map {
                number(route, RequestMetrics.statuses.count + $0)
            }
            guard counts.contains(where: { $0 > 0 }) else { continue }
            text.histogram(
                duration, [("route", name)], bounds: RequestMetrics.bounds, counts: counts,
                sum: Double(number(route, RequestMetrics.stride - 1)) / 1_000_000_000)
        }
    }

    private func add(_ value: UInt64, _ index: Int) {
        numbers[index].wrappingAdd(value, ordering: .relaxed)
    }

    private func number(_ route: Int, _ offset: Int) -> UInt64 {
        numbers[route * RequestMetrics.stride + offset].load(ordering: .relaxed)
    }
}
