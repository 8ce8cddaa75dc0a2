import Foundation
import Metering
import Workload

/// Events of a catalog, most of them nearly right and some of them torn to bits.
struct HostileEvents {
    var random: SeededRandom
    let catalog: MeterCatalog
    /// How many of 100 faults are left out.
    var mildness = 0
    private var clock: Int64
    private var count: Int64 = 0
    private var offsets: [Int64] = Array(repeating: 0, count: Twin.partitionNumbers.count)
    private var recent: [LogRecord] = []
    private var timestamp: Int64 = 0
    var beside = Beside()
    /// How many of 100 structured events are in batches, where no catalog says so.
    var listShare = 0

    init(seed: UInt64, catalog: MeterCatalog) {
        random = SeededRandom(seed: seed)
        self.catalog = catalog
        clock = 1_773_066_000_000 + Int64(seed % 1_000) * 7_777_777
    }

    mutating func happens(_ percent: Int) -> Bool {
        let isUsual = random.below(100) < percent
        // What is rare is a fault, and so is what is nearly always so where it is not.
        guard mildness > 0, percent <= 10 || percent >= 90 else { return isUsual }
        return random.below(100) < mildness ? percent >= 90 : isUsual
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[random.below(elements.count)]
    }

    /// The next record: now and then an older one again, often mutated.
    mutating func next() -> LogRecord {
        clock += Int64(random.below(120_000))
        var record: LogRecord
        if happens(12), !recent.isEmpty {
            record = pick(recent)
            if happens(50) { record.timestamp = clock }
        } else {
            timestamp = happens(3) ? pick(EdgeValues.timestamps) : clock
            let isList = catalog.envelope.each != nil || listShare > random.below(100)
            record = happens(18) ? binary() : isList ? list() : structured()
            if happens(15) { mutate(&record) }
        }
        record.partition = random.below(offsets.count)
        if happens(4) { offsets[record.partition] += Int64(random.below(60)) }
        record.offset = offsets[record.partition]
        offsets[record.partition] += 1
        if recent.count < 40 { recent.append(record) } else { recent[random.below(40)] = record }
        return record
    }

    // MARK: Records

    mutating func structured() -> LogRecord {
        let envelope = catalog.envelope
        var event = happens(96) ? pick(catalog.events) : nil
        if case .constant(let type) = envelope.type {
            event = catalog.events.first { $0.type == type }
        }
        let root = JSONTree()
        if envelope.requiresSpecVersion || happens(10) {
            set(root, ["specversion"], happens(98) ? text("1.0") : evil())
        }
        beside = Beside()
        place(root, envelope.id, id())
        place(root, envelope.source, pick(["s", "/a/b", "ü"]))
        place(root, envelope.type, event?.type ?? pick(["other", "shop", "sale.", "token"]))
        place(root, envelope.subject, subject())
        if happens(93) {
            let raw = happens(95) ? time(envelope.timeRule) : evil()
            put(root, envelope.time, raw, bare(raw))
        }
        fill(root, event, from: [])
        if happens(2) { set(root, ["data"], evil()) }
        if happens(4) { encodeData(of: root) }
        if envelope.inside == ["data"], happens(80) { packData(of: root) }
        var record = LogRecord(
            timestamp: timestamp, key: happens(80) ? Array("org".utf8) : nil, value: render(root))
        addBeside(&record)
        if happens(3) {
            contentType(&record)
            if happens(70) { header(&record, "id", id()) }
        }
        return record
    }

    /// As the Python SDK writes it where a producer hands over bytes.
    private mutating func encodeData(of root: JSONTree) {
        let data = happens(90) ? render(root.node(at: ["data"])) : evil()
        var base64 = Data(data).base64EncodedString()
        if happens(5) { base64 = String(base64.dropLast(random.below(4))) }
        if happens(5) {
            base64 = pick(["", "====", "AA=A", "A===", "!", "bnVsbA==", "e30=", " e30="])
        }
        if happens(95) { root.members.removeAll { $0.name == "data" } }
        set(root, ["data_base64"], happens(98) ? text(base64) : evil())
    }

    private mutating func contentType(_ record: inout LogRecord) {
        let type = pick([
            "application/cloudevents+json", "application/CloudEvents+JSON; charset=utf-8",
            "application/json", "application/cloudevents-batch+json", "",
        ])
        let name = happens(90) ? "content-type" : pick(["Content-Type", "contenttype"])
        record.headers.append((Array(name.utf8), happens(95) ? Array(type.utf8) : nil))
    }

    private mutating func binary() -> LogRecord {
        let event = happens(96) ? pick(catalog.events) : nil
        var record = LogRecord(timestamp: timestamp, key: nil, value: nil)
        if happens(95) { header(&record, "specversion", happens(96) ? "1.0" : "0.3") }
        if happens(98) { header(&record, "id", id()) }
        if happens(98) { header(&record, "source", pick(["s", "/a/b", "ü"])) }
        if happens(98) { header(&record, "type", event?.type ?? "other") }
        if happens(catalog.envelope.requiresSpecVersion ? 98 : 70) {
            header(&record, "subject", subject())
        }
        if happens(85) { header(&record, "time", rfc3339(moment())) }
        if happens(20) { header(&record, "dataschema", "x") }
        if happens(5) { record.headers.append((Array("ce_id".utf8), nil)) }
        if happens(5) { record.headers.append((Array("ce_".utf8), [1])) }
        if happens(5) { record.headers.append((Array("ce_subject".utf8), pick(EdgeValues.broken))) }
        let root = JSONTree()
        beside = Beside()
        fill(root, event, from: ["data"])
        if happens(90) { record.value = happens(97) ? render(root) : evil() }
        addBeside(&record)
        if happens(3) { contentType(&record) }
        return record
    }

    private mutating func header(_ record: inout LogRecord, _ name: String, _ value: String) {
        record.headers.append((Array("ce_\(name)".utf8), Array(value.utf8)))
        if happens(2) { record.headers.append((Array("ce_\(name)".utf8), Array("twice".utf8))) }
    }

    private mutating func id() -> String {
        happens(85) ? "id-\(random.below(5_000))" : pick(EdgeValues.texts)
    }

    private mutating func subject() -> String {
        happens(90) ? pick(EdgeValues.organizations) : pick(EdgeValues.texts)
    }

    // MARK: Members

    mutating func place(_ root: JSONTree, _ source: Envelope.Source, _ value: String) {
        switch source {
        case .constant: return
        case .pointer(let pointer):
            if happens(99) { set(root, pointer, happens(98) ? text(value) : evil()) }
        case .places(let places, let takesAny):
            guard happens(99) else { return }
            let raw = happens(98) ? takesAny ? scalar(value) : text(value) : evil()
            put(root, places, raw, value)
        }
    }

    /// What a value is in a header or key, where a text has no quotes.
    private func bare(_ raw: [UInt8]) -> String {
        let text = String(decoding: raw, as: UTF8.self)
        return text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text
    }

    /// A text as a string, or as the number or word that it is; now and then another number.
    mutating func scalar(_ value: String) -> [UInt8] {
        if happens(3) { return Array(pick(EdgeValues.numbers).utf8) }
        let isBare = value == "true" || value == "false" || Int64(value) != nil
        return isBare && happens(60) ? Array(value.utf8) : text(value)
    }

    func set(_ root: JSONTree, _ pointer: [String], _ raw: [UInt8]) {
        root.node(at: pointer[...]).raw = raw
    }

    private mutating func fill(_ root: JSONTree, _ event: EventDeclaration?, from base: [String]) {
        let event = event ?? catalog.events[0]
        for field in event.fields {
            if happens(field.isRequired ? 2 : 20) { continue }
            if field.isFanOut, case .pointer(let pointer) = field.places[0] {
                guard pointer.starts(with: base), happens(95) else { continue }
                fillEntries(of: field, root.node(at: pointer.dropFirst(base.count)))
                continue
            }
            let raw =
                happens(5) ? happens(40) ? Array("null".utf8) : evil() : value(of: field)
            put(root, field.places, raw, bare(raw), from: base)
        }
        if happens(10) { set(root, ["deep"], nested()) }
        if happens(10) { set(root, ["more"], evil()) }
        if happens(6) { root.repeatMember(&random) }
    }

    mutating func value(of field: FieldDeclaration) -> [UInt8] {
        switch field.kind {
        case .text:
            let word = field.from == .any && happens(50) ? "\(random.below(20))" : word(of: field)
            return field.from == .any ? scalar(word) : text(word)
        case .boolean: return happens(97) ? Array(pick(["true", "false"]).utf8) : evil()
        case .integer, .decimal:
            // Where there are decimals, many fields are numbers.
            let isUsual = happens(field.kind == .integer && field.from == .itself ? 75 : 96)
            var number = isUsual ? "\(random.below(300))" : pick(EdgeValues.numbers)
            if field.kind == .decimal, happens(70) {
                let decimals = "\(random.below(2)).\(random.below(1_000_000))"
                number = happens(92) ? decimals : pick(EdgeValues.decimals)
            }
            return field.from == .text && happens(50) ? text(number) : Array(number.utf8)
        case .time: return happens(95) ? time(field.time) : text(pick(EdgeValues.times))
        }
    }

    private mutating func item(of field: FieldDeclaration) -> [UInt8] {
        let isNumber = field.from == .any && happens(20)
        return isNumber ? scalar("\(random.below(9))") : text(word(of: field))
    }

    private mutating func word(of field: FieldDeclaration) -> String {
        if !field.values.isEmpty, happens(95) { return pick(field.values) }
        return happens(60) ? "w\(random.below(9))" : pick(EdgeValues.texts)
    }

    private mutating func fillEntries(of field: FieldDeclaration, _ node: JSONTree) {
        let count = happens(90) ? random.below(5) : 30 + random.below(6)
        guard happens(70) else {
            var items: [[UInt8]] = []
            for _ in 0..<count { items.append(happens(98) ? item(of: field) : evil()) }
            node.raw = [91] + items.joined(separator: [44] + space()) + [93]
            return
        }
        for index in 0..<count {
            let entry = JSONTree()
            entry.raw = happens(98) ? item(of: field) : evil()
            let name = happens(99) ? "k\(index)" : happens(50) ? "k0" : pick(EdgeValues.texts)
            node.members.append((name: name, node: entry))
        }
    }

    private mutating func nested() -> [UInt8] {
        let depth = 58 + random.below(8)
        let inside = pick(["", "1", "\"x\"", "{}", "[]"])
        let isArray = happens(50)
        let open = isArray ? "[" : "{\"a\":"
        return Array(
            (String(repeating: open, count: depth) + (isArray || !inside.isEmpty ? inside : "0")
                + String(repeating: isArray ? "]" : "}", count: depth)).utf8)
    }

    mutating func evil() -> [UInt8] {
        switch random.below(6) {
        case 0: return Array(pick(EdgeValues.numbers).utf8)
        case 1: return text(pick(EdgeValues.texts))
        case 2: return Array(pick(EdgeValues.strings).utf8)
        default: return Array(pick(EdgeValues.values).utf8)
        }
    }

    // MARK: Times

    mutating func moment() -> Int64 {
        let base = timestamp >= 0 && timestamp < 4_000_000_000_000 ? timestamp : clock
        let delta = happens(50) ? -Int64(random.below(3_000_000)) : pick(EdgeValues.deltas)
        return (base + delta) * 1_000_000 + Int64(happens(10) ? random.below(3) - 1 : 0)
    }

    // MARK: Bytes

    mutating func space() -> [UInt8] {
        happens(92) ? [] : pick([[32], [10], [13, 10], [9, 32]])
    }

    /// A JSON string with some characters escaped.
    mutating func text(_ string: String) -> [UInt8] {
        var bytes: [UInt8] = [34]
        let isEscaping = happens(15)
        for scalar in string.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                bytes += [92, UInt8(scalar.value)]
            } else if scalar.value < 32 || (isEscaping && happens(40)) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: happens(50))
                    bytes += Array("\\u".utf8) + Array(repeating: 48, count: 4 - digits.count)
                    bytes += Array(digits.utf8)
                }
            } else {
                bytes += Array(String(scalar).utf8)
            }
        }
        return bytes + [34]
    }

    mutating func render(_ tree: JSONTree) -> [UInt8] {
        if let raw = tree.raw { return raw }
        if !tree.items.isEmpty {
            var items: [[UInt8]] = []
            for item in tree.items { items.append(space() + render(item) + space()) }
            return [91] + items.joined(separator: [44]) + [93] + space()
        }
        var parts: [[UInt8]] = []
        for (name, node) in tree.members {
            parts.append(
                space() + text(name) + space() + [58] + space() + render(node) + space())
        }
        if happens(30) {
            for index in parts.indices { parts.swapAt(index, random.below(parts.count)) }
        }
        return [123] + parts.joined(separator: [44]) + [125] + space()
    }

    /// Cuts, flips, doubles or inserts bytes.
    private mutating func mutate(_ record: inout LogRecord) {
        guard var bytes = record.value, !bytes.isEmpty else { return }
        for _ in 0...random.below(3) {
            let place = random.below(bytes.count)
            switch random.below(7) {
            case 0: bytes.removeSubrange(place...)
            case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 2: bytes[place] ^= 1 << UInt8(random.below(8))
            case 3: bytes.remove(at: place)
            case 4: bytes.insert(pick(Array("{}[]\",:\\ \0\u{1}0-".utf8)), at: place)
            case 5: bytes += bytes[place...]
            default:
                bytes.insert(contentsOf: Array(pick(EdgeValues.strings).utf8), at: place)
            }
            if bytes.isEmpty { break }
        }
        record.value = happens(2) ? nil : bytes
    }
}
