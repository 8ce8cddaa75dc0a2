internal import CCrypto
internal import Metering
public import Query

extension Role {
    /// The letter of the role in the text of a key.
    fileprivate var letter: String { String(rawValue.prefix(1)) }
}

/// An API key: `BRAND_R_`, 43 random characters and 6 characters of checksum; R is the role's
/// letter.
///
/// 43 of 62 possible characters carry 256 bits. The checksum is the CRC-32 of everything before it:
/// a mistyped or truncated key is refused without asking Redis, and scanners can recognize leaked
/// keys.
public struct APIKey: Sendable {
    /// First word of the key; `Dialect.keys` says which brand a dialect has.
    public let brand: String
    /// The role of the key's letter; it must be the role of the key's record.
    public let role: Role
    /// The whole secret.
    public let secret: [UInt8]

    private static let randomLength = 43
    private static let checksumLength = 6
    private static let alphabet = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    private static func isOfAlphabet(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: false
        }
    }

    /// Reads a key; nil where it is not well formed or its checksum is wrong.
    public init?(_ secret: [UInt8]) {
        let tail = APIKey.randomLength + APIKey.checksumLength
        guard secret.count > tail else { return nil }
        let head = String(decoding: secret.dropLast(tail), as: UTF8.self)
        let body = secret.suffix(tail)
        guard body.allSatisfy(APIKey.isOfAlphabet) else { return nil }
        guard let brand = Dialects.keyBrands.first(where: { head.hasPrefix($0 + "_") }) else {
            return nil
        }
        let letter = head.utf8.dropFirst(brand.utf8.count)
        guard let role = Role.allCases.first(where: { letter.elementsEqual("_\($0.letter)_".utf8) })
        else { return nil }
        let checksum = APIKey.checksum(secret.dropLast(APIKey.checksumLength))
        guard secret.suffix(APIKey.checksumLength).elementsEqual(checksum) else { return nil }
        self.brand = brand
        self.role = role
        self.secret = secret
    }

    /// A new random key.
    public init(brand: String, role: Role) {
        self.init(brand: brand, role: role, using: SystemRandomNumberGenerator())
    }

    init(brand: String, role: Role, using generator: some RandomNumberGenerator) {
        var generator = generator
        var text = Array("\(brand)_\(role.letter)_".utf8)
        for _ in 0..<APIKey.randomLength {
            text.append(APIKey.alphabet[Int.random(in: 0..<62, using: &generator)])
        }
        self.brand = brand
        self.role = role
        secret = text + APIKey.checksum(text)
    }

    /// `BRAND_R_` and four more characters, by which people tell keys apart.
    public var prefix: [UInt8] { Array(secret.prefix(brand.utf8.count + 3 + 4)) }

    /// Lower-case hexadecimal SHA-256 of the whole secret: what is stored.
    public var hash: [UInt8] { APIKey.sha256(secret) }

    static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        let isDone = EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha256(), nil)
        precondition(isDone == 1 && length == 32, "libcrypto has no SHA-256")
        return [UInt8](unsafeUninitializedCapacity: 64) { text, count in
            for (index, byte) in digest.enumerated() {
                text[2 * index] = hexDigit(byte >> 4)
                text[2 * index + 1] = hexDigit(byte & 15)
            }
            count = 64
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func checksum(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var rest = Int(Hashing.crc32(bytes))
        var digits: [UInt8] = []
        for _ in 0..<checksumLength {
            digits.append(alphabet[rest % 62])
            rest /= 62
        }
        return digits.reversed()
    }

    /// Whether two texts are equal, in a time that depends only on their lengths.
    ///
    /// Else the time would tell how many of the first bytes are right.
    static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
