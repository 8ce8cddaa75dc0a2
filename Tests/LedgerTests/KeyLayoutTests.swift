import Foundation
import Ledger
import Metering
import Testing

/// Names: injective for any bytes, both ways, and the shard function.
@Suite struct KeyLayoutTests {
    typealias Bytes = [UInt8]
    let layout = KeyLayout(prefix: "odo")

    @Test func shardsOfKnownOrganizations() {
        let known: [(organization: Bytes, of256: Int, of64: Int)] = [
            ([], 197, 5), ("a", 44, 44), ("acme", 175, 47), ("org_00000001", 69, 5),
            ("Zoë & Co", 180, 52), ([0, 255], 160, 32),
        ]
        let earlier = layout.with(shardCount: 64)
        for (organization, of256, of64) in known {
            #expect(layout.shard(of: organization) == of256)
            #expect(earlier.shard(of: organization) == of64)
        }
        // Bytes that do not lie behind one another are hashed alike.
        #expect(layout.shard(of: ["ac", "me"].lazy.flatMap(\.utf8)) == 175)
    }

    /// What a log says of a refused cell: never a dimension's value, which may be a person.
    @Test func aCellsMeterIsNamedWithoutItsScope() {
        let scope = [(name: "project", value: Array("jane.doe@example.org".utf8))]
        for shape in [CellShape.series, .table, .ranking, .grid, .distinct, .histogram] {
            for window in Window.allCases {
                for scope in [[], scope, scope + [(name: "user", value: Array("jane".utf8))]] {
                    let key = layout.cellKey(
                        organization: Array("acme".utf8), scope: scope, meter: "calls",
                        shape: shape, window: window, number: shape == .grid ? 3 : 20_000)
                    let cell = RefusedCell(
                        key: key, member: Array("calls".utf8), kind: .add, value: [], error: "")
                    #expect(cell.meter == "calls", "\(String(decoding: key, as: UTF8.self))")
                }
            }
        }
    }

    @Test func shardsAreEvenlyFilled() {
        var counts = [Int](repeating: 0, count: layout.shardCount)
        for index in 0..<256_000 { counts[layout.shard(of: Array("org-\(index)".utf8))] += 1 }
        #expect(counts.allSatisfy { (800...1_200).contains($0) })
    }

    /// Bytes with many of those that have a meaning in names.
    func awkward(_ random: inout some RandomNumberGenerator) -> Bytes {
        let special: Bytes = "%:{}=/ \u{0}\u{7F}0A2"
        return (0..<Int.random(in: 0...6, using: &random)).map { _ in
            Bool.random(using: &random)
                ? special.randomElement(using: &random) ?? 0
                : UInt8.random(in: 0...255, using: &random)
        }
    }

    @Test func escapingIsUndoneAndPrintable() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<20_000 {
            let bytes = awkward(&random)
            var name = Bytes()
            KeyLayout.escape(bytes, into: &name)
            #expect(KeyLayout.unescape(name) == bytes)
            #expect(!name.contains { ":{} ".utf8.contains($0) || $0 < 0x20 || $0 == 0x7F })
        }
        for broken in ["%", "%4", "%4g", "%zz", "%3a"] as [Bytes] {
            #expect(KeyLayout.unescape(broken) == nil)
        }
    }

    @Test func tuplesAreInjective() {
        var random = SeededGenerator(seed: 12)
        var seen: [Bytes: [Bytes]] = [:]
        for _ in 0..<20_000 {
            let tuple = (0..<Int.random(in: 1...3, using: &random)).map { _ in awkward(&random) }
            let field = KeyLayout.tupleMember(tuple)
            #expect(KeyLayout.tupleValues(field) == tuple)
            #expect(seen.updateValue(tuple, forKey: field) ?? tuple == tuple)
        }
    }

    /// All that a cell's key says.
    struct Cell: Hashable {
        var organization: Bytes
        var scope: [String: Bytes]
        var meter: String
        var shape: CellShape
        var window: Window
        var bucket: Int32
    }

    @Test func cellKeysAreInjective() {
        var random = SeededGenerator(seed: 13)
        var seen: [Bytes: Cell] = [:]
        let shapes: [CellShape] = [.series, .table, .grid]
        let meters = ["a", "totals", "all", "directory", "day", "marks"]
        for _ in 0..<40_000 {
            var scope: [(name: String, value: Bytes)] = []
            if Bool.random(using: &random) { scope.append(("project", awkward(&random))) }
            if Bool.random(using: &random) { scope.append(("user", awkward(&random))) }
            let shape = shapes.randomElement(using: &random) ?? .series
            let window =
                shape == .grid ? .all : Window.allCases.randomElement(using: &random) ?? .all
            let meter = meters.randomElement(using: &random) ?? "a"
            let number =
                shape == .grid
                ? Int32.random(in: 0...6, using: &random)
                : Int32.random(in: -50...50, using: &random)
            let organization = awkward(&random)
            let key = layout.cellKey(
                organization: organization, scope: scope, meter: meter, shape: shape,
                window: window, number: number)
            let bucket =
                shape == .grid
                ? number
                : shape == .series
                    ? KeyLayout.seriesBucket(window, number).lowerBound
                    : window == .all ? 0 : number
            let cell = Cell(
                organization: organization,
                scope: Dictionary(uniqueKeysWithValues: scope.map { ($0.name, $0.value) }),
                // All meters share the totals of a series.
                meter: shape == .series && window == .all ? "" : meter, shape: shape,
                window: window, bucket: bucket)
            #expect(seen.updateValue(cell, forKey: key) ?? cell == cell)
            #expect(key.starts(with: layout.shardPrefix(layout.shard(of: organization))))
        }
    }

    @Test func namesAreThoseOfTheSchema() {
        let day = CivilDate(year: 2026, monthOfYear: 3, dayOfMonth: 9).dayNumber
        func name(_ shape: CellShape, _ window: Window, _ number: Int32) -> String {
            let key = layout.cellKey(
                organization: "acme", scope: [("project", "p:1")], meter: "tokens", shape: shape,
                window: window, number: number)
            return String(decoding: key, as: UTF8.self)
        }
        let start = "odo:1:{257}:acme:project=p%3A1:"
        #expect(name(.series, .all, 0) == start + "totals")
        #expect(name(.series, .month, 56 * 12 + 2) == start + "tokens:month:2026")
        #expect(name(.series, .day, day) == start + "tokens:day:2026-03")
        #expect(name(.series, .quarter, day * 96 + 57) == start + "tokens:quarter:2026-03-09")
        #expect(name(.series, .minute, day * 1_440 + 847) == start + "tokens:minute:2026-03-09T14")
        #expect(name(.table, .all, 0) == start + "tokens:all")
        #expect(name(.table, .month, 56 * 12 + 2) == start + "tokens:month:2026-03")
        #expect(name(.table, .day, day) == start + "tokens:day:2026-03-09")
        #expect(name(.table, .quarter, day * 96 + 57) == start + "tokens:quarter:2026-03-09T1415")
        #expect(name(.table, .minute, day * 1_440 + 847) == start + "tokens:minute:2026-03-09T1407")
        #expect(name(.grid, .all, 1) == start + "tokens:grid:1")
        func field(_ window: Window, _ number: Int32) -> String {
            String(
                decoding: KeyLayout.seriesMember(
                    meter: Array("tokens".utf8), window: window, number: number),
                as: UTF8.self)
        }
        #expect(field(.all, 0) == "tokens")
        #expect(field(.month, 56 * 12 + 2) == "03")
        #expect(field(.day, day) == "09")
        #expect(field(.quarter, day * 96 + 57) == "1415")
        #expect(field(.minute, day * 1_440 + 847) == "07")
    }

    @Test func namesOfFamiliesAreThoseOfTheSchema() {
        let day = CivilDate(year: 2026, monthOfYear: 3, dayOfMonth: 9).dayNumber
        func name(_ shape: CellShape, _ window: Window, _ number: Int32) -> String {
            let key = layout.cellKey(
                organization: "acme", meter: "use", isFamily: true, shape: shape, window: window,
                number: number)
            return String(decoding: key, as: UTF8.self)
        }
        let start = "odo:1:{257}:acme:"
        #expect(name(.series, .all, 0) == start + "totals")
        #expect(name(.series, .month, 56 * 12 + 2) == start + "use:month:2026")
        #expect(name(.series, .day, day) == start + "use:day:2026-03")
        for (quarter, part) in [(0, 0), (23, 0), (24, 1), (57, 2), (72, 3), (95, 3)]
            as [(Int32, Int)]
        {
            #expect(
                name(.series, .quarter, day * 96 + quarter) == start
                    + "use:quarter:2026-03-09q\(part)")
        }
        for (minute, part) in [(0, 0), (14, 0), (15, 1), (30, 2), (59, 3)] as [(Int32, Int)] {
            #expect(
                name(.series, .minute, day * 1_440 + 840 + minute)
                    == start + "use:minute:2026-03-09T14q\(part)")
        }
        #expect(name(.table, .all, 0) == start + "use:all")
        #expect(name(.histogram, .day, day) == start + "use:day:2026-03-09")
        #expect(name(.table, .quarter, day * 96 + 57) == start + "use:quarter:2026-03-09T1415")
    }

    /// In a cluster each master gets its share of the shards, however many masters there are.
    @Test func tagsShareTheSlotsOut() {
        func slot(_ text: String) -> Int {
            var crc: UInt16 = 0
            for byte in text.utf8 {
                crc ^= UInt16(byte) << 8
                for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
            }
            return Int(crc % 16_384)
        }
        #expect(slot("123456789") == 12_739)
        for count in [128, 256, 512, 1_024] {
            let layout = KeyLayout(shardCount: count)
            let tags = (0..<count).map { layout.tag(of: $0) }
            #expect(Set(tags).count == count && tags.allSatisfy { $0.utf8.count >= 3 })
            guard count == 256 else { continue }
            #expect(Set(tags.map { slot($0) / 64 }).count == 256)
            #expect([tags[0], tags[175], tags[255]] == ["000", "257", "377"])
        }
        let old = KeyLayout(shardCount: 64)
        #expect((0..<64).map { old.tag(of: $0) } == (0..<64).map(String.init))
    }

    @Test(arguments: [64, 256, 1_024])
    func aShardIsNamedByItsNumberOrItsTag(count: Int) {
        let layout = KeyLayout(shardCount: count)
        for shard in 0..<count {
            #expect(layout.shard(named: "\(shard)") == shard)
            #expect(layout.shard(named: "{\(layout.tag(of: shard))}") == shard)
        }
        for name in [
            "", "{", "{}", "{dir}", "-1", "+1", "007", "{8888}", "{-1}", "{+01}", "\(count)",
        ] {
            #expect(layout.shard(named: name) == nil, "\(name)")
        }
        #expect(layout.shard(named: "{9}") == (count == 64 ? 9 : nil))
        #expect(layout.shard(named: "{011}") == (count == 64 ? nil : 9))
    }

    @Test func namesOfTheShardAndTheDirectory() {
        let text = { (bytes: Bytes) in String(decoding: bytes, as: UTF8.self) }
        #expect(text(layout.marksKey(shard: 7)) == "odo:1:{007}:marks")
        #expect(text(layout.auditKey(shard: 7)) == "odo:1:{007}:audit")
        #expect(text(layout.ledgerKey) == "odo:1:{dir}:ledger")
        #expect(text(layout.credentialKey(hash: "ab" as Bytes)) == "odo:1:{dir}:credential:ab")
        #expect(
            text(layout.profileKey(organization: "acme", kind: "user", id: "u:1"))
                == "odo:1:{257}:acme:directory:user:u%3A1")
        #expect(KeyLayout.isValidPrefix("a.B_9-") && !KeyLayout.isValidPrefix(""))
        #expect(!KeyLayout.isValidPrefix("a:b") && !KeyLayout.isValidPrefix("é"))
    }

    @Test(arguments: [false, true])
    func seriesBucketsHoldTheirNumbers(isFamily: Bool) {
        for window in Window.allCases {
            for number in stride(from: Int32(-40_000), through: 40_000, by: 487) {
                let number = window == .all ? 0 : number
                let bucket = KeyLayout.seriesBucket(window, number, isFamily: isFamily)
                #expect(bucket.contains(number))
                let name = { (number: Int32) -> [UInt8] in
                    var suffix: [UInt8] = []
                    KeyLayout.appendCellKeySuffix(
                        meter: Array("m".utf8), isFamily: isFamily, shape: .series, window: window,
                        number: number, to: &suffix)
                    return suffix
                }
                #expect(name(bucket.lowerBound) == name(bucket.upperBound))
                if window != .all {
                    #expect(name(bucket.lowerBound - 1) != name(number))
                    #expect(name(bucket.upperBound + 1) != name(number))
                }
                let fields = Set(
                    bucket.map {
                        KeyLayout.seriesMember(meter: Array("m".utf8), window: window, number: $0)
                    })
                #expect(fields.count == bucket.count && bucket.count <= 128)
                guard window != .all else { continue }
                for number in bucket {
                    let member = KeyLayout.seriesMember(meter: [], window: window, number: number)
                    let read = member.withUnsafeBytes {
                        KeyLayout.seriesNumber($0, window, in: bucket)
                    }
                    #expect(read == number)
                }
            }
        }
    }
}

/// A small generator (xorshift) whose numbers a seed repeats.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
