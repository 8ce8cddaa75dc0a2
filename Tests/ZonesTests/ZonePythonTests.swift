import Foundation
import Testing
import Zones

/// Every zone of the system beside Python's `zoneinfo`, which reads the same files by code of its
/// own.
@Suite struct ZonePythonTests {
    /// Prints `NAME utc SECOND OFFSET` and `NAME local SECOND MEANING`, both for random times and
    /// for times around changes.
    private static let program = #"""
        import datetime, random, zoneinfo
        random.seed(7)
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        for name in sorted(zoneinfo.available_timezones() - {"localtime"}):
            zone = zoneinfo.ZoneInfo(name)
            def offset(second):
                moved = (epoch + datetime.timedelta(seconds=second)).astimezone(zone)
                return int(moved.utcoffset().total_seconds())
            def meaning(local):
                naive = epoch + datetime.timedelta(seconds=local)
                both = [int(naive.replace(tzinfo=zone, fold=fold).utcoffset().total_seconds())
                        for fold in (0, 1)]
                first, second = (local - each for each in both)
                if first == second:
                    return f"once {first}"
                if offset(first) == both[0]:
                    return f"twice {first} {second}"
                return f"skipped {first} {first - second}"
            for _ in range(5):
                second = random.randrange(-3_000_000_000, 5_500_000_000)
                print(name, "utc", second, offset(second))
                print(name, "local", second, meaning(second))
            second = random.randrange(-2_000_000_000, 4_000_000_000)
            for low in range(second, second + 3 * 31_556_952, 864_000):
                high, before = low + 864_000, offset(low)
                if offset(high) == before:
                    continue
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if offset(middle) == before else (low, middle)
                for shift in (-3_601, -1, 0, 1, 1_799, 3_600):
                    for base in (before, offset(high)):
                        local = high + base + shift
                        print(name, "local", local, meaning(local))
        """#

    @Test func everyZoneIsAsPythonHasIt() throws {
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", "-c", Self.program]
        python.environment = ProcessInfo.processInfo.environment.merging(
            ["PYTHONTZPATH": ZoneDatabase.system.directory]) { $1 }
        let output = Pipe()
        python.standardOutput = output
        try python.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        python.waitUntilExit()
        try #require(python.terminationStatus == 0)
        var zones = Set<Substring>()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            let zone = try ZoneDatabase.system.zone(named: String(words[0]))
            zones.insert(words[0])
            let second = try #require(Int64(words[2]))
            guard words[1] == "local" else {
                #expect(zone.offset(at: second) == Int64(words[3]), "\(line)")
                continue
            }
            let found =
                switch zone.time(ofLocal: second) {
                case .once(let time): "once \(time)"
                case .twice(let first, let other): "twice \(first) \(other)"
                case .skipped(let time, let gap): "skipped \(time) \(gap)"
                }
            #expect(found == words[3...].joined(separator: " "), "\(line)")
        }
        #expect(Set(ZoneDatabase.system.names.map { Substring($0) }) == zones)
    }
}
