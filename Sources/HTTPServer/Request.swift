/// The request methods that the server knows.
public enum Method: UInt8, CaseIterable, Sendable {
    /// Read a resource.
    case get
    /// Read a resource's head.
    case head
    /// Submit.
    case post
    /// Replace.
    case put
    /// Change.
    case patch
    /// Remove.
    case delete
    /// Ask for the permitted methods.
    case options
    /// Any other word; no route answers it.
    case other

    /// Reads a method; upper and lower case are different.
    public init(name: String) {
        self = Method.allCases.first { $0 != .other && $0.name == name } ?? .other
    }

    /// The word on the wire.
    public var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: "OTHER"
        }
    }
}

/// One `name=value` of a query, decoded.
public struct QueryParameter: Equatable, Sendable {
    /// The decoded name.
    public let name: [UInt8]
    /// The decoded value; empty when there is no `=`.
    public let value: [UInt8]
}

/// One request, complete and decoded; it may be used after its connection has ended.
public struct Request: Sendable {
    /// The method.
    public let method: Method
    /// The path as it was sent, with its escapes; `Router` matches this one.
    public let rawPath: [UInt8]
    /// The path with its escapes decoded, for people only: an escaped slash looks like a real one.
    public let path: [UInt8]
    /// The query's parameters in order, repeated names included; `+` means a space.
    public let query: [QueryParameter]
    /// The header fields.
    public let headers: HeaderFields
    /// The body; always empty for GET and HEAD.
    public let body: [UInt8]
    /// The client's address; where the connection is a trusted proxy's, the one that the proxy
    /// names.
    public let remoteAddress: RemoteAddress

    /// Splits and decodes a request target; refuses broken escapes, NUL and control characters.
    public init(
        method: Method, target: [UInt8], headers: HeaderFields = HeaderFields(),
        body: [UInt8] = [], remoteAddress: RemoteAddress = RemoteAddress(127, 0, 0, 1)
    ) throws(HTTPError) {
        guard target.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") }) else {
            throw HTTPError(.badRequest, "the request target holds a forbidden character")
        }
        let target = try Request.originForm(target, method)
        let mark = target.firstIndex(of: UInt8(ascii: "?"))
        rawPath = Array(target[..<(mark ?? target.endIndex)])
        do throws(EscapeError) {
            path = try percentDecoded(rawPath[...], plusIsSpace: false)
        } catch {
            throw HTTPError(.badRequest, "the path holds \(error.rawValue)")
        }
        query =
            try mark.map { index throws(HTTPError) in
                try Request.parameters(target[(index + 1)...])
            } ?? []
        self.method = method
        self.headers = headers
        self.body = method == .get || method == .head ? [] : body
        self.remoteAddress = remoteAddress
    }

    /// The value of a query parameter that may be there at most once.
    public func parameter(_ name: String) -> Occurrence {
        var found: [UInt8]?
        for item in query where item.name.elementsEqual(name.utf8) {
            if found != nil { return .repeated }
            found = item.value
        }
        return found.map { .once($0) } ?? .absent
    }

    /// A hash of method, target, body and these headers.
    ///
    /// Equal requests have equal hashes within one process. `other`: what is hashed instead of the
    /// body, where only a part of it decides what is read.
    public func digest(with headerNames: [String], insteadOfBody other: [UInt8]? = nil) -> UInt64 {
        let body = other ?? body
        var hasher = Hasher()
        hasher.combine(method)
        rawPath.withUnsafeBytes { hasher.combine(bytes: $0) }
        hasher.combine(query.count)
        for parameter in query {
            for piece in [parameter.name, parameter.value] {
                hasher.combine(piece.count)
                piece.withUnsafeBytes { hasher.combine(bytes: $0) }
            }
        }
        if !body.isEmpty { body.withUnsafeBytes { hasher.combine(bytes: $0) } }
        for name in headerNames { headers.hash(name, into: &hasher) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// Drops scheme and authority of a target in absolute form, which servers must accept.
    private static func originForm(
        _ target: [UInt8], _ method: Method
    ) throws(HTTPError) -> ArraySlice<UInt8> {
        if target.first == UInt8(ascii: "/") || method == .options && target == [0x2a] {
            return target[...]
        }
        for scheme in ["http://", "https://"] {
            let head = target.prefix(scheme.utf8.count).map(ASCII.lowercased)
            guard head.elementsEqual(scheme.utf8) else { continue }
            let rest = target.dropFirst(scheme.utf8.count)
            let slash = UInt8(ascii: "/")
            let end = rest.firstIndex { $0 == slash || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            let isRooted = end < rest.endIndex && rest[end] == slash
            return isRooted ? rest[end...] : ([slash] + rest[end...])[...]
        }
        throw HTTPError(.badRequest, "the request target is not a path")
    }

    private static func parameters(
        _ query: ArraySlice<UInt8>
    ) throws(HTTPError) -> [QueryParameter] {
        var parameters: [QueryParameter] = []
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            do throws(EscapeError) {
                parameters.append(
                    QueryParameter(
                        name: try percentDecoded(pair[..<equals], plusIsSpace: true),
                        value: try percentDecoded(
                            pair[equals...].dropFirst(), plusIsSpace: true)))
            } catch {
                throw HTTPError(.badRequest, "the query holds \(error.rawValue)")
            }
        }
        return parameters
    }
}

/// An escape that cannot be decoded.
enum EscapeError: String, Error {
    case broken = "a broken escape"
    /// Refused, because C code would see the end of the text there.
    case nul = "an escaped NUL (%00)"
}

/// Decodes `%XX`.
func percentDecoded(
    _ bytes: ArraySlice<UInt8>, plusIsSpace: Bool
) throws(EscapeError) -> [UInt8] {
    let percent = UInt8(ascii: "%")
    let plus = UInt8(ascii: "+")
    guard bytes.contains(where: { $0 == percent || plusIsSpace && $0 == plus }) else {
        return Array(bytes)
    }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
        let byte = bytes[index]
        index += 1
        if byte == percent {
            guard bytes.endIndex - index >= 2, let high = ASCII.hexValue(bytes[index]),
                let low = ASCII.hexValue(bytes[index + 1])
            else { throw .broken }
            guard high | low != 0 else { throw .nul }
            decoded.append(high << 4 | low)
            index += 2
        } else {
            decoded.append(plusIsSpace && byte == plus ? 0x20 : byte)
        }
    }
    return decoded
}
