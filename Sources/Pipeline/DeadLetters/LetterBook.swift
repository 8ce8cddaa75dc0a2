package import Ledger

/// Which dead letters a lane has sent, so that a record that is read again is not sent again.
///
/// It remembers a letter from the moment when it is taken until the marks have passed its record, but no more
/// than `most` of those that are done: beyond that the oldest are forgotten, and would be sent again if their
/// records were read again. A record is known by its place and its content, so another record at the same place
/// (a topic that was made again) is a new one. One thread.
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
    private var entries: [LetterPlace: Entry] = [:]
    /// Those that are done, the oldest first; may name some that were forgotten.
    private var finished: [LetterPlace] = []

    /// A book that remembers so many letters that are done.
    package init(most: Int = 50_000) { self.most = max(1, most) }

    /// Letters that it remembers.
    package var count: Int { entries.count }

    /// What became of the letter of this record; nil = it was not sent.
    package func state(of place: LetterPlace, _ fingerprint: Fingerprint) -> State? {
        guard let entry = entries[place], entry.fingerprint == fingerprint else { return nil }
        return entry.state
    }

    /// A letter is taken.
    package mutating func begin(_ place: LetterPlace, _ fingerprint: Fingerprint) {
        entries[place] = Entry(fingerprint: fingerprint, state: .waiting)
    }

    /// A letter was acknowledged or given up.
    package mutating func finish(_ place: LetterPlace) {
        guard entries[place]?.state == .waiting else { return }
        entries[place]?.state = .done
        finished.append(place)
        // Half of them at once, so that the array is not moved for each.
        if finished.count > most {
            let old = finished.prefix(finished.count - most / 2)
            for place in old where entries[place]?.state == .done { entries[place] = nil }
            finished.removeFirst(old.count)
        }
    }

    /// A letter was dropped before Kafka had it.
    package mutating func drop(_ place: LetterPlace) { entries[place] = nil }

    /// Forgets the letters that are done and whose records the marks have passed.
    package mutating func forget(where isPassed: (LetterPlace) -> Bool) {
        guard !finished.isEmpty else { return }
        finished.removeAll { place in
            guard entries[place]?.state == .done else { return true }
            guard isPassed(place) else { return false }
            entries[place] = nil
            return true
        }
    }
}
