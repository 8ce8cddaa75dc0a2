import Testing
import Workload

/// The changes of single events, which `make bench` sends as increments.
@Suite struct CellChangeTests {
    @Test func everyChangeOfAnEventIsKeptOnceInItsOrder() throws {
        let fields = [
            OracleField("n", at: "/data/n", is: .integer, standIn: "1"),
            OracleField("u", at: "/data/u"),
        ]
        let all = [OracleClause("e", amount: .field("n", isNegated: false))]
        var users = OracleMeter("users", .distinct, windows: [.day], on: [OracleClause("e")])
        users.of = "u"
        var last = OracleMeter("last", .extreme, windows: [.all], on: [OracleClause("e")])
        last.keep = .max
        last.value = "n"
        var bench = try Bench(
            catalog(
                fields, [OracleMeter("sums", .sum, windows: [.day, .all], on: all), users, last]))
        #expect(bench.oracle.takeEveryChange().isEmpty)
        bench.oracle.keepsEveryChange = true
        #expect(bench.feed(event("e", #"{"n":41,"u":"ann"}"#)) == .accepted)
        #expect(
            changes(&bench) == [
                "odo:1:{25}:org:sums:day:2026-03 09 add(41)",
                "odo:1:{25}:org:totals sums add(41)",
                "odo:1:{25}:org:users:day:2026-03-09 ann insert",
                "odo:1:{25}:org:totals last keepGreater(41)",
            ])
        #expect(changes(&bench).isEmpty)
        // The same event again, and one that is rejected, change nothing.
        #expect(bench.feed(event("e", #"{"n":41,"u":"ann"}"#)) == .duplicate)
        #expect(bench.feed("{") == .malformed)
        #expect(changes(&bench).isEmpty)
        // A change is kept also where it leaves its cell as it was.
        #expect(bench.feed(event("e", #"{"n":0,"u":"ann"}"#, id: "2")) == .accepted)
        #expect(
            changes(&bench).map { $0.split(separator: " ").last } == [
                "add(0)", "add(0)", "insert", "keepGreater(0)",
            ])
        #expect(bench.cells("odo:1:{25}:org:sums:day:2026-03") == ["09": "41"])
    }

    private func changes(_ bench: inout Bench) -> [String] {
        bench.oracle.takeEveryChange().map { change in
            let name = String(decoding: bench.oracle.cells.name(change.key), as: UTF8.self)
            let member = String(decoding: bench.oracle.cells.member(of: change), as: UTF8.self)
            return "\(name) \(member) \(change.kind)"
        }
    }
}
