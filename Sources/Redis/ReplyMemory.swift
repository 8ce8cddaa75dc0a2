internal import CHiredis
internal import Glibc

/// Where hiredis' reader puts the objects of an answer: a few blocks of memory for all of them.
///
/// By itself the library makes two allocations for each element. An answer's objects are freed
/// together, so here they follow each other, those of an array side by side, and the blocks are
/// freed with the answer. An answer may outlive its connection, and so do its blocks.
struct ReplyMemory {
    /// What a block begins with; the first one's bytes begin with the answer itself.
    private struct Block {
        var next: UnsafeMutablePointer<Block>?
        var free: UnsafeMutableRawPointer
        var end: UnsafeMutableRawPointer
    }

    /// Small enough for the allocator's fast lists: most answers are a short text.
    private static let leastBlockBytes = 960
    private static let largestBlockBytes = 64 * 1_024

    /// The block that is filled now.
    private var current: UnsafeMutablePointer<Block>?

    /// What the reader calls; lives as long as the process.
    nonisolated(unsafe) static let functions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
        let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        functions.initialize(
            to: redisReplyObjectFunctions(
                createString: { task, text, count in
                    ReplyMemory.string(task, text, count).map { UnsafeMutableRawPointer($0) }
                },
                createArray: { task, count in
                    ReplyMemory.array(task, Int(count)).map { UnsafeMutableRawPointer($0) }
                },
                createInteger: { task, number in
                    let reply = ReplyMemory.object(task, extraBytes: 0)
                    reply?.pointee.integer = number
                    return reply.map { UnsafeMutableRawPointer($0) }
                },
                createNil: { task in
                    // The task has the type of a string or array, but the answer is null.
                    let reply = ReplyMemory.object(task, extraBytes: 0)
                    reply?.pointee.type = REDIS_REPLY_NIL
                    return reply.map { UnsafeMutableRawPointer($0) }
                },
                freeObject: { reply in
                    reply.map { ReplyMemory.free($0.assumingMemoryBound(to: redisReply.self)) }
                }))
        return functions
    }()

    /// Frees an answer with everything in it.
    static func free(_ reply: UnsafeMutablePointer<redisReply>) {
        let first = UnsafeMutableRawPointer(reply) - MemoryLayout<Block>.stride
        var next: UnsafeMutablePointer<Block>? = first.assumingMemoryBound(to: Block.self)
        while let block = next {
            next = block.pointee.next
            Glibc.free(block)
        }
    }

    // MARK: Objects

    /// An empty object for a task, in its array if it belongs to one; nil when memory is out.
    ///
    /// `extraBytes`: bytes that will be asked for next.
    private static func object(
        _ task: UnsafePointer<redisReadTask>?, extraBytes: Int
    ) -> UnsafeMutablePointer<redisReply>? {
        guard let task, let memory = memory(of: task) else { return nil }
        let size = MemoryLayout<redisReply>.stride
        let reply: UnsafeMutablePointer<redisReply>
        if let parent = task.pointee.parent?.pointee.obj {
            let array = parent.assumingMemoryBound(to: redisReply.self)
            guard let elements = array.pointee.element else { return nil }
            let index = Int(task.pointee.idx)
            reply = objects(behind: elements, count: array.pointee.elements) + index
            elements[index] = reply
        } else {
            memory.pointee.current = nil
            guard memory.pointee.addBlock(atLeast: size + extraBytes),
                let address = memory.pointee.take(size)
            else { return nil }
            reply = address.bindMemory(to: redisReply.self, capacity: 1)
        }
        reply.initialize(to: redisReply())
        reply.pointee.type = task.pointee.type
        return reply
    }

    private static func string(
        _ task: UnsafePointer<redisReadTask>?, _ text: UnsafeMutablePointer<CChar>?, _ count: Int
    ) -> UnsafeMutablePointer<redisReply>? {
        guard let task, let text, let reply = object(task, extraBytes: count + 1),
            let copy = memory(of: task)?.pointee.take(count + 1)
        else { return nil }
        copy.copyMemory(from: text, byteCount: count)
        copy.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
        reply.pointee.str = copy.assumingMemoryBound(to: CChar.self)
        reply.pointee.len = count
        return reply
    }

    /// An array with room for its elements: their addresses, then the objects.
    private static func array(
        _ task: UnsafePointer<redisReadTask>?, _ count: Int
    ) -> UnsafeMutablePointer<redisReply>? {
        let elementBytes =
            MemoryLayout<UnsafeMutablePointer<redisReply>?>.stride
            + MemoryLayout<redisReply>.stride
        let (size, isTooLarge) = max(0, count).multipliedReportingOverflow(by: elementBytes)
        guard let task, !isTooLarge, let reply = object(task, extraBytes: size) else { return nil }
        guard count > 0 else { return reply }
        guard let address = memory(of: task)?.pointee.take(size) else { return nil }
        let elements = address.bindMemory(
            to: UnsafeMutablePointer<redisReply>?.self, capacity: count)
        // An array is read only once all of it is there, so its memory is left uninitialized here.
        UnsafeMutableRawPointer(elements + count).bindMemory(to: redisReply.self, capacity: count)
        reply.pointee.element = elements
        reply.pointee.elements = count
        return reply
    }

    private static func objects(
        behind elements: UnsafeMutablePointer<UnsafeMutablePointer<redisReply>?>, count: Int
    ) -> UnsafeMutablePointer<redisReply> {
        UnsafeMutableRawPointer(elements + count).assumingMemoryBound(to: redisReply.self)
    }

    private static func memory(
        of task: UnsafePointer<redisReadTask>
    ) -> UnsafeMutablePointer<ReplyMemory>? {
        task.pointee.privdata?.assumingMemoryBound(to: ReplyMemory.self)
    }

    // MARK: Blocks

    /// Takes `count` bytes, aligned to eight.
    private mutating func take(_ count: Int) -> UnsafeMutableRawPointer? {
        let size = (count + 7) & ~7
        if let current, current.pointee.end - current.pointee.free < size {
            guard addBlock(atLeast: size) else { return nil }
        }
        guard let current else { return nil }
        defer { current.pointee.free += size }
        return current.pointee.free
    }

    private mutating func addBlock(atLeast count: Int) -> Bool {
        let head = MemoryLayout<Block>.stride
        var size = ReplyMemory.leastBlockBytes
        if let current {
            let last = current.pointee.end - UnsafeMutableRawPointer(current)
            size = min(4 * last, ReplyMemory.largestBlockBytes)
        }
        let (least, isTooLarge) = count.addingReportingOverflow(head + 8)
        guard !isTooLarge else { return false }
        size = max(size, least)
        guard let address = malloc(size) else { return false }
        let block = address.bindMemory(to: Block.self, capacity: 1)
        block.initialize(to: Block(next: nil, free: address + head, end: address + size))
        current?.pointee.next = block
        current = block
        return true
    }
}
