import CEventScan

extension Program {
    /// Scans the values of structured events: the first stage of the loop, for a benchmark.
    ///
    /// Returns how many values are one JSON object; what the scans found is not used.
    package mutating func scan(_ records: UnsafeBufferPointer<FoldRecord>) -> Int {
        var count = 0
        for record in records {
            guard let value = record.value else { continue }
            let result = es_scan(
                scanner, value.assumingMemoryBound(to: CChar.self), record.valueByteCount, 0, 1)
            if result == ES_OK.rawValue { count += 1 }
        }
        return count
    }
}
