import Workload

/// What one request to a route of the five documents must be answered with.
public struct ExpectedRoute: Sendable, Equatable {
    /// The document that describes a route; the raw value is the dialect's name in credentials.
    public enum Document: String, Sendable, CaseIterable {
        case overview, workspace, connections, privacy, identity
    }

    /// The organization's id.
    public let organization: String
    /// The document that describes the route; a credential of this dialect opens it.
    public let document: Document
    /// Path and query.
    public let target: String
    /// The body must be one of these; there are several when the answer is about today and midnight
    /// is near.
    public internal(set) var bodies: [ExpectedJSON]

    /// Makes an expectation of these parts.
    public init(
        organization: String, document: Document, target: String, bodies: [ExpectedJSON]
    ) {
        self.organization = organization
        self.document = document
        self.target = target
        self.bodies = bodies
    }
}

/// A route whose answer cannot be computed for an organization, and so is not checked.
public struct UncheckedRoute: Sendable, Equatable {
    /// The organization's id.
    public let organization: String
    /// The route's path.
    public let path: String
    /// Why not.
    public let reason: String

    /// Makes a route of these parts.
    public init(organization: String, path: String, reason: String) {
        self.organization = organization
        self.path = path
        self.reason = reason
    }
}

/// A meter from which an answer is computed, as the shipped catalog declares it.
struct RouteNeed {
    let meter: String
    let kind: OracleMeter.Kind
    let windows: [OracleWindow]
    var by: [String] = []
    var scopes: [[String]] = [[]]
    var keep: OracleMeter.Keep?

    init(
        _ meter: String, _ kind: OracleMeter.Kind, _ windows: [OracleWindow], by: [String] = [],
        scopes: [[String]] = [[]], keep: OracleMeter.Keep? = nil
    ) {
        self.meter = meter
        self.kind = kind
        self.windows = windows
        self.by = by
        self.scopes = scopes
        self.keep = keep
    }

    /// Why a catalog's meter cannot be used; nil when it can.
    func reason(against meters: [String: OracleMeter], later: Set<[UInt8]>) -> String? {
        guard let found = meters[meter] else { return "the catalog has no meter \(meter)" }
        guard found.kind == kind, found.by == by, found.scale == 0,
            keep == nil || found.keep == keep,
            windows.allSatisfy(found.windows.contains), scopes.allSatisfy(found.scopes.contains)
        else { return "the catalog's meter \(meter) is of another form" }
        guard !later.contains(Array(meter.utf8)) else {
            return "the meter \(meter) was added after the ledger was created"
        }
        for window in [OracleWindow.day, .month] {
            if case .seconds(let seconds) = found.retention[window],
                seconds < RouteExpectation.mostDays * 86_400 + 40 * 86_400
            {
                return "the catalog keeps the meter \(meter) for a short time"
            }
        }
        return nil
    }
}
