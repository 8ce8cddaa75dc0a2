import Foundation
import Workload

/// The file of events for `Benchmarks/send_events.c`: of each event two numbers of 32 bits in the
/// machine's order, how many commands it has and how many bytes they take, and then the commands in
/// Redis' protocol.
///
/// Each change is the one command that a program without scripts would choose: HINCRBY, ZINCRBY,
/// PFADD, for a least or greatest value ZADD LT or GT in a sorted set of its own, for a first or
/// last value HSETNX or HSET. A key's expiry is set once, with the first change of the key.
final class EventFile {
    private static let bufferSize = 1 << 20
    private let path: String
    private let handle: FileHandle
    private var buffer: [UInt8] = []
    private var commandBytes: [UInt8] = []
    private var hasExpiry: Set<Int> = []
    private(set) var events = 0
    private(set) var commands = 0
    /// How many of the commands set an expiry.
    private(set) var expiries = 0
    private(set) var bytes = 0

    init(_ path: String) throws {
        self.path = path
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw CocoaError(.fileWriteUnknown)
        }
        handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    /// Appends the changes of one event.
    func append(_ changes: [CellChange], _ cells: borrowing ExpectedCells) {
        commandBytes.removeAll(keepingCapacity: true)
        let before = commands
        for change in changes { append(change, cells) }
        events += 1
        put(UInt32(commands - before))
        put(UInt32(commandBytes.count))
        buffer += commandBytes
        if buffer.count > Self.bufferSize { flush() }
    }

    /// Writes what is left.
    func finish() throws {
        flush()
        try handle.close()
    }

    private func flush() {
        bytes += buffer.count
        do { try handle.write(contentsOf: buffer) } catch {
            IncrementsProgram.end("\(path): \(error)")
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func put(_ number: UInt32) {
        withUnsafeBytes(of: number) { buffer += $0 }
    }

    private func append(_ change: CellChange, _ cells: borrowing ExpectedCells) {
        var key = cells.name(change.key)
        let member = Array(cells.member(of: change))
        switch change.kind {
        case .add(let amount):
            let number = Array(String(amount).utf8)
            if cells.shape(change.key) == .sortedSet {
                command("ZINCRBY", [key, number, member])
            } else {
                command("HINCRBY", [key, member, number])
            }
        case .keepLesser(let value), .keepGreater(let value):
            // A hash has no command that keeps the greater of two values.
            key += Array(":order".utf8)
            let isLesser = change.kind == .keepLesser(value)
            command(
                "ZADD", [key, Array((isLesser ? "LT" : "GT").utf8), Array("\(value)".utf8), member])
        case .keepEarliest(let value, _): command("HSETNX", [key, member, value])
        case .keepLatest(let value, _): command("HSET", [key, member, value])
        case .insert: command("PFADD", [key, member])
        }
        guard let expiry = cells.expirySeconds(change.key),
            hasExpiry.insert(change.key).inserted
        else { return }
        expiries += 1
        command("EXPIREAT", [key, Array(String(expiry).utf8)])
    }

    private func command(_ name: String, _ words: [[UInt8]]) {
        commands += 1
        commandBytes += Array("*\(words.count + 1)\r\n$\(name.utf8.count)\r\n\(name)\r\n".utf8)
        for word in words {
            commandBytes += Array("$\(word.count)\r\n".utf8)
            commandBytes += word
            commandBytes += [13, 10]
        }
    }
}
