import Foundation
import Kafka
import Ledger
import Metering
import Redis

/// Waits until Redis has what was written to the directory topic.
///
/// The mark alone would not do: it may be of another log, of a topic that was deleted and created again. So each
/// object is looked at: it must have been written by its record, or by a later record of this very log.
struct DirectoryMirrorWait {
    let redis: RedisConfiguration
    let kafka: ClientConfiguration
    let layout: KeyLayout
    let topic: String

    /// Returns when Redis has every object; false when the time is over.
    func wait(for objects: [WrittenObject], milliseconds: Int) throws(CommandFailure) -> Bool {
        let deadline = ValueText.now() + Int64(milliseconds)
        var missing = objects[...]
        var lastError: RedisError?
        while !missing.isEmpty {
            do throws(RedisError) {
                var connection = try Connection(redis)
                lastError = nil
                while let object = missing.first, try isThere(object, &connection) {
                    missing.removeFirst()
                }
            } catch { lastError = error }
            guard !missing.isEmpty else { return true }
            guard ValueText.now() < deadline else {
                if let lastError { throw CommandFailure(.timeout, lastError.description) }
                return false
            }
            usleep(lastError == nil ? 50_000 : 200_000)
        }
        return true
    }

    /// Why it may not be there, for people.
    func hint(for objects: [WrittenObject]) -> String {
        let store = DirectoryStore(layout: layout, topic: topic)
        guard let last = objects.last?.offset, var connection = try? Connection(redis),
            let mark = try? store.state(on: &connection).mark, mark > last
        else { return "is odometer run or up running? Its /readyz says what hinders it" }
        return "Redis is at \(mark) in \(topic), behind this record, but does not have it: the "
            + "topic may be another one than was mirrored. A running odometer run or up mirrors it "
            + "again; odometer doctor says more"
    }

    private func isThere(
        _ object: WrittenObject, _ connection: inout Connection
    ) throws(RedisError) -> Bool {
        let epochField = Array("directory_epoch:\(topic)".utf8)
        let name = object.key.name(in: layout)
        connection.append([Array("HGET".utf8), layout.ledgerKey, epochField])
        connection.append([Array("HGETALL".utf8), name])
        let epoch = try connection.receive().copied().integer ?? 0
        let pairs = try connection.receive().copied().elements
        var fields: [[UInt8]: [UInt8]] = [:]
        for index in stride(from: 0, to: pairs.count - 1, by: 2) {
            fields[pairs[index].bytes ?? []] = pairs[index + 1].bytes ?? []
        }
        func number(_ field: String) -> Int64? {
            fields[Array(field.utf8)].flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
        }
        guard let offset = number("@offset"), number("@epoch") ?? 0 == epoch,
            offset >= object.offset
        else { return false }
        // At this very offset an object of another log may stand, so what is in it decides.
        return offset == object.offset ? holds(fields, object) : isOfThisLog(object.key, offset)
    }

    /// Whether the fields in Redis are what the record says.
    private func holds(_ fields: [[UInt8]: [UInt8]], _ object: WrittenObject) -> Bool {
        guard let value = object.value else { return fields[Array("@deleted".utf8)] != nil }
        guard let members = value.withUnsafeBytes({ MemberScanner().members($0) }) else {
            return false
        }
        let wanted = members.filter { $0.name.first != UInt8(ascii: "@") }
        let count = fields.keys.count { $0.first != UInt8(ascii: "@") }
        return count == wanted.count && wanted.allSatisfy { fields[$0.name] == $0.json }
    }

    /// Whether the topic has a record of this object at that offset: somebody wrote it after us.
    private func isOfThisLog(_ key: DirectoryKey, _ offset: Int64) -> Bool {
        guard let consumer = try? Consumer(kafka) else { return false }
        let partition = TopicPartition(topic: topic, partition: 0)
        guard (try? consumer.assign([(partition, offset: offset)])) != nil else { return false }
        let deadline = ValueText.now() + 2_000
        while ValueText.now() < deadline {
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
