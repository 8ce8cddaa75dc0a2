internal import Metering

/// Reads a compiled file of the tz database (TZif, RFC 9636).
struct ZoneFile {
    /// The zone.
    let zone: Zone
    /// Short names that its clocks use now, such as `CET` and `CEST`.
    let shortNames: [String]
    /// The years whose changes are listed that the rule makes; later ones it is asked for.
    private static let listedYears: ClosedRange<Int32> = 1900...2100

    /// Where the parts of one block of the file are.
    private struct Block {
        var timeBytes: Int
        var start: Int
        var leapCount, changeCount, typeCount, nameBytes: Int
        var typesStart: Int { start + changeCount * timeBytes }
        var offsetsStart: Int { typesStart + changeCount }
        var namesStart: Int { offsetsStart + typeCount * 6 }
        var end: Int

        /// The block whose header begins at `header`; nil where the file is too short or wrong.
        init?(_ bytes: [UInt8], header: Int, timeBytes: Int) {
            guard bytes.count >= header + 44, bytes[header..<header + 4] == ArraySlice("TZif".utf8)
            else { return nil }
            var counts: [Int] = []
            for index in 0..<6 {
                let count = Int(ZoneFile.number(bytes, header + 20 + index * 4, 4))
                // A hundred times what real files have; products cannot overflow then.
                guard (0...100_000).contains(count) else { return nil }
                counts.append(count)
            }
            self.timeBytes = timeBytes
            start = header + 44
            (leapCount, changeCount, typeCount, nameBytes) = (
                counts[2], counts[3], counts[4], counts[5]
            )
            end =
                start + changeCount * (timeBytes + 1) + typeCount * 6 + nameBytes
                + leapCount * (timeBytes + 4) + counts[1] + counts[0]
            guard typeCount >= 1, typeCount <= 256, nameBytes >= 1, end <= bytes.count else {
                return nil
            }
        }
    }

    /// The zone in these bytes; nil where they are no such file, or one that counts leap seconds.
    init?(name: String, bytes: [UInt8]) {
        guard bytes.count >= 44, var block = Block(bytes, header: 0, timeBytes: 4) else {
            return nil
        }
        var rule: ZoneRule?
        var shortNames: [String] = []
        if bytes[4] >= UInt8(ascii: "2") {
            guard let second = Block(bytes, header: block.end, timeBytes: 8) else { return nil }
            block = second
            guard let footer = Self.footer(bytes, from: block.end) else { return nil }
            if !footer.isEmpty {
                guard let read = ZoneRuleText.read(footer) else { return nil }
                rule = read.rule
                shortNames = read.names
            }
        }
        // Unix time has no leap seconds, so such times would be off by 27 seconds.
        guard block.leapCount == 0 else { return nil }
        guard let listed = Self.listed(bytes, block) else { return nil }
        if shortNames.isEmpty { shortNames = [listed.lastName] }
        self.shortNames = shortNames
        zone = Self.zone(name, listed.changes, listed.offsets, rule)
    }

    /// The changes that a file lists.
    private static func listed(
        _ bytes: [UInt8], _ block: Block
    ) -> (changes: [Int64], offsets: [Int32], lastName: String)? {
        var types: [(offset: Int32, name: Int)] = []
        for index in 0..<block.typeCount {
            let at = block.offsetsStart + index * 6
            let offset = number(bytes, at, 4)
            guard abs(offset) < 26 * 3_600, Int(bytes[at + 5]) < block.nameBytes else {
                return nil
            }
            types.append((Int32(offset), Int(bytes[at + 5])))
        }
        var changes: [Int64] = []
        // Before the first change the first type holds.
        var offsets = [types[0].offset]
        var last = 0
        for index in 0..<block.changeCount {
            let second = number(bytes, block.start + index * block.timeBytes, block.timeBytes)
            last = Int(bytes[block.typesStart + index])
            guard last < types.count, changes.last.map({ $0 < second }) ?? true else { return nil }
            changes.append(second)
            offsets.append(types[last].offset)
        }
        let name = bytes[(block.namesStart + types[last].name)..<block.namesStart + block.nameBytes]
        return (changes, offsets, String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
    }

    /// A zone of these changes and of those that the rule makes after them.
    private static func zone(
        _ name: String, _ listed: [Int64], _ listedOffsets: [Int32], _ rule: ZoneRule?
    ) -> Zone {
        var changes: [Int64] = []
        var offsets = [listedOffsets[0]]
        func add(_ second: Int64, _ offset: Int64) {
            // A change of the short name alone is none.
            guard Int64(offsets[offsets.count - 1]) != offset else { return }
            changes.append(second)
            offsets.append(Int32(offset))
        }
        for (index, second) in listed.enumerated() { add(second, Int64(listedOffsets[index + 1])) }
        // Without changes in the file the rule is all there is.
        if let rule, listed.isEmpty { offsets = [Int32(rule.standard)] }
        guard let rule, rule.daylight != nil else {
            return Zone(name: name, changes: changes, offsets: offsets, rule: nil)
        }
        let last = listed.last ?? .min
        // The last change may be in the year before by its own clocks.
        let first = CivilDate(day: Int32(clamping: floorDivide(last, 86_400))).year - 1
        for year in listedYears where year >= first {
            for change in rule.changes(year: year) where change.second > last {
                add(change.second, change.offset)
            }
        }
        return Zone(name: name, changes: changes, offsets: offsets, rule: rule)
    }

    /// The TZ text between two line ends at `start`; nil where there is none.
    private static func footer(_ bytes: [UInt8], from start: Int) -> ArraySlice<UInt8>? {
        let lineEnd = UInt8(ascii: "\n")
        guard start < bytes.count, bytes[start] == lineEnd,
            let end = bytes[(start + 1)...].firstIndex(of: lineEnd)
        else { return nil }
        return bytes[(start + 1)..<end]
    }

    /// A signed number of 4 or 8 bytes, the most significant first.
    private static func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int64 {
        let bits = bytes[at..<at + count].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return count == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
    }
}
