/// A clause that takes the event at hand, and which of its windows are written.
struct ActiveClause {
    let number: Int
    let moment: OracleMoment
    /// One bit for each window, in the meter's order; a grid, which has no windows, has the first
    /// bit.
    let windows: UInt8
}

extension Oracle {
    /// Finds the clauses that take the event; false when there are some and all their windows have
    /// expired.
    mutating func activate(_ timestamp: Int64) -> Bool {
        active.removeAll(keepingCapacity: true)
        var isAlive = false
        let eventMoment = OracleMoment(nanoseconds: reader.nanoseconds)
        let clauses = reader.program.types[reader.type].clauses
        for number in clauses.indices where takes(clauses[number]) {
            let clause = clauses[number]
            let meter = reader.program.meters[clause.meter]
            let moment = clause.timeField.map {
                OracleMoment(nanoseconds: reader.fields[$0].number)
            }
            var windows: UInt8 = meter.kind == .grid ? 1 : 0
            for (place, window) in meter.windows.enumerated()
            where Self.isLive(window, moment ?? eventMoment, timestamp) {
                windows |= 1 << UInt8(place)
            }
            isAlive = isAlive || windows != 0
            active.append(
                ActiveClause(number: number, moment: moment ?? eventMoment, windows: windows))
        }
        return isAlive || active.isEmpty
    }

    private func takes(_ clause: OracleProgram.Clause) -> Bool {
        for field in clause.needs where !reader.fields[field].isPresent { return false }
        for condition in clause.when {
            let text = reader.scratch[reader.fields[condition.field].text]
            if condition.values.contains(where: { text.elementsEqual($0) }) == condition.isNot {
                return false
            }
        }
        for (field, range) in clause.ranges {
            let value = reader.fields[field]
            guard value.isUsable, range.contains(value.number) else { return false }
        }
        for field in clause.mustHave where !reader.fields[field].isUsable { return false }
        if let each = clause.each { return !reader.entries[each].isEmpty }
        return true
    }

    private static func isLive(
        _ window: OracleProgram.Window, _ moment: OracleMoment, _ timestamp: Int64
    ) -> Bool {
        guard timestamp >= 0, let retention = window.retentionMilliseconds,
            let end = moment.endMilliseconds(of: window.kind)
        else { return true }
        return end + retention > timestamp
    }

    /// Adds an accepted event, whose record has that timestamp, to its cells.
    mutating func apply(_ shard: Int, _ timestamp: Int64) {
        if !reader.hasOwnTime { timeless += 1 }
        let clauses = reader.program.types[reader.type].clauses
        for entry in active {
            let clause = clauses[entry.number]
            let meter = reader.program.meters[clause.meter]
            expiredWindows += Int64(max(1, meter.windows.count) - entry.windows.nonzeroBitCount)
            startName(shard)
            writeScopes(clause, meter, entry)
            guard !meter.lists.isEmpty else { continue }
            startName(shard, reserved: "%all")
            writeScopes(clause, meter, entry)
            writeLists(shard, meter, entry.moment, timestamp)
        }
    }

    /// Writes all scopes of one owner of cells; `name` holds the key's name up to the owner.
    private mutating func writeScopes(
        _ clause: OracleProgram.Clause, _ meter: OracleProgram.Meter, _ entry: ActiveClause
    ) {
        let base = name.count
        let entries = clause.each.map { reader.entries[$0] } ?? [EachEntry()]
        for each in entries {
            for scope in clause.scopes {
                name.truncate(to: base)
                for dimension in scope {
                    name.put(byte: 0x3A)
                    name.put(dimension.label)
                    putInName(dimension.source, each)
                }
                write(clause, meter, entry, each)
            }
        }
    }

    /// Counts the event's organization in the lists of a meter's organizations.
    private mutating func writeLists(
        _ shard: Int, _ meter: OracleProgram.Meter, _ moment: OracleMoment, _ timestamp: Int64
    ) {
        for window in meter.lists where Self.isLive(window, moment, timestamp) {
            startName(shard, reserved: "%subjects")
            name.put(byte: 0x3A)
            name.put(meter.name)
            name.put(byte: 0x3A)
            moment.putKeyLabel(window.kind, .single, into: &name)
            member.clear()
            reader.putSubject(into: &member)
            var expirySeconds: Int64 = 0
            if let retention = window.retentionMilliseconds,
                let end = moment.endMilliseconds(of: window.kind)
            {
                expirySeconds = (end + retention) / 1_000
            }
            let key = cells.key(name.bytes, shape: .hash, expirySeconds: expirySeconds)
            cells.add(1, to: key | cells.member(member.bytes))
        }
    }

    /// Writes the windows of one scope; `name` holds the key's name up to the scope.
    private mutating func write(
        _ clause: OracleProgram.Clause, _ meter: OracleProgram.Meter, _ entry: ActiveClause,
        _ each: EachEntry
    ) {
        let base = name.count
        if meter.kind == .grid {
            name.put(byte: 0x3A)
            name.put(meter.name)
            name.put(":grid:")
            name.put(decimal: entry.moment.weekday)
            member.clear()
            member.put(twoDigits: entry.moment.hour)
            let key = cells.key(name.bytes, shape: .hash, expirySeconds: 0)
            cells.add(amount(clause), to: key | cells.member(member.bytes))
            return
        }
        for (place, window) in meter.windows.enumerated()
        where entry.windows & (1 << UInt8(place)) != 0 {
            name.truncate(to: base)
            name.put(byte: 0x3A)
            member.clear()
            if meter.isSeries, window.kind == .all {
                name.put("totals")
                member.put(meter.name)
            } else {
                name.put(meter.family ?? meter.name)
                name.put(byte: 0x3A)
                entry.moment.putKeyLabel(window.kind, meter.extent, into: &name)
                if meter.family != nil {
                    member.put(meter.name)
                    member.put(byte: 0x3A)
                }
                if meter.isSeries {
                    entry.moment.putMemberLabel(window.kind, into: &member)
                } else {
                    putMember(clause, meter, each)
                }
            }
            var expirySeconds: Int64 = 0
            if let retention = window.retentionMilliseconds,
                let end = entry.moment.keyEndMilliseconds(of: window.kind, meter.extent)
            {
                expirySeconds = (end + retention) / 1_000
            }
            let shape: ExpectedShape =
                meter.kind == .ranking ? .sortedSet : meter.kind == .distinct ? .distinct : .hash
            let key = cells.key(name.bytes, shape: shape, expirySeconds: expirySeconds)
            change(key | cells.member(member.bytes), clause, meter)
        }
    }

    /// Appends the member of a cell that is not in a series.
    private mutating func putMember(
        _ clause: OracleProgram.Clause, _ meter: OracleProgram.Meter, _ each: EachEntry
    ) {
        if meter.kind == .histogram {
            member.put(decimal: Self.step(of: number(clause)))
            return
        }
        if let source = clause.of {
            putInMember(source, each, escaped: false)
            return
        }
        for (place, source) in clause.by.enumerated() {
            if place > 0 { member.put(byte: 0x3A) }
            putInMember(source, each, escaped: true)
        }
    }

    private mutating func change(
        _ cell: UInt64, _ clause: OracleProgram.Clause, _ meter: OracleProgram.Meter
    ) {
        switch meter.kind {
        case .count, .sum, .level, .ranking, .grid:
            cells.add(amount(clause), to: cell)
        case .histogram:
            cells.add(1, to: cell)
        case .distinct:
            cells.insert(cell)
        case .extreme:
            switch meter.keep {
            case .min: cells.meet(number(clause), at: cell, keepsLarger: false)
            case .max, nil: cells.meet(number(clause), at: cell, keepsLarger: true)
            case .first, .last:
                cells.witness(
                    witness(clause), nanoseconds: reader.nanoseconds, at: cell,
                    keepsLater: meter.keep == .last)
            }
        }
    }

    private func amount(_ clause: OracleProgram.Clause) -> Int64 {
        guard let field = clause.amountField else { return clause.constant }
        return clause.isNegated ? -reader.fields[field].number : reader.fields[field].number
    }

    /// The value of an extreme or histogram.
    private func number(_ clause: OracleProgram.Clause) -> Int64 {
        clause.valueField.map { reader.fields[$0].number } ?? reader.nanoseconds
    }

    private func witness(_ clause: OracleProgram.Clause) -> [UInt8] {
        guard let field = clause.valueField else {
            return ExpectedCells.twentyDigits(reader.nanoseconds)
        }
        let kind = reader.program.types[reader.type].fields[field].declaration.kind
        guard kind == .text || kind == .boolean else {
            return ExpectedCells.twentyDigits(reader.fields[field].number)
        }
        return Array(reader.scratch[reader.fields[field].text])
    }

    /// The step of a histogram in which a value lies.
    static func step(of value: Int64) -> Int {
        guard value >= 128 else { return Int(max(0, value)) }
        let exponent = 63 - value.leadingZeroBitCount
        return (exponent - 6) * 64 + Int(value >> Int64(exponent - 6))
    }

    private mutating func putInName(_ source: OracleProgram.DimensionSource, _ each: EachEntry) {
        reader.put(source, each, escaped: true, into: &name)
    }

    private mutating func putInMember(
        _ source: OracleProgram.DimensionSource, _ each: EachEntry, escaped: Bool
    ) {
        reader.put(source, each, escaped: escaped, into: &member)
    }
}

extension EventReader {
    /// Appends the value of a dimension.
    func put(
        _ source: OracleProgram.DimensionSource, _ each: EachEntry, escaped: Bool,
        into writer: inout ByteWriter
    ) {
        let range: Range<Int>
        switch source {
        case .eachKey: range = each.key
        case .eachValue: range = each.value
        case .field(let field): range = fields[field].text
        }
        for place in range {
            if escaped {
                Escaping.append(scratch[place], to: &writer)
            } else {
                writer.put(byte: scratch[place])
            }
        }
    }

    /// Appends the event's organization as keys have it.
    func putSubject(into writer: inout ByteWriter) {
        for place in subject { Escaping.append(scratch[place], to: &writer) }
    }
}
