/// The organizations, users and projects of a generated stream; they depend on the seed and the
/// profile alone.
public struct Population: Sendable {
    /// The number of organizations.
    public let organizations: Int
    /// Users of each organization.
    public let users: Int
    /// Projects of each organization.
    public let projects: Int
    let organizationIDs: [UInt8]
    let projectIDs: [[UInt8]]

    /// Makes the population of a seed.
    public init(seed: UInt64, profile: EventProfile) {
        organizations = max(1, profile.organizations)
        users = max(1, profile.users)
        projects = max(1, profile.projects)
        var random = SeededRandom(seed: seed ^ 0x006F_7267_6964_7321)
        var writer = ByteWriter()
        for _ in 0..<organizations {
            Self.putUUID(random.next(), random.next(), into: &writer)
        }
        organizationIDs = [UInt8](writer.bytes)
        projectIDs = (0..<projects).map(Self.projectID)
    }

    /// The id of an organization: a UUID (version 4) in lower case.
    public func organizationID(_ number: Int) -> [UInt8] {
        Array(organizationIDs[number * 36..<number * 36 + 36])
    }

    /// The id of a user, the same in each organization.
    public func userID(_ number: Int) -> [UInt8] {
        Array("user-\(number)".utf8)
    }

    /// The id of a project, the same in each organization.
    public func projectID(_ number: Int) -> [UInt8] {
        projectIDs[number]
    }

    /// Some ids have bytes that must be escaped in key names, and text beyond ASCII.
    private static func projectID(_ number: Int) -> [UInt8] {
        switch number % 22 {
        case 10: Array("prj: {\(number)} 100%\n\"ä\\\u{7F}".utf8)
        case 21: Array("Projekt-\(number)-日本=x:y".utf8)
        default: Array("project-\(number)".utf8)
        }
    }

    private static func putUUID(_ first: UInt64, _ second: UInt64, into writer: inout ByteWriter) {
        var digits = ByteWriter(capacity: 32)
        digits.put(hexadecimal: (first & ~0xF000) | 0x4000)
        digits.put(hexadecimal: (second & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000)
        for (place, byte) in digits.bytes.enumerated() {
            if place == 8 || place == 12 || place == 16 || place == 20 { writer.put(byte: 0x2D) }
            writer.put(byte: byte)
        }
    }
}
