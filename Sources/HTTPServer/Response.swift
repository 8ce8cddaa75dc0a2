/// One answer: status, header fields and a complete body.
public struct Response: Sendable {
    /// One header field of an answer.
    public struct Field: Equatable, Sendable {
        /// The name, as it is sent.
        public var name: String
        /// The value; control characters in it are sent as spaces.
        public var value: String

        /// A field from its parts.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What caches may do with the answer.
    public enum Caching: Equatable, Sendable {
        /// `private, no-cache` with a strong entity tag, so that an unchanged answer has no body.
        case revalidate
        /// `no-store`.
        case never
    }

    /// The status code, 200 to 599.
    public var status: Int
    /// Header fields, without those that the server adds itself.
    public var headers: [Field] = []
    /// The body, even where it is not sent (HEAD, 304).
    public var body: [UInt8]
    /// The media type; nil: none is sent.
    public var contentType: String?
    /// What caches may do.
    public var caching: Caching = .revalidate
    /// The request headers that the answer depends on, for `Vary`; nil: none is sent.
    public var vary: String?
    /// Whether the connection is closed after this answer.
    public var closesConnection = false
    /// The answer that is sent instead of this one, once it is there; nil: this one is sent.
    ///
    /// It must come within a few seconds: no timeout of the server ends the wait.
    public var later: Later<Response>?

    /// An answer from its parts.
    public init(status: Int, body: [UInt8] = [], contentType: String? = nil) {
        self.status = status
        self.body = body
        self.contentType = contentType
    }

    /// A JSON answer from bytes.
    public static func json(status: Int = 200, _ body: [UInt8]) -> Response {
        Response(status: status, body: body, contentType: "application/json")
    }

    /// A JSON answer that the closure writes.
    public static func json(status: Int = 200, _ build: (inout JSONWriter) -> Void) -> Response {
        var writer = JSONWriter()
        build(&writer)
        return .json(status: status, writer.bytes)
    }

    /// A text answer, UTF-8.
    public static func text(status: Int = 200, _ body: [UInt8]) -> Response {
        Response(status: status, body: body, contentType: "text/plain; charset=utf-8")
    }

    /// The plain error answer `{"error": REASON PHRASE, "message": TEXT}`.
    public static func error(status: Int, message: String) -> Response {
        .json(status: status) { json in
            json.object {
                $0.member("error", string: Status.phrase(status))
                $0.member("message", string: message)
            }
        }
    }

    /// The answer 405 with the permitted methods.
    public static func methodNotAllowed(allow: String) -> Response {
        var response = Response.error(status: 405, message: "permitted: \(allow)")
        response.setHeader("Allow", allow)
        return response
    }

    /// Sets a header field; replaces one of the same name.
    public mutating func setHeader(_ name: String, _ value: String) {
        headers.removeAll { $0.name.utf8.elementsEqual(name.utf8) { $0 | 0x20 == $1 | 0x20 } }
        headers.append(Field(name: name, value: value))
    }
}

/// Reason phrases of the status codes this product answers with.
public enum Status {
    /// The phrase of a code; of an unknown code a phrase for its class.
    public static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Payload Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Entity"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 200..<300: "Success"
        case 300..<400: "Redirect"
        case 400..<500: "Client Error"
        default: "Server Error"
        }
    }
}
