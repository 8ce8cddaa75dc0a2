internal import HTTPServer
internal import Metering
public import Query

/// A new API key and the record that makes it valid.
public struct NewKey: Sendable {
    /// The secret: shown once, stored nowhere.
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

/// Why no key could be made.
public struct KeyMakerError: Error, Sendable, CustomStringConvertible {
    /// Text for people.
    public let message: String
    /// The message.
    public var description: String { message }
}

/// Makes API keys.
public enum KeyMaker {
    /// Names of the dialects that API keys open.
    public static let dialects = Dialects.openedByKeys.map(\.name)

    /// The default role of a key for these dialects: `read`, or `admin` where a dialect answers
    /// admin keys only.
    public static func standardRole(dialects: [String]) -> Role {
        forAdminsOnly(dialects) == nil ? .read : .admin
    }

    /// The first of these dialects that answers `admin` keys only.
    private static func forAdminsOnly(_ dialects: [String]) -> String? {
        Dialects.openedByKeys.first { name, keys in
            keys.isForAdminsOnly && dialects.contains(name)
        }?.name
    }

    /// A warning for people where a key of this role cannot be used; nil where it can.
    public static func warning(dialects: [String], role: Role) -> String? {
        if role == .write {
            return
                "a write key sends events and opens no other request; read is the role for answers"
        }
        let takers = Dialects.all(verifier: nil).filter { $0.takesOperators }.map { $0.name }
        if role == .operator, let name = dialects.first(where: { !takers.contains($0) }) {
            return "an operator key opens \(takers.joined(separator: ", ")) only, not \(name)"
        }
        if role == .operator {
            return "an operator key sees the numbers of all organizations: give it to nobody else"
        }
        guard role != .admin, let name = forAdminsOnly(dialects) else { return nil }
        return "the \(name) opens to admin keys only: this key needs --role admin"
    }

    /// A new key.
    ///
    /// - Parameters:
    ///   - dialects: the dialects that it opens; their keys must have the same brand.
    ///   - createdAtNanoseconds: the time of creation, since 1970.
    ///   - expiresAtNanoseconds: the first nanosecond since 1970 in which it is not valid; nil: it
    ///     never expires.
    public static func make(
        organization: String, role: Role, dialects: [String], createdAtNanoseconds: Int64,
        expiresAtNanoseconds: Int64? = nil
    ) throws(KeyMakerError) -> NewKey {
        guard (1...EventLimits.textBytes).contains(organization.utf8.count) else {
            throw KeyMakerError(
                message: "organization must have 1 to \(EventLimits.textBytes) bytes")
        }
        let brand = try brand(ofKeysFor: dialects)
        let key = APIKey(brand: brand, role: role)
        var members: [(name: String, json: [UInt8])] = [
            ("hash", json { $0.string(key.hash) }), ("prefix", json { $0.string(key.prefix) }),
            ("organization", json { $0.string(organization) }),
            ("dialects", json { $0.array { list in dialects.forEach { list.string($0) } } }),
            ("role", json { $0.string(role.rawValue) }),
            (
                "createdAt",
                json { $0.string(TimeText.wholeSecond(nanoseconds: createdAtNanoseconds)) }
            ),
        ]
        if let expiresAtNanoseconds {
            let time = TimeText.wholeSecond(nanoseconds: expiresAtNanoseconds)
            members.append(("expiresAt", json { $0.string(time) }))
        }
        return NewKey(
            secret: String(decoding: key.secret, as: UTF8.self),
            hash: String(decoding: key.hash, as: UTF8.self),
            prefix: String(decoding: key.prefix, as: UTF8.self), members: members)
    }

    private static func brand(ofKeysFor dialects: [String]) throws(KeyMakerError) -> String {
        guard !dialects.isEmpty else {
            throw KeyMakerError(message: "a key needs at least one dialect")
        }
        for dialect in dialects where !KeyMaker.dialects.contains(dialect) {
            throw KeyMakerError(
                message: "unknown dialect \(dialect); known are "
                    + KeyMaker.dialects.joined(separator: ", "))
        }
        let opened = Dialects.openedByKeys.filter { dialects.contains($0.name) }
        let brands = Set(opened.map(\.keys.brand))
        guard let brand = brands.first, brands.count == 1 else {
            let own = opened.filter { $0.keys.brand != DialectKeys.standard.brand }.map(\.name)
            throw KeyMakerError(
                message: "\(own.joined(separator: ", ")) has keys of its own; make two keys")
        }
        return brand
    }

    private static func json(_ build: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: 80)
        build(&writer)
        return writer.bytes
    }
}
