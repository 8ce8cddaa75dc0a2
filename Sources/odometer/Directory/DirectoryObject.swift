import Metering

/// A profile or plan as its JSON text, split into members as the mirror of the directory splits it.
///
/// Each member stays the text that was given, so that no digit of a number is lost.
struct DirectoryObject {
    /// The whole object.
    let json: [UInt8]
    /// The members' texts; the last one of each name.
    let members: [String: [UInt8]]

    /// Splits a text; nil where it is no JSON object or has more than 256 members.
    init?(_ json: [UInt8], _ scanner: MemberScanner = MemberScanner()) {
        guard let found = json.withUnsafeBytes({ scanner.members($0) }) else { return nil }
        self.json = json
        members = Dictionary(
            found.map { (String(decoding: $0.name, as: UTF8.self), Self.trimmed($0.json)) },
            uniquingKeysWith: { $1 })
    }

    private static func trimmed(_ text: [UInt8]) -> [UInt8] {
        func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
        let end = text.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? 0
        return Array(text[..<end].drop(while: isBlank))
    }
}
