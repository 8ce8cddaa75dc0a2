public import Kafka
public import Ledger
internal import Metering
public import Redis

/// Waits until Redis has what was written to the directory topic.
///
/// The mark alone does not tell: it may be of another log, if the topic was deleted and created
/// again. So each object is looked at: it must come from its record or from a later record of the
/// same log.
public struct DirectoryMirrorWait {
    private let redis: RedisConfiguration
    private let kafka: ClientConfiguration
    private let layout: KeyLayout
    private let topic: String

    /// A wait for what is written to `topic`.
    public init(
        redis: RedisConfiguration, kafka: ClientConfiguration, layout: KeyLayout, topic: String
    ) {
        self.redis = redis
        self.kafka = kafka
        self.layout = layout
        self.topic = topic
    }

    /// Waits until Redis has every object; false when it has not in time.
    ///
    /// - Throws: the last error of Redis, when it does not answer at the end of that time.
    public func wait(
        for objects: [WrittenObject], milliseconds: Int
    ) throws(RedisError) -> Bool {
        let deadline = SteadyClock.milliseconds + Int64(milliseconds)
        var missing = objects[...]
        var lastError: RedisError?
        while !missing.isEmpty {
            do throws(RedisError) {
                var connection = try Connection(redis)
                lastError = nil
                let layout = try ledgerLayout(&connection)
                while let object = missing.first, try isThere(object, layout, &connection) {
                    missing.removeFirst()
                }
            } catch { lastError = error }
            guard !missing.isEmpty else { return true }
            guard SteadyClock.milliseconds < deadline else {
                if let lastError { throw lastError }
                return false
            }
            pause(milliseconds: lastError == nil ? 50 : 200)
        }
        return true
    }

    /// Why the last object may not be there, for people.
    public func hint(for objects: [WrittenObject]) -> String {
        let store = DirectoryStore(layout: layout, topic: topic)
        guard let last = objects.last?.offset, var connection = try? Connection(redis),
            let mark = try? store.state(on: &connection).mark, mark > last
        else { return "is odometer run or up running? Its /readyz says what is wrong" }
        return "Redis is at \(mark) in \(topic), behind this record, but does not have it: the "
            + "topic may be another one than was mirrored. A running odometer run or up mirrors it "
            + "again; odometer doctor says more"
    }

    /// The layout with the number of shards of the ledger that is there now.
    private func ledgerLayout(_ connection: inout Connection) throws(RedisError) -> KeyLayout {
        do throws(LedgerError) { return try layout.ofLedger(on: &connection) } catch {
            if case .redis(let error) = error.code { throw error }
            throw RedisError(.configuration, error.message)
        }
    }

    /// Whether Redis has this state of the object, or a later one from the same log.
    private func isThere(
        _ object: WrittenObject, _ layout: KeyLayout, _ connection: inout Connection
    ) throws(RedisError) -> Bool {
        let epochMember = Array("directory_epoch:\(topic)".utf8)
        let name = object.key.name(in: layout)
        connection.append([Array("HGET".utf8), layout.ledgerKey, epochMember])
        connection.append([Array("HGETALL".utf8), name])
        let epoch = try connection.receive().copied().integer ?? 0
        let pairs = try connection.receive().copied().elements
        var stored: [[UInt8]: [UInt8]] = [:]
        for index in stride(from: 0, to: pairs.count - 1, by: 2) {
            stored[pairs[index].bytes ?? []] = pairs[index + 1].bytes ?? []
        }
        func number(_ member: String) -> Int64? {
            stored[Array(member.utf8)].flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
        }
        guard let offset = number("@offset"), number("@epoch") ?? 0 == epoch,
            offset >= object.offset
        else { return false }
        // At the same offset the object may be another log's, so its content decides.
        return offset == object.offset ? holds(stored, object) : isOfThisLog(object.key, offset)
    }

    /// Whether the members in Redis are those of the record.
    private func holds(_ stored: [[UInt8]: [UInt8]], _ object: WrittenObject) -> Bool {
        guard let value = object.value else { return stored[Array("@deleted".utf8)] != nil }
        guard let members = value.withUnsafeBytes({ MemberScanner().members($0) }) else {
            return false
        }
        let wanted = members.filter { $0.name.first != UInt8(ascii: "@") }
        let count = stored.keys.count { $0.first != UInt8(ascii: "@") }
        return count == wanted.count && wanted.allSatisfy { stored[$0.name] == $0.json }
    }

    /// Whether the topic has a record of this object at that offset, written by somebody after us.
    private func isOfThisLog(_ key: DirectoryKey, _ offset: Int64) -> Bool {
        guard let consumer = try? Consumer(kafka) else { return false }
        let partition = TopicPartition(topic: topic, partition: 0)
        guard (try? consumer.assign([(partition, offset: offset)])) != nil else { return false }
        let deadline = SteadyClock.milliseconds + 2_000
        while SteadyClock.milliseconds < deadline {
            let batch = consumer.nextBatch(maximum: 1, timeoutMilliseconds: 100)
            if let record = batch.records.first {
                return record.offset == offset
                    && record.key.map { $0.elementsEqual(key.bytes) } ?? false
            }
            if !batch.events.isEmpty { return false }
        }
        return false
    }
}
