internal import HTTPServer
public import Query

/// A new API key and the record that makes it valid.
public struct NewKey: Sendable {
    /// The secret, shown once and stored nowhere.
    public let secret: String
    /// Lower-case hexadecimal SHA-256 of the secret: the record's name in the directory.
    public let hash: String
    /// First characters of the secret, by which people tell keys apart.
    public let prefix: String
    /// Members of the record with their JSON texts, in the order of the documentation.
    public let members: [(name: String, json: [UInt8])]

    /// The record as one JSON object.
    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.object { json in
            for (name, text) in members {
                json.name(name)
                json.raw(text)
            }
        }
        return writer.bytes
    }
}

/// Why no key was made.
public struct KeyMakerError: Error, Sendable, CustomStringConvertible {
    /// Text for people.
    public let message: String
    /// The message.
    public var description: String { message }
}

/// Makes API keys.
public enum KeyMaker {
    /// Dialects that API keys open; `identity` takes signed tokens instead.
    public static let dialects = ["overview", "workspace", "connections", "privacy", "operations"]

    /// The role that a key for these dialects gets where nobody chose one: `read`, which every dialect
    /// but the overview answers; that one opens to `admin` only.
    public static func standardRole(dialects: [String]) -> Role {
        dialects.contains("overview") ? .admin : .read
    }

    /// What is odd about a key of this role, for people; nil = nothing.
    public static func warning(dialects: [String], role: Role) -> String? {
        if role == .write {
            return "a write key opens no request; read is the role for answers"
        }
        guard dialects.contains("overview"), role != .admin else { return nil }
        return "the overview opens to admin keys only: this key needs --role admin"
    }

    /// A new key.
    ///
    /// - Parameters:
    ///   - dialects: what it opens; `overview` stands alone, because its keys have another prefix.
    ///   - createdAt: nanoseconds since 1970.
    ///   - expiresAt: nanoseconds since 1970 from which on it is not valid; nil = never.
    public static func make(
        organization: String, role: Role, dialects: [String], createdAt: Int64,
        expiresAt: Int64? = nil
    ) throws(KeyMakerError) -> NewKey {
        guard !organization.isEmpty, organization.utf8.count <= 256 else {
            throw KeyMakerError(message: "organization must have 1 to 256 bytes")
        }
        guard let first = dialects.first else {
            throw KeyMakerError(message: "a key needs at least one dialect")
        }
        for dialect in dialects where !KeyMaker.dialects.contains(dialect) {
            throw KeyMakerError(
                message: "unknown dialect \(dialect); known are "
                    + KeyMaker.dialects.joined(separator: ", "))
        }
        let brand = APIKey.brand(ofDialect: first)
        guard dialects.allSatisfy({ APIKey.brand(ofDialect: $0) == brand }) else {
            throw KeyMakerError(message: "overview has keys of its own; make two keys")
        }
        let key = APIKey(brand: brand, role: role)
        var members: [(name: String, json: [UInt8])] = [
            ("hash", json { $0.string(key.hash) }), ("prefix", json { $0.string(key.prefix) }),
            ("organization", json { $0.string(organization) }),
            ("dialects", json { $0.array { list in dialects.forEach { list.string($0) } } }),
            ("role", json { $0.string(role.rawValue) }),
            ("createdAt", json { $0.string(TimeText.wholeSecond(nanoseconds: createdAt)) }),
        ]
        if let expiresAt {
            members.append(
                ("expiresAt", json { $0.string(TimeText.wholeSecond(nanoseconds: expiresAt)) }))
        }
        return NewKey(
            secret: String(decoding: key.secret, as: UTF8.self),
            hash: String(decoding: key.hash, as: UTF8.self),
            prefix: String(decoding: key.prefix, as: UTF8.self), members: members)
    }

    private static func json(_ build: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: 80)
        build(&writer)
        return writer.bytes
    }
}
