/// Checks that header values are UTF-8; the scanner checks JSON texts itself.
enum UTF8Check {
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count {
            let first = bytes[index]
            if first < 0x80 {
                index += 1
                continue
            }
            let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            guard first >= 0xC2, first <= 0xF4, index + length <= bytes.count else { return false }
            for next in 1..<length where bytes[index + next] & 0xC0 != 0x80 { return false }
            let second = bytes[index + 1]
            switch first {
            case 0xE0 where second < 0xA0, 0xED where second > 0x9F, 0xF0 where second < 0x90,
                0xF4 where second > 0x8F:
                return false
            default: index += length
            }
        }
        return true
    }
}
