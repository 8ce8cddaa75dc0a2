import CEventScan

/// Meters that are also counted over all organizations.
///
/// Each shard has two owners of cells beside its organizations. Their names are no escaped id,
/// because in one a "%" is followed by two hexadecimal digits.
public enum Across {
    /// The owner, as keys have it, of the cells of all of a shard's organizations together.
    public static let all = Array("%all".utf8)
    /// The owner of the tables that list a shard's organizations: one a meter and month.
    ///
    /// A table's members are escaped ids, their values how often a clause took an event.
    public static let list = Array("%subjects".utf8)
    /// The name in questions of the organization; no dimension of such a meter has it.
    public static let dimension = "subject"

    /// Why a meter cannot be counted over all organizations, a clause for people; nil where it can
    /// or does not ask for it.
    static func refusal(of meter: MeterDeclaration) -> String? {
        guard meter.isAcross else { return nil }
        if meter.answerForm == .grid {
            return "a \(meter.kind.rawValue) is not counted over organizations ('across'): no "
                + "question asks for it"
        }
        guard !(meter.by + meter.scopes.joined()).contains(dimension) else {
            return "with 'across' no dimension is named '\(dimension)': that is the organization"
        }
        return nil
    }

    /// The windows of the list, and how long each is kept: at least as long as any cell of the
    /// meter.
    public static func listRetention(
        of meter: MeterDeclaration
    ) -> [(window: Window, retention: MeterDeclaration.Retention)] {
        var longest: Int64 = 0
        var isForever = false
        for window in meter.windows {
            switch window == .all ? .forever : meter.retention(of: window) {
            case .forever: isForever = true
            case .seconds(let seconds): longest = max(longest, seconds)
            }
        }
        let month: MeterDeclaration.Retention = isForever ? .forever : .seconds(longest)
        return [(.month, month)] + (meter.windows.contains(.all) ? [(.all, .forever)] : [])
    }
}

extension Lowering {
    mutating func lowerAcross() {
        across = (
            text(String(decoding: Across.all, as: UTF8.self)),
            text(String(decoding: Across.list, as: UTF8.self))
        )
    }

    /// The names of `Across`, ready to be looked up.
    func acrossKeys(_ seed: SymbolSeed) -> (all: SymbolKey, list: SymbolKey) {
        (SymbolKey(across.all.bytes, seed), SymbolKey(across.list.bytes, seed))
    }

    /// Lowers a clause in one scope once more, for all organizations together, and in its first
    /// scope the list of organizations; returns how many cells an event changes by the list.
    mutating func repeatAcross(_ made: Instruction, _ meter: MeterDeclaration) -> Int {
        var again = made
        again.owner = .all
        again.isFirstScope = false
        instructions.append(again)
        guard made.isFirstScope else { return 0 }
        var list = again
        list.owner = .list
        list.cellSet = UInt16(listSet(of: meter))
        list.firstWindow = Int32(windows.count)
        for (window, retention) in Across.listRetention(of: meter) {
            let seconds: Int64 = if case .seconds(let seconds) = retention { seconds } else { -1 }
            windows.append(WindowRule(window: window, retentionSeconds: seconds))
        }
        list.windowCount = Int32(windows.count) - list.firstWindow
        instructions.append(list)
        return Int(list.windowCount)
    }

    private mutating func listSet(of meter: MeterDeclaration) -> Int {
        let name = "\(meter.name) %subjects"
        if let known = setIndex[name] { return known }
        var retentionSeconds = Window.allCases.map { _ -> Int64 in -1 }
        for (window, retention) in Across.listRetention(of: meter) {
            if case .seconds(let seconds) = retention {
                retentionSeconds[Int(window.rawValue)] = seconds
            }
        }
        cellSets.append(
            CellSet(
                meter: meter.name, family: nil, shape: .table, operation: .add, keepsText: false,
                retentionSeconds: retentionSeconds, most: nil, scope: [], mostScopes: nil))
        setIndex[name] = cellSets.count - 1
        return cellSets.count - 1
    }
}

extension Program {
    /// Counts an event in the list of organizations, once for a clause.
    @inline(never)
    mutating func list(
        _ instruction: UnsafePointer<Instruction>, _ event: EventRule, _ organization: UInt32,
        _ timestampMilliseconds: Int64, _ tally: UnsafeMutablePointer<Tally>
    ) {
        if instruction.pointee.fanOut >= 0 {
            let fanOut = fields[instruction.pointee.fanOut].fanOut
            guard fans[Int(fanOut)].count > 0 else { return }
        }
        var cell = TallyCell(
            cellSet: instruction.pointee.cellSet, window: .all, number: 0,
            organization: tally.pointee.symbols.intern(across.list), scope: 0,
            member: organization, amount: 1)
        let second = windowSecond(of: instruction, event)
        for index in instruction.pointee.windowIndices {
            let rule = windows[index]
            cell.window = rule.window
            cell.number = scratch.number(rule.window, ofSecond: second)
            guard !isExpired(rule, cell.number, timestampMilliseconds) else { continue }
            pending.append(cell, .add, tally)
        }
    }
}
