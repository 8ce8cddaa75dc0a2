package import Ledger

/// Which dead letters a lane has sent, so that a record that is read again is not sent again.
///
/// It remembers a letter until the marks have passed its record, but at most `most` letters that
/// are done: beyond that it forgets the oldest, which would be sent again if their records were
/// read again. A record is known by its address and its content, so another record at the same
/// address (a topic that was created again) counts as new. One thread.
package struct LetterBook {
    /// What became of a letter.
    package enum State: Equatable, Sendable {
        /// Not acknowledged yet.
        case waiting
        /// Acknowledged, or given up.
        case done
    }

    private struct Entry {
        var fingerprint: Fingerprint
        var state: State
    }

    private let most: Int
    private var entries: [LetterAddress: Entry] = [:]
    /// The letters that are done, the oldest first; some of them may be forgotten already.
    private var finished: [LetterAddress] = []

    /// A book that remembers at most so many letters that are done.
    package init(most: Int = 50_000) { self.most = max(1, most) }

    /// How many letters it remembers.
    package var count: Int { entries.count }

    /// What became of the letter of this record; nil when it was not sent, as far as is remembered.
    package func state(of address: LetterAddress, _ fingerprint: Fingerprint) -> State? {
        guard let entry = entries[address], entry.fingerprint == fingerprint else { return nil }
        return entry.state
    }

    /// Notes a new letter.
    package mutating func begin(_ address: LetterAddress, _ fingerprint: Fingerprint) {
        entries[address] = Entry(fingerprint: fingerprint, state: .waiting)
    }

    /// Notes that a letter was acknowledged or given up.
    package mutating func finish(_ address: LetterAddress) {
        guard entries[address]?.state == .waiting else { return }
        entries[address]?.state = .done
        finished.append(address)
        // Half of them at once, so that the array is not moved for each letter.
        if finished.count > most {
            let old = finished.prefix(finished.count - most / 2)
            for address in old where entries[address]?.state == .done { entries[address] = nil }
            finished.removeFirst(old.count)
        }
    }

    /// Forgets a letter that was dropped before Kafka had it.
    package mutating func drop(_ address: LetterAddress) { entries[address] = nil }

    /// Forgets the letters that are done and whose records the marks have passed.
    package mutating func forget(where isPassed: (LetterAddress) -> Bool) {
        guard !finished.isEmpty else { return }
        finished.removeAll { address in
            guard entries[address]?.state == .done else { return true }
            guard isPassed(address) else { return false }
            entries[address] = nil
            return true
        }
    }
}
