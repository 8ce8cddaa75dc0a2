internal import Metering

/// Partitions in which one thing was found, in the order of their discovery.
struct FoundPartitions: Equatable {
    private let first: Int32
    private var others: [Int32] = []

    init(_ partition: Int32) { first = partition }

    var all: [Int32] { [first] + others }
    var isSeveral: Bool { !others.isEmpty }

    mutating func add(_ partition: Int32) {
        if partition != first, !others.contains(partition) { others.append(partition) }
    }
}

/// The newest records of an event topic, as far as their keys and subjects go.
struct KeySample {
    /// The identity of an event.
    private struct Identity: Hashable {
        let words: [UInt64]
    }

    let topic: String
    /// How many partitions the topic has.
    let partitions: Int
    /// How many offsets of each partition are read at most.
    let depth: Int
    /// The error because of which it could not be read, or not all of it.
    var errorText: String?
    /// Records that were read.
    private(set) var records = 0
    /// Those without a key, or with an empty one.
    private(set) var unkeyed = 0
    /// Keys that are not empty.
    private(set) var keys: [SampledKey: FoundPartitions] = [:]
    /// Subjects of accepted events.
    private(set) var subjects: [[UInt8]: FoundPartitions] = [:]
    private var events: [Identity: FoundPartitions] = [:]
    /// Subjects of events that were found in several partitions, once for each such event.
    private(set) var repeated: [[UInt8]] = []

    init(topic: String, partitions: Int, depth: Int) {
        self.topic = topic
        self.partitions = partitions
        self.depth = depth
    }

    /// Takes one record; `reading` is nil where its event is not accepted.
    mutating func take(
        key: UnsafeRawBufferPointer?, partition: Int32, reading: EventReading?
    ) {
        records += 1
        if let key, !key.isEmpty {
            Self.add(SampledKey(key), partition, to: &keys)
        } else {
            unkeyed += 1
        }
        if let reading { take(reading, partition: partition) }
    }

    /// Takes an accepted event of the record that was taken last.
    mutating func take(_ reading: EventReading, partition: Int32) {
        let subject = Array(reading.subject)
        Self.add(subject, partition, to: &subjects)
        let identity = Identity(words: [reading.identity.0, reading.identity.1])
        let wasSeveral = events[identity]?.isSeveral ?? false
        Self.add(identity, partition, to: &events)
        if !wasSeveral, events[identity]?.isSeveral ?? false { repeated.append(subject) }
    }

    private static func add<Name: Hashable>(
        _ name: Name, _ partition: Int32, to found: inout [Name: FoundPartitions]
    ) {
        found[name, default: FoundPartitions(partition)].add(partition)
    }
}
