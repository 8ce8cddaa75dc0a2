/// How much record time the N offsets of a partition's dedupe window span: what a producer may take for its retries.
///
/// Fed now and then with the newest record; keeps a sample for every 64th part of the window.
struct DedupeSpan {
    private var samples: [(offset: Int64, timestamp: Int64)] = []
    private var newest: (offset: Int64, timestamp: Int64)?

    /// Takes notice of the newest record of the partition; `window` is N.
    mutating func observe(offset: Int64, timestamp: Int64, window: Int64) {
        guard window > 0, timestamp >= 0 else { return }
        // A step back reads from further before: what was seen is seen again.
        if offset < newest?.offset ?? offset { samples = [] }
        newest = (offset, timestamp)
        if let last = samples.last, offset - last.offset < max(1, window / 64) { return }
        samples.append((offset, timestamp))
        while samples.count > 1, samples[1].offset <= offset - window { samples.removeFirst() }
    }

    /// Milliseconds from the record N offsets back to the newest; nil while fewer than N were seen.
    func milliseconds(window: Int64) -> Int64? {
        guard let newest, let oldest = samples.first, oldest.offset <= newest.offset - window
        else { return nil }
        return max(0, newest.timestamp - oldest.timestamp)
    }
}
