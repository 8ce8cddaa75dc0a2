/// The rules that decide where one request ends and the next begins.
///
/// The library below takes Transfer-Encoding over Content-Length without a word, reads an unknown
/// coding as a body without end, and looks at the first of several lengths only. A proxy in front
/// that decides otherwise would see other requests than we do, so all of these are refused here
/// and the connection is closed.
enum Framing {
    /// Why a connection is given up, with the answer it gets.
    struct Refusal: Equatable, Sendable {
        let status: Int
        let message: String
    }

    /// Judges a request's head; nil when its framing is beyond doubt.
    static func refusal(
        version: String, headers: HeaderFields, maxBodyBytes: Int
    ) -> Refusal? {
        guard headers.isWellFormed else {
            return Refusal(status: 400, message: "a header field holds a forbidden character")
        }
        let isOld = version == "HTTP/1.0" || version.isEmpty
        switch headers.single("Host") {
        case .absent:
            if !isOld { return Refusal(status: 400, message: "Host is missing") }
        case .repeated:
            return Refusal(status: 400, message: "Host stands several times")
        case .once:
            break
        }
        let lengths = headers.values(of: "Content-Length")
        let codings = headers.values(of: "Transfer-Encoding")
        if !codings.isEmpty {
            guard lengths.isEmpty else {
                return Refusal(status: 400, message: "Content-Length beside Transfer-Encoding")
            }
            let isChunked =
                codings.count == 1
                && codings[0].map(ASCII.lowercased).elementsEqual("chunked".utf8)
            guard isChunked, !isOld else {
                return Refusal(status: 400, message: "Transfer-Encoding other than chunked")
            }
        }
        guard lengths.count <= 1 else {
            return Refusal(status: 400, message: "Content-Length stands several times")
        }
        guard let length = lengths.first else { return nil }
        guard !length.isEmpty, length.allSatisfy(ASCII.isDigit) else {
            return Refusal(status: 400, message: "Content-Length is not a number")
        }
        // Digits that do not fit an Int are a length beyond every limit.
        let bytes = Int(String(decoding: length, as: UTF8.self)) ?? Int.max
        return bytes > maxBodyBytes ? tooLarge : nil
    }

    static let tooLarge = Refusal(status: 413, message: "the request body is too large")
}
