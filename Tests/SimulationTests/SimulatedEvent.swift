import Catalog
import Metering

/// What a record of the simulated log is meant to be; its bytes and
/// its cells are both made from it.
struct SimulatedEvent {
    enum Shape { case use, blip, unknownType, noAgent, broken, tombstone }
    var shape = Shape.use
    var organization = ""
    var id = ""
    var agent = ""
    var amount: Int64?
    var items: [String] = []
    /// Milliseconds since 1970; nil: the record's.
    var time: Int64?

    /// The catalog that counts such events.
    static let catalog = """
        version: 1
        events:
          use:
            fields:
              agent: {at: /data/agent, required: true}
              amount: {at: /data/amount, is: integer}
              items: {at: /data/items, each: true}
          blip: {fields: {}}
        meters:
          calls: {kind: count, windows: [minute, day, all], on: [{event: use}]}
          amounts: {kind: sum, signed: true, windows: [all], on: [{event: use, amount: amount}]}
          agents: {kind: ranking, by: [agent], windows: [month], on: [{event: use}]}
          latest: {kind: extreme, keep: last, value: amount, windows: [all], on: [{event: use}]}
          least: {kind: extreme, keep: min, value: amount, windows: [day], on: [{event: use}]}
          visitors: {kind: distinct, of: agent, windows: [day], on: [{event: use}]}
          things: {kind: ranking, by: [items.value], windows: [day, all], on: [{event: use}]}
          blips: {kind: count, windows: [minute], on: [{event: blip}]}
          all_calls: {kind: count, across: true, windows: [minute, all], on: [{event: use}]}
          all_agents: {kind: ranking, across: true, by: [agent], windows: [month], on: [{event: use}]}
          all_least:
            {kind: extreme, across: true, keep: min, value: amount, windows: [day], on: [{event: use}]}
          all_visitors: {kind: distinct, across: true, of: agent, windows: [day], on: [{event: use}]}
        """

    /// Meters of the same events with limits that are soon reached.
    static let limits = """
          agent_calls: {kind: count, by: [agent], windows: [day, all], most: 2, on: [{event: use}]}
          agent_amounts:
            {kind: sum, signed: true, by: [agent], windows: [all], most: 2, on: [{event: use, amount: amount}]}
          agent_least:
            {kind: extreme, keep: min, value: amount, by: [agent], windows: [all], most: 2, on: [{event: use}]}
          agent_latest:
            {kind: extreme, keep: last, value: amount, by: [agent], windows: [day], most: 1, on: [{event: use}]}
          agent_scores:
            {kind: ranking, signed: true, by: [agent], windows: [all], most: 2, on: [{event: use, amount: amount}]}
          pairs: {kind: ranking, by: [items.value, agent], windows: [all], most: 4, on: [{event: use}]}
          own_calls: {kind: count, per: [organization, agent], windows: [day, all], most: 2, on: [{event: use}]}
          own_things:
            {kind: ranking, per: [agent], by: [items.value], windows: [all], most: {by: 2, per: 2}, on: [{event: use}]}
          kin_calls: {kind: count, family: kin, by: [agent], windows: [day, all], most: 3, on: [{event: use}]}
          kin_sums:
            {kind: sum, family: kin, signed: true, by: [agent], windows: [all], most: 3, on: [{event: use, amount: amount}]}
          kin_least:
            {kind: extreme, family: kin, keep: min, value: amount, by: [agent], windows: [day, all], most: 3, on: [{event: use}]}
          kin_days: {kind: count, family: kin, windows: [day, minute, all], on: [{event: use}]}
          kin_latest: {kind: extreme, family: kin, keep: last, value: amount, windows: [day, minute], on: [{event: use}]}
          own_visits: {kind: distinct, of: agent, per: [agent], windows: [day], most: 2, on: [{event: use}]}
        """

    static func readCatalog(
        isLimited: Bool = false, isListed: Bool = false
    ) throws -> MeterCatalog {
        let envelope = isListed ? "\nenvelope: {each: lines}\n" : "\n"
        let text = catalog + "\n" + (isLimited ? limits : "") + envelope
        return try CatalogReader.check(files: [(name: "simulation.yaml", text: Array(text.utf8))])
    }

    /// Whether its shape alone is a reason to reject it.
    var isWrong: Bool { shape == .noAgent || shape == .broken || shape == .tombstone }

    /// The record's value, or its line; nil: null.
    func value() -> [UInt8]? {
        var data = "\"agent\":\"\(agent)\""
        if let amount { data += ",\"amount\":\(amount)" }
        if !items.isEmpty {
            data += ",\"items\":[" + items.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        }
        var type = "use"
        switch shape {
        case .use: break
        case .blip: type = "blip"
        case .unknownType: type = "nobody.asks"
        case .noAgent: data = "\"other\":1"
        case .broken: return Array("{\"specversion\":\"1.0\",\"id\":\(id)".utf8)
        case .tombstone: return nil
        }
        let moment = time.map { ",\"time\":\"\(CalendarText($0).rfc3339)\"" } ?? ""
        return Array(
            ("{\"specversion\":\"1.0\",\"id\":\"\(id)\",\"source\":\"/s\",\"type\":\"\(type)\","
                + "\"subject\":\"\(organization)\"\(moment),\"data\":{\(data)}}").utf8)
    }
}

/// A moment in UTC as the layout writes it; counts years and months one by one.
struct CalendarText {
    var milliseconds: Int64
    var day: Int64
    var year = 1970
    var month = 1
    var dayOfMonth = 1
    var hour: Int64
    var minute: Int64

    init(_ milliseconds: Int64) {
        self.milliseconds = milliseconds
        day = milliseconds / 86_400_000
        hour = milliseconds / 3_600_000 % 24
        minute = milliseconds / 60_000 % 60
        var rest = Int(day)
        while rest >= Self.days(year) {
            rest -= Self.days(year)
            year += 1
        }
        while rest >= Self.days(year, month) {
            rest -= Self.days(year, month)
            month += 1
        }
        dayOfMonth = rest + 1
    }

    private static func days(_ year: Int) -> Int {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365
    }
    private static func days(_ year: Int, _ month: Int) -> Int {
        month == 2 ? days(year) - 337 : [4, 6, 9, 11].contains(month) ? 30 : 31
    }
    /// When a month begins, in seconds since 1970.
    static func start(year: Int, month: Int) -> Int64 {
        let years = (1970..<year).reduce(0) { $0 + days($1) }
        return Int64((1..<month).reduce(years) { $0 + days(year, $1) }) * 86_400
    }
    static func padded(_ number: some BinaryInteger, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }

    var monthText: String { "\(year)-" + Self.padded(month, 2) }
    var dayText: String { monthText + "-" + Self.padded(dayOfMonth, 2) }
    var hourText: String { dayText + "T" + Self.padded(hour, 2) }
    var rfc3339: String {
        hourText + ":" + Self.padded(minute, 2) + ":"
            + Self.padded(milliseconds / 1_000 % 60, 2) + "."
            + Self.padded(milliseconds % 1_000, 3) + "Z"
    }
}
