internal import Glibc

/// A key as far as partitioners see it: its hashes.
///
/// Keys may be long, so only their beginning is kept. Two keys that agree in beginning, length and
/// three hashes are taken for one.
struct SampledKey: Hashable {
    /// The most bytes of a key that are kept, for people.
    static let shownBytes = 40
    let beginning: [UInt8]
    private let byteCount: Int
    /// In the order of `Partitioner.allCases`.
    private let hashes: [UInt32]

    init(_ key: UnsafeRawBufferPointer) {
        // One more tells that it goes on.
        beginning = Array(key.prefix(Self.shownBytes + 1))
        byteCount = key.count
        hashes = Partitioner.allCases.map { $0.hash(key) }
    }

    /// Whether a partitioner puts the key there when the topic has that many partitions.
    func isPut(into partition: Int32, by index: Int, of partitions: Int) -> Bool {
        Int(hashes[index]) % partitions == Int(partition)
    }
}

/// Which partitioners explain the partitions of a sample's keys.
struct PartitionerFit {
    /// A partitioner, and how many places it explains.
    struct Part: Equatable {
        let partitioner: Partitioner
        /// How many partitions the topic had when it put the keys there.
        let partitions: Int
        var places: Int
    }

    /// A key and a partition that it was found in.
    typealias Place = (key: SampledKey, partition: Int32)

    /// How many places there are in all.
    let places: Int
    /// The one that explains most places first; each of the others explains places that those
    /// before it do not.
    private(set) var parts: [Part] = []
    /// Places that no part explains.
    private(set) var elsewhere: Int

    /// How unlikely it must be that all places agree by chance: the logarithm of a probability.
    private static let doubt = -log(1_000.0)
    /// The same where only some of the places agree.
    private static let doubtOfSome = -log(1_000_000.0)
    /// The same for numbers of partitions of the past, because many of them are tried.
    private static let doubtOfPast = -log(1_000_000_000.0)
    /// The most numbers of partitions of the past, and of places, that are tried.
    private static let pastLimit = 128
    private static let pastPlaces = 2_000

    /// - Parameters:
    ///   - all: each pair of key and partition once, of keys that are not empty.
    ///   - partitions: how many the topic has now.
    init(_ all: [Place], partitions: Int) {
        places = all.count
        elsewhere = all.count
        var rest = all
        while !rest.isEmpty, let best = Self.best(for: rest, partitions) {
            parts.append(best.part)
            rest.removeAll {
                $0.key.isPut(into: $0.partition, by: best.index, of: best.part.partitions)
            }
        }
        elsewhere = rest.count
    }

    /// Whether even keys that all agree with a partitioner could do so by chance.
    func isTooSmall(partitions: Int) -> Bool {
        Self.chance(of: places, in: places, each: 1 / Double(partitions)) > Self.doubt
    }

    private static func best(
        for rest: [Place], _ partitions: Int
    ) -> (part: Part, index: Int)? {
        var best: (part: Part, index: Int)?
        func count(_ index: Int, _ partitions: Int, _ places: some Collection<Place>) -> Int {
            places.count { $0.key.isPut(into: $0.partition, by: index, of: partitions) }
        }
        func consider(_ index: Int, _ number: Int, all: Double, some: Double) {
            let matches = count(index, number, rest)
            guard matches > best?.part.places ?? 0,
                chance(of: matches, in: rest.count, each: 1 / Double(number))
                    <= (matches == rest.count ? all : some)
            else { return }
            let part = Part(
                partitioner: Partitioner.allCases[index], partitions: number, places: matches)
            best = (part, index)
        }
        for index in Partitioner.allCases.indices {
            consider(index, partitions, all: doubt, some: doubtOfSome)
        }
        if best?.part.places == rest.count { return best }
        let tried = rest.prefix(pastPlaces)
        for number in (2..<max(2, partitions)).suffix(pastLimit) {
            for index in Partitioner.allCases.indices
            where 2 * count(index, number, tried) > tried.count {
                consider(index, number, all: doubtOfPast, some: doubtOfPast)
            }
        }
        return best
    }

    /// An upper bound (Chernoff's) of the logarithm of the probability that so many places or more
    /// agree by chance.
    private static func chance(of matches: Int, in places: Int, each: Double) -> Double {
        let share = Double(matches) / Double(places)
        guard share > each else { return 0 }
        let others = share < 1 ? (1 - share) * log((1 - share) / (1 - each)) : 0
        return -Double(places) * (share * log(share / each) + others)
    }
}
