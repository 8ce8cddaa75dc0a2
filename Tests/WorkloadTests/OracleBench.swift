import Workload

extension OracleSettings {
    /// What the ledgers of these tests are made with; 64 shards, as those of earlier builds have.
    static func test(dedupeWindow: Int64 = 1 << 20) -> OracleSettings {
        OracleSettings(
            prefix: "odo", generation: 1, shards: 64, dedupeWindow: dedupeWindow,
            futureBoundMilliseconds: 300_000)
    }
}

/// A small oracle with one partition, fed from strings.
struct Bench: ~Copyable {
    var oracle: Oracle
    let partition: Int
    var offset: Int64 = 0

    /// 2026-03-09T14:20:00Z, a Monday, as record timestamp.
    static let now: Int64 = 1_773_066_000_000

    init(_ catalog: OracleCatalog, dedupeWindow: Int64 = 1_000, number: Int32 = 5) throws {
        oracle = try Oracle(catalog: catalog, settings: .test(dedupeWindow: dedupeWindow))
        partition = oracle.addPartition(topic: "usage", number: number)
    }

    @discardableResult
    mutating func feed(
        _ value: String?, headers: [(String, String?)] = [], timestamp: Int64 = Bench.now
    ) -> OracleOutcome {
        feed(bytes: value.map { Array($0.utf8) }, headers: headers, timestamp: timestamp)
    }

    @discardableResult
    mutating func feed(
        bytes value: [UInt8]?, headers: [(String, String?)] = [], timestamp: Int64 = Bench.now
    ) -> OracleOutcome {
        let kept = headers.map { (Array($0.0.utf8), $0.1.map { Array($0.utf8) }) }
        var owned: [UnsafeMutableRawBufferPointer] = []
        func own(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            copy.copyBytes(from: bytes)
            owned.append(copy)
            return UnsafeRawBufferPointer(copy)
        }
        defer { for buffer in owned { buffer.deallocate() } }
        let borrowed = kept.map { WorkloadHeader(name: own($0.0), value: $0.1.map(own)) }
        let outcome = oracle.feed(
            partition, offset: offset, timestamp: timestamp, value: value.map(own),
            headers: borrowed)
        offset += 1
        return outcome
    }

    /// The cells of a key as text; nil where no such key is expected.
    mutating func cells(_ key: String) -> [String: String]? {
        oracle.sortCells()
        guard let number = Array(key.utf8).withUnsafeBytes({ oracle.cells.number(of: $0) }) else {
            return nil
        }
        if oracle.cells.shape(number) == .distinct {
            return Dictionary(
                uniqueKeysWithValues: oracle.cells.values(number).map { (text($0), "") })
        }
        return Dictionary(
            uniqueKeysWithValues: oracle.cells.cells(number).map { cell in
                switch cell.value {
                case .integer(let integer): (text(cell.member), "\(integer)")
                case .text(let bytes): (text(cell.member), text(bytes))
                }
            })
    }

    mutating func expiry(_ key: String) -> Int64? {
        let number = Array(key.utf8).withUnsafeBytes { oracle.cells.number(of: $0) }
        return number.flatMap { oracle.cells.expirySeconds($0) }
    }

    mutating func keys() -> [String] {
        (0..<oracle.cells.keyCount).map { text(oracle.cells.name($0)) }.sorted()
    }
}

func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
}

/// A structured event at 2026-03-09T14:15:16Z of the organization `org`.
func event(
    _ type: String, _ data: String? = nil, id: String = "1", subject: String = "org",
    time: String? = "2026-03-09T14:15:16Z"
) -> String {
    var parts = [
        "\"specversion\":\"1.0\"", "\"id\":\"\(id)\"", "\"source\":\"s\"", "\"type\":\"\(type)\"",
        "\"subject\":\"\(subject)\"",
    ]
    if let time { parts.append("\"time\":\"\(time)\"") }
    if let data { parts.append("\"data\":\(data)") }
    return "{\(parts.joined(separator: ","))}"
}

/// A catalog of one event `e` with the fields and meters given.
func catalog(_ fields: [OracleField] = [], _ meters: [OracleMeter] = []) -> OracleCatalog {
    var catalog = OracleCatalog()
    catalog.events = [OracleEvent("e", fields: fields)]
    catalog.meters = meters
    return catalog
}
