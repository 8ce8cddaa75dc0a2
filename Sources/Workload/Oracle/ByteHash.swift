/// Hashes of byte strings that are the same in every process, which Swift's own are not.
enum ByteHash {
    /// FNV-1a of 32 bits, which decides the shard of an organization.
    @inline(__always)
    static func fnv1a32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return hash
    }

    /// A fast hash of 64 bits for tables in memory.
    @inline(__always)
    static func mixed(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var hash = seed ^ (UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15)
        var place = 0
        while place + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            hash = fold(hash ^ word, 0xA076_1D64_78BD_642F)
            place += 8
        }
        var rest: UInt64 = 0
        var shift: UInt64 = 0
        while place < bytes.count {
            rest |= UInt64(bytes[place]) << shift
            shift += 8
            place += 1
        }
        return fold(fold(hash ^ rest, 0xE703_7ED1_A0B4_28DB), 0x8EBC_6AF0_9C88_C6E3)
    }

    @inline(__always)
    private static func fold(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let product = (first ^ 0x5899_65CC_7537_4CC3).multipliedFullWidth(by: second)
        return product.high ^ product.low
    }
}

/// The shard of an organization in a ledger of so many shards, by the published function.
public func oracleShard(of organization: UnsafeRawBufferPointer, shards: Int) -> Int {
    Int(ByteHash.fnv1a32(organization) % UInt32(shards))
}

/// What is between the braces in the names of a shard's keys, by the published rule.
func oracleTag(of shard: Int, shards: Int) -> String {
    guard shards > 64 else { return "\(shard)" }
    var digits = "", rest = shard
    while rest > 0 || digits.count < 3 {
        digits = "\(rest % 8)" + digits
        rest /= 8
    }
    return digits
}

/// What the names of a shard's keys begin with, after the ledger's own `PREFIX:GEN:`.
public func oracleKeyStart(_ prefix: String, shard: Int, shards: Int) -> String {
    "\(prefix){\(oracleTag(of: shard, shards: shards))}:"
}

/// The number of shards that a ledger's member `shards` tells; nil where no ledger has that many.
public func oracleShardCount(_ text: String) -> Int? {
    (0...12).map { 1 << $0 }.first { String($0) == text }
}

/// Byte strings and their numbers, in the order in which they were first met.
struct ByteInterner: ~Copyable {
    private var arena = ByteWriter(capacity: 1 << 16)
    private var ends: [Int] = [0]
    private var tags: [UInt32] = []
    private var slots: [UInt32]
    private var mask: Int

    init() {
        slots = [UInt32](repeating: 0, count: 1_024)
        mask = 1_023
    }

    var count: Int { ends.count - 1 }

    func bytes(_ number: UInt32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            rebasing: arena.bytes[ends[Int(number)]..<ends[Int(number) + 1]])
    }

    /// The number of a string that was met before.
    func find(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
        let hash = ByteHash.mixed(bytes, seed: 1)
        let slot = search(bytes, hash)
        return slots[slot] == 0 ? nil : slots[slot] - 1
    }

    /// The number of a string, which is kept.
    mutating func intern(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let hash = ByteHash.mixed(bytes, seed: 1)
        let slot = search(bytes, hash)
        if slots[slot] != 0 { return slots[slot] - 1 }
        let number = UInt32(count)
        arena.put(bytes)
        ends.append(arena.count)
        tags.append(UInt32(truncatingIfNeeded: hash >> 32))
        slots[slot] = number + 1
        if count * 4 > slots.count * 3 { grow() }
        return number
    }

    /// The slot of a string, or the free one where it belongs.
    private func search(_ bytes: UnsafeRawBufferPointer, _ hash: UInt64) -> Int {
        let tag = UInt32(truncatingIfNeeded: hash >> 32)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let number = slots[slot] - 1
            if tags[Int(number)] == tag, Self.equal(self.bytes(number), bytes) { return slot }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private static func equal(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
    ) -> Bool {
        guard left.count == right.count else { return false }
        var place = 0
        while place + 8 <= left.count {
            guard
                left.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    == right.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            else { return false }
            place += 8
        }
        while place < left.count {
            guard left[place] == right[place] else { return false }
            place += 1
        }
        return true
    }

    private mutating func grow() {
        mask = slots.count * 2 - 1
        slots = [UInt32](repeating: 0, count: mask + 1)
        for number in 0..<UInt32(count) {
            let hash = ByteHash.mixed(bytes(number), seed: 1)
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = number + 1
        }
    }
}
