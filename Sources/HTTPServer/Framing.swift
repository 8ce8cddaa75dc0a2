/// The rules for where one request ends and the next begins.
///
/// A proxy in front and this server must see the same requests. So a head that can be read in two
/// ways under RFC 9112 is refused, and the connection is closed (decision 0002).
enum Framing {
    /// The answer to a refused request, after which its connection is closed.
    struct Refusal: Equatable, Sendable {
        let status: Int
        let message: String
    }

    /// Checks the head of a request; nil where the end of the request is certain.
    static func refusal(
        version: String, headers: HeaderFields, maxBodyBytes: Int
    ) -> Refusal? {
        guard headers.isWellFormed else {
            return Refusal(status: 400, message: "a header field holds a forbidden character")
        }
        let isOld = version == "HTTP/1.0" || version.isEmpty
        let hosts = headers.count(of: "Host")
        if hosts > 1 { return Refusal(status: 400, message: "Host is given several times") }
        if hosts == 0, !isOld { return Refusal(status: 400, message: "Host is missing") }
        let lengths = headers.count(of: "Content-Length")
        if headers.count(of: "Transfer-Encoding") > 0 {
            guard lengths == 0 else {
                return Refusal(status: 400, message: "Content-Length beside Transfer-Encoding")
            }
            let coding = headers.single("Transfer-Encoding").value ?? []
            guard coding.map(ASCII.lowercased).elementsEqual("chunked".utf8), !isOld else {
                return Refusal(status: 400, message: "Transfer-Encoding other than chunked")
            }
        }
        guard lengths > 0 else { return nil }
        guard let length = headers.single("Content-Length").value else {
            return Refusal(status: 400, message: "Content-Length is given several times")
        }
        guard !length.isEmpty, length.allSatisfy(ASCII.isDigit) else {
            return Refusal(status: 400, message: "Content-Length is not a number")
        }
        // Digits that do not fit into an Int are longer than every limit.
        let bytes = Int(String(decoding: length, as: UTF8.self)) ?? Int.max
        return bytes > maxBodyBytes ? tooLarge : nil
    }

    /// Whether a target leaves too little of a connection's memory for the rest of the head.
    ///
    /// The library keeps each parameter of the query in that memory too. A target that does not fit
    /// is answered at once; the library would close the connection without an answer.
    static func isTooLong(_ target: UnsafeRawBufferPointer, memoryBytes: Int) -> Bool {
        let bytesPerParameter = 64
        guard target.count > memoryBytes / 256 else { return false }
        let parameters = target.reduce(1) { $0 + ($1 == UInt8(ascii: "&") ? 1 : 0) }
        return target.count + parameters * bytesPerParameter > memoryBytes / 8 * 5
    }

    static let longTarget = Refusal(status: 414, message: "the path and query are too long")
    static let plainOnTLS = Refusal(
        status: 400, message: "plain HTTP was sent to a port that speaks HTTPS")
    static let noMemory = Refusal(
        status: 429, message: "too many large requests at the same time")
    static let tooLarge = Refusal(status: 413, message: "the request body is too large")
}
