import Redis

/// Keeps an answer of Redis alive while views of it are used.
final class HeldReply {
    private let reply: Reply

    init(_ reply: consuming Reply) { self.reply = reply }

    /// The answer; valid while this object lives, so the caller must keep the object.
    ///
    /// Swift may free an object after its last use, even within the line that asks for its view;
    /// for a single look use `with`.
    var view: ReplyView { reply.view }

    /// Calls `body` with the answer, which is valid meanwhile.
    func with<Result, Failure: Error>(
        _ body: (ReplyView) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(reply.view)
    }
}

/// Names and values in one block of memory.
final class PairMemory {
    private let base: UnsafeMutableRawBufferPointer
    private let ends: [Int]

    init(_ pairs: [[UInt8]: [UInt8]]) {
        let size = pairs.reduce(0) { $0 + $1.key.count + $1.value.count }
        base = .allocate(byteCount: max(1, size), alignment: 8)
        var ends: [Int] = []
        ends.reserveCapacity(2 * pairs.count)
        var end = 0
        for (name, value) in pairs {
            for piece in [name, value] {
                UnsafeMutableRawBufferPointer(rebasing: base[end...]).copyBytes(from: piece)
                end += piece.count
                ends.append(end)
            }
        }
        self.ends = ends
    }

    deinit { base.deallocate() }

    var count: Int { ends.count / 2 }
    /// Valid while this object lives.
    func name(_ index: Int) -> UnsafeRawBufferPointer { piece(2 * index) }
    /// Valid while this object lives.
    func value(_ index: Int) -> UnsafeRawBufferPointer { piece(2 * index + 1) }

    private func piece(_ index: Int) -> UnsafeRawBufferPointer {
        let start = index == 0 ? 0 : ends[index - 1]
        return UnsafeRawBufferPointer(rebasing: base[start..<ends[index]])
    }
}

/// Values of members that were asked for, in one block of memory.
final class MemberMemory {
    private let base: UnsafeMutableRawBufferPointer
    private var ranges: [Range<Int>?] = []

    init(_ values: [[UInt8]?]) {
        base = .allocate(
            byteCount: max(1, values.reduce(0) { $0 + ($1?.count ?? 0) }), alignment: 8)
        var end = 0
        for value in values {
            guard let value else {
                ranges.append(nil)
                continue
            }
            UnsafeMutableRawBufferPointer(rebasing: base[end...]).copyBytes(from: value)
            ranges.append(end..<end + value.count)
            end += value.count
        }
    }

    deinit { base.deallocate() }

    /// Valid while this object lives.
    func value(_ position: Int) -> UnsafeRawBufferPointer? {
        guard position < ranges.count, let range = ranges[position] else { return nil }
        return UnsafeRawBufferPointer(rebasing: base[range])
    }
}
