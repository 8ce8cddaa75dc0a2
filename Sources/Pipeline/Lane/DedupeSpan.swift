/// How much record time a partition's dedupe window of N offsets spans.
///
/// A producer that retries later than that after the first try is counted twice. Called ten times a
/// second with the newest record; keeps one sample for every 64th part of the window.
struct DedupeSpan {
    private var samples: [(offset: Int64, timestamp: Milliseconds)] = []
    private var newest: (offset: Int64, timestamp: Milliseconds)?

    /// Notes the newest record of the partition, its timestamp since 1970; `window` is N.
    mutating func observe(offset: Int64, timestamp: Milliseconds, window: Int64) {
        guard window > 0, timestamp >= 0 else { return }
        // After a step back the same records come again, so their samples do too.
        if offset < newest?.offset ?? offset { samples = [] }
        newest = (offset, timestamp)
        if let last = samples.last, offset - last.offset < max(1, window / 64) { return }
        samples.append((offset, timestamp))
        while samples.count > 1, samples[1].offset <= offset - window { samples.removeFirst() }
    }

    /// Time from the record N offsets back to the newest; nil while fewer than N were seen.
    func milliseconds(window: Int64) -> Milliseconds? {
        guard let newest, let oldest = samples.first, oldest.offset <= newest.offset - window
        else { return nil }
        return max(0, newest.timestamp - oldest.timestamp)
    }
}
