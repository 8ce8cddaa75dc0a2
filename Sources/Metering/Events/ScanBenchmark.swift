import CEventScan

extension Program {
    /// Scans records and forgets what was found: the first stage of the loop, for a benchmark.
    ///
    /// For structured events. Returns how many values are one JSON object.
    package mutating func scan(_ records: UnsafeBufferPointer<FoldRecord>) -> Int {
        var count = 0
        for record in records {
            guard let value = record.value else { continue }
            let result = es_scan(
                scanner, value.assumingMemoryBound(to: CChar.self), record.valueCount, 0, 1)
            if result == ES_OK.rawValue { count += 1 }
        }
        return count
    }
}
