internal import CJWT
import Query

/// One part of a token, its header or its claims: a JSON object in base64url, read by libjwt.
///
/// The library (1.x) reads only whole tokens, and refuses a `typ` that it does not know. So it gets
/// each part as the claims of a token made here, without signature; the real signature is verified
/// elsewhere (`SignatureKey`).
struct TokenPart: ~Copyable {
    private let object: OpaquePointer

    // {"alg":"none"}
    private static let unsigned = Array("eyJhbGciOiJub25lIn0.".utf8)

    /// Reads a part; nil where it is no JSON object or array in base64url.
    init?(_ part: ArraySlice<UInt8>) {
        let text = (TokenPart.unsigned + part + Array(".\0".utf8)).map { CChar(bitPattern: $0) }
        var decoded: OpaquePointer?
        guard jwt_decode(&decoded, text, nil, 0) == 0, let decoded else { return nil }
        object = decoded
    }

    deinit { jwt_free(object) }

    /// The value of a member that is a text; nil where it is something else.
    func text(_ name: String) -> [UInt8]? {
        jwt_get_grant(object, name).map { Array(String(cString: $0).utf8) }
    }

    /// The value of a member as JSON; nil where it is absent.
    func json(_ name: String) -> [UInt8]? {
        guard let text = jwt_get_grants_json(object, name) else { return nil }
        defer { odometer_jwt_free_text(text) }
        return Array(String(cString: text).utf8)
    }

    /// The value of a member that is an integer; nil where it is something else.
    ///
    /// Read from its JSON text: the library does not tell an absent member from a 0.
    func integer(_ name: String) -> Int64? {
        json(name).flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
    }

    /// The values of a member that is a text or an array of texts; nil where it is neither.
    func texts(_ name: String) -> [[UInt8]]? {
        guard let json = json(name) else { return nil }
        return RecordText.strings(json) ?? RecordText.string(json).map { [$0] }
    }
}
