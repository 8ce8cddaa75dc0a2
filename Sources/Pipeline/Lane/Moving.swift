/// Why a shard waits for its node, and how long already.
///
/// Only where each shard has a node of its own, in Redis Cluster. It keeps the tally that it has
/// handed over, and takes records up to one more full tally; then it is set aside and they are read
/// again later. Times are of the steady clock.
package struct Moving {
    /// The raw value is what metrics and the log say.
    package enum Reason: String, CaseIterable, Sendable {
        /// The node says that another one has the slot, or the map does.
        case moved
        /// The slot's keys are on their way from one node to another.
        case open
        /// The cluster does not serve the slot.
        case clusterDown = "cluster-down"
        /// The connection to its node is lost.
        case lost
        /// Its node refuses commits.
        case refused
        /// Its marks were moved by somebody else, or are gone.
        case marks
        /// No node says that the slot is its own, or several do.
        case noOwner = "no-owner"
        /// Its marks could not be read.
        case unread
        /// A master could not be asked, and may hold keys of it.
        case unasked
        /// Another master holds keys of its slot.
        case keysElsewhere = "keys-elsewhere"

        /// The reason that an error of a commit or of a read gives; nil for those that are not
        /// about one node alone.
        init?(code: String) {
            switch code {
            case "MOVED": self = .moved
            case "ASK", "TRYAGAIN": self = .open
            case "CLUSTERDOWN": self = .clusterDown
            default: return nil
            }
        }
    }

    /// The shortest and the longest time between two looks.
    static let pauses: ClosedRange<Milliseconds> = 50...2_000
    /// How long a shard must look split, at every look, before it is declared torn: masters are
    /// asked one after the other, and a node that lost a slot may take a moment to delete its keys.
    static let splitPatience: Milliseconds = 2_000

    var reason: Reason
    /// What the node said; empty where the reason says all.
    var words = ""
    /// When it began to wait.
    var since: Milliseconds
    /// When it is looked at next.
    var lookAt: Milliseconds
    /// The pause before the look after that.
    var pause = Self.pauses.lowerBound
    /// What was seen of its slot while that was open.
    var seen = SeenOpen()
    /// Since when every look has found it split, and how many keys were elsewhere at the last one;
    /// nil where the last one did not.
    private var split: (since: Milliseconds, keys: Int)?

    /// Waits from now on, and is looked at once.
    init(_ reason: Reason, words: String = "", now: Milliseconds) {
        self.reason = reason
        self.words = words
        since = now
        lookAt = now
    }

    /// Goes on waiting; `roll` is a random number from 0 to 1.
    ///
    /// Pauses double, and each is between half and all of its length, so that lanes do not ask at
    /// the same moments.
    mutating func goOn(
        _ reason: Reason, words: String = "", now: Milliseconds, roll: Double
    ) {
        self.reason = reason
        self.words = words
        lookAt = now + pause / 2 + Milliseconds(Double(pause / 2) * roll)
        pause = min(2 * pause, Self.pauses.upperBound)
    }

    /// Goes on from a wait that seemed to be over.
    mutating func follow(_ before: Moving) {
        lookAt = since + before.pause
        pause = min(2 * before.pause, Self.pauses.upperBound)
        since = before.since
    }

    /// Notes that a look has found it split, with so many keys elsewhere; true once that has lasted
    /// long enough to be believed.
    ///
    /// As long as the keys become fewer, some node is deleting them.
    mutating func isSplit(keys: Int, now: Milliseconds) -> Bool {
        guard let split, keys >= split.keys else {
            split = (now, keys)
            return false
        }
        return now - split.since >= Self.splitPatience
    }

    /// Notes that a look did not find it split.
    mutating func isWhole() { split = nil }

    /// The reason for people.
    var text: String { words.isEmpty ? reason.rawValue : "\(reason.rawValue): \(words)" }
}
