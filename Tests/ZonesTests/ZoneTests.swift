import Foundation
import Metering
import Testing

@testable import Zones

/// Zones of the system's database, and texts of rules.
@Suite struct ZoneTests {
    private func zone(_ name: String) throws -> Zone { try ZoneDatabase.system.zone(named: name) }

    /// Seconds since 1970 of a date and a time of day.
    private func local(_ year: Int32, _ month: Int32, _ day: Int32, _ clock: Int64...) -> Int64 {
        let parts = clock + [0, 0, 0]
        let date = CivilDate(year: year, monthOfYear: month, dayOfMonth: day)
        return Int64(date.dayNumber) * 86_400 + parts[0] * 3_600 + parts[1] * 60
            + parts[2]
    }

    @Test func anHourThatComesTwiceIsItsFirst() throws {
        let berlin = try zone("Europe/Berlin")
        let first = local(2025, 10, 26, 0, 30)
        #expect(
            berlin.time(ofLocal: local(2025, 10, 26, 2, 30)) == .twice(first, first + 3_600))
        #expect(berlin.time(ofLocal: local(2025, 10, 26, 2, 30)).second == first)
        #expect(berlin.time(ofLocal: local(2025, 10, 26, 3)) == .once(local(2025, 10, 26, 2)))
    }

    @Test func anHourThatIsLeftOutMovesOnByTheGap() throws {
        let berlin = try zone("Europe/Berlin")
        #expect(
            berlin.time(ofLocal: local(2025, 3, 30, 2, 30))
                == .skipped(local(2025, 3, 30, 1, 30), gap: 3_600))
        #expect(berlin.time(ofLocal: local(2025, 3, 30, 3)) == .once(local(2025, 3, 30, 1)))
        // Half an hour on Lord Howe, and a whole day that Samoa left out.
        let howe = try zone("Australia/Lord_Howe")
        #expect(
            howe.time(ofLocal: local(2025, 10, 5, 2, 10))
                == .skipped(local(2025, 10, 4, 15, 40), gap: 1_800))
        let apia = try zone("Pacific/Apia")
        #expect(
            apia.time(ofLocal: local(2011, 12, 30, 12))
                == .skipped(local(2011, 12, 30, 22), gap: 86_400))
    }

    @Test func rulesHoldAfterWhatTheFileLists() throws {
        let berlin = try zone("Europe/Berlin")
        for year: Int32 in [2099, 2101, 2500] {
            #expect(berlin.offset(at: local(year, 7, 1)) == 7_200)
            #expect(berlin.offset(at: local(year, 1, 1)) == 3_600)
        }
        let span = berlin.span(at: local(2500, 7, 1))
        #expect(span.offset == 7_200 && span.start == local(2500, 3, 28, 1))
        #expect(span.end == local(2500, 10, 31, 1))
        #expect(try zone("Asia/Kolkata").offset(at: local(2500, 1, 1)) == 19_800)
    }

    @Test func namesAreThoseOfTheDatabase() {
        func fault(_ name: String) -> ZoneDatabase.Fault? {
            do throws(ZoneDatabase.Fault) {
                _ = try ZoneDatabase.system.zone(named: name)
                return nil
            } catch { return error }
        }
        #expect(fault("UTC") == nil)
        #expect(fault("Etc/GMT+5") == nil)
        #expect(fault("Berlin") == .unknownName(suggestions: ["Europe/Berlin"]))
        #expect(fault("europe/berlin") == .unknownName(suggestions: ["Europe/Berlin"]))
        #expect(fault("Europe/Berln") == .unknownName(suggestions: ["Europe/Berlin"]))
        // In Foundation it is a zone, that of Dhaka.
        #expect(fault("BST") == .unknownName(suggestions: ["Europe/London"]))
        for name in ["", "Europe", "zone.tab", "../zoneinfo/UTC", "/etc/passwd"] {
            #expect(fault(name) == .unknownName(suggestions: []), "\(name)")
        }
    }

    @Test func withoutFilesOnlyUTCIsKnown() throws {
        let database = ZoneDatabase(directory: "/nonexistent")
        #expect(database.version == nil)
        #expect(try database.zone(named: "UTC").offset(at: 0) == 0)
        #expect(throws: ZoneDatabase.Fault.noDatabase("/nonexistent")) {
            try database.zone(named: "Europe/Berlin")
        }
    }

    @Test func filesThatAreCutShortAreRefused() throws {
        let path = ZoneDatabase.system.directory + "/America/New_York"
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(ZoneFile(name: "x", bytes: bytes) != nil)
        for count in stride(from: 0, to: bytes.count - 1, by: 7) {
            #expect(ZoneFile(name: "x", bytes: Array(bytes.prefix(count))) == nil)
        }
        // Damaged bytes may give another zone, but never a trap.
        for at in 0..<bytes.count {
            var damaged = bytes
            damaged[at] ^= 0xFF
            if let zone = ZoneFile(name: "x", bytes: damaged)?.zone {
                _ = zone.time(ofLocal: 1_795_908_209)
            }
        }
    }

    /// Older compilers write a first change at −2^59: the years since then are not gone through.
    @Test func aZoneWhoseOnlyChangeIsLongAgoIsReadAtOnce() throws {
        func header(changes: UInt8) -> [UInt8] {
            let counts: [UInt8] = [0, 0, 0, changes, 1, 4]
            return Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
                + counts.flatMap { [0, 0, 0, $0] }
        }
        let type: [UInt8] = [0, 0, 0x0E, 0x10, 0, 0] + Array("CET".utf8) + [0]
        let first = withUnsafeBytes(of: (-(Int64(1) << 59)).bigEndian) { Array($0) }
        let bytes =
            header(changes: 0) + type + header(changes: 1) + first + [0] + type
            + Array("\nCET-1CEST,M3.5.0,M10.5.0/3\n".utf8)
        let zone = try #require(ZoneFile(name: "x", bytes: bytes)?.zone)
        #expect(zone.offset(at: local(2026, 7, 1)) == 7_200)
        #expect(zone.offset(at: local(2026, 1, 1)) == 3_600)
        #expect(zone.offset(at: local(2500, 7, 1)) == 7_200)
    }

    @Test func anUpdateOfTheFilesIsRead() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let system = URL(fileURLWithPath: ZoneDatabase.system.directory)
        func put(_ name: String) throws {
            let target = folder.appendingPathComponent("Here")
            try? FileManager.default.removeItem(at: target)
            try Data(contentsOf: system.appendingPathComponent(name)).write(to: target)
        }
        let database = ZoneDatabase(directory: folder.path)
        try put("Asia/Kolkata")
        #expect(try database.zone(named: "Here").offset(at: 0) == 19_800)
        #expect(try database.zone(named: "Here").offset(at: 0) == 19_800)
        try put("Asia/Tokyo")
        #expect(try database.zone(named: "Here").offset(at: 0) == 32_400)
        #expect(database.names == ["Here"])
    }

    @Test func textsOfRulesAreRead() throws {
        func rule(_ text: String) -> ZoneRule? { ZoneRuleText.read(ArraySlice(text.utf8))?.rule }
        #expect(rule("<+0545>-5:45") == ZoneRule(standard: 20_700))
        let berlin = try #require(rule("CET-1CEST,M3.5.0,M10.5.0/3"))
        #expect(berlin.standard == 3_600 && berlin.daylight?.offset == 7_200)
        #expect(berlin.changes(year: 2026).map(\.second) == [1_774_746_000, 1_792_890_000])
        // The day before the last Sunday, as Greenland has it.
        let nuuk = try #require(rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"))
        #expect(nuuk.changes(year: 2026).map(\.second) == [1_774_746_000, 1_792_890_000])
        let julian = try #require(rule("AAA3BBB,J60,300/25:00:01"))
        #expect(julian.changes(year: 2024)[0].second == local(2024, 3, 1, 5))
        #expect(julian.changes(year: 2023)[1].second == local(2023, 10, 29, 3, 0, 1))
        for text in [
            "", "CET", "CE-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,M3.5.0,M10.5.0/168", "CET-25", "<+05-5", "CET-1x",
        ] {
            #expect(rule(text) == nil, "\(text)")
        }
    }

    @Test func versionsGrowOld() {
        #expect(!ZoneDatabase.isOld(version: "2025b", at: local(2027, 6, 30, 23)))
        #expect(ZoneDatabase.isOld(version: "2025b", at: local(2027, 7, 1)))
        #expect(ZoneDatabase.isOld(version: "unknown", at: 0))
    }
}
