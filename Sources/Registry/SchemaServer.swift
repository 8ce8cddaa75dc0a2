internal import CCurl
internal import CRecordScan
internal import CSSL
internal import Glibc
internal import Metering

/// What a registry is asked with.
public struct RegistryCredentials: Sendable {
    let text: String
    let isBearer: Bool

    /// `USER:PASSWORD`, or `Bearer TOKEN`; nil where a text is neither.
    public init?(_ text: String) {
        isBearer = text.hasPrefix("Bearer ")
        let rest = isBearer ? String(text.dropFirst("Bearer ".count)) : text
        guard isBearer ? !rest.isEmpty : rest.contains(":") else { return nil }
        self.text = rest
    }
}

/// A registry with the API of Confluent's, over HTTP or HTTPS.
///
/// Its connection stays open from request to request, until `rest`.
final class SchemaServer: SchemaFetcher, @unchecked Sendable {
    // @unchecked: the handle belongs to the keeper's thread, and there is one at a time.
    static let timeoutMilliseconds = 5_000
    static let mostBytes = 4 << 20
    static let mostFiles = 200
    static let mostLevels = 20
    /// What registries say of a schema that they do not have.
    static let noSchema: Int64 = 40_403

    /// Without a slash at its end.
    let url: String
    let credentials: RegistryCredentials?
    let authorityFile: String?
    var longestPause: Int64 { 30_000 }
    private var handle: UnsafeMutableRawPointer?

    init(url: String, credentials: RegistryCredentials?, authorityFile: String?) {
        self.url = url
        self.credentials = credentials
        self.authorityFile = authorityFile
    }

    deinit { rest() }

    func rest() {
        if let handle { curl_easy_cleanup(handle) }
        handle = nil
    }

    private struct Failure: Error {
        var why: String
        var isAbsent = false
    }

    func fetch(_ key: SchemaKey) -> FetchResult {
        do throws(Failure) {
            let path =
                switch key {
                case .id(let id): "/schemas/ids/\(id)"
                case .guid(let guid): "/schemas/guids/\(guid)"
                }
            let answer = try get(path)
            let format: RecordFormat =
                switch answer.text("/schemaType") {
                case "PROTOBUF": .protobuf
                case "JSON": .jsonSchema
                default: .avro
                }
            guard let text = answer.text("/schema") else {
                throw Failure(why: "its answer for \(path) has no schema")
            }
            var files: [SchemaFile] = []
            try add(try references(of: answer), to: &files, level: 1)
            files.append(SchemaFile(name: "\(key)", text: text))
            return .schema(RecordSchema(format: format, files: files))
        } catch {
            return error.isAbsent ? .absent : .failed("\(url): \(error.why)")
        }
    }

    /// How many subjects the registry has.
    func survey() -> SchemaSurvey {
        // The keeper's thread may be at work with the connection of this one.
        let own = SchemaServer(url: url, credentials: credentials, authorityFile: authorityFile)
        do throws(Failure) {
            let answer = try own.ask("/subjects")
            guard answer.status == 200 else { throw Failure(why: "HTTP status \(answer.status)") }
            let count = answer.bytes.withUnsafeBufferPointer {
                rs_array_count($0.baseAddress, $0.count)
            }
            guard count >= 0 else { throw Failure(why: "its list of subjects is not JSON's") }
            return .subjects(Int(count))
        } catch {
            return .failed(error.why)
        }
    }

    // MARK: References

    private struct Reference {
        var name: String
        var subject: String
        var version: Int64
    }

    private func references(of answer: RegistryAnswer) throws(Failure) -> [Reference] {
        var found: [Reference] = []
        while let name = answer.text("/references/\(found.count)/name") {
            guard let subject = answer.text("/references/\(found.count)/subject"),
                let version = answer.integer("/references/\(found.count)/version")
            else { throw Failure(why: "its reference \(name) has no subject and version") }
            found.append(Reference(name: name, subject: subject, version: version))
        }
        return found
    }

    /// Adds what a schema refers to, each behind what it refers to itself.
    private func add(
        _ references: [Reference], to files: inout [SchemaFile], level: Int
    ) throws(Failure) {
        guard level <= Self.mostLevels else { throw Failure(why: "references go in a circle") }
        for reference in references where !files.contains(where: { $0.name == reference.name }) {
            // Also where the subject was deleted since, as long as it is kept.
            let path =
                "/subjects/\(Self.escaped(reference.subject))/versions/\(reference.version)"
                + "?deleted=true"
            let answer: RegistryAnswer
            do throws(Failure) { answer = try get(path) } catch {
                throw Failure(why: "\(path): \(error.why)")
            }
            guard let text = answer.text("/schema") else {
                throw Failure(why: "its answer for \(path) has no schema")
            }
            try add(try self.references(of: answer), to: &files, level: level + 1)
            guard !files.contains(where: { $0.name == reference.name }) else { continue }
            guard files.count < Self.mostFiles else {
                throw Failure(why: "a schema refers to more than \(Self.mostFiles) others")
            }
            files.append(SchemaFile(name: reference.name, text: text))
        }
    }

    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.map { byte in
            let isPlain =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || "-_.~".utf8.contains(byte)
            return isPlain
                ? String(UnicodeScalar(byte))
                : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }.joined()
    }

    // MARK: HTTP

    private func get(_ path: String) throws(Failure) -> RegistryAnswer {
        let (status, bytes) = try ask(path)
        let answer = bytes.withUnsafeBufferPointer { RegistryAnswer($0) }
        let errorCode = answer?.integer("/error_code")
        if status == 404, errorCode == Self.noSchema {
            throw Failure(why: "it knows no such schema", isAbsent: true)
        }
        guard status == 200 else {
            throw Failure(why: "HTTP status \(status)" + (errorCode.map { ", error \($0)" } ?? ""))
        }
        guard let answer else { throw Failure(why: "its answer is not a JSON object") }
        return answer
    }

    /// The status and the body of an answer.
    private func ask(_ path: String) throws(Failure) -> (status: Int, bytes: [CChar]) {
        var get = odometer_get()
        get.timeout_milliseconds = Self.timeoutMilliseconds
        get.most_bytes = Self.mostBytes
        get.is_bearer = credentials?.isBearer ?? false ? 1 : 0
        let copies = [url + path, credentials?.text, authorityFile].map { $0.map { strdup($0) } }
        defer {
            for case let copy?? in copies { free(copy) }
            free(get.bytes)
        }
        get.url = copies[0].map { UnsafePointer($0) } ?? nil
        get.credentials = copies[1].map { UnsafePointer($0) } ?? nil
        get.ca_file = copies[2].map { UnsafePointer($0) } ?? nil
        if handle == nil { handle = curl_easy_init() }
        let code = handle.map { odometer_get_ask($0, &get) } ?? -1
        if get.is_too_large != 0 {
            throw Failure(why: "its answer is larger than \(Self.mostBytes >> 20) MiB")
        }
        guard code == 0 else {
            let said = withUnsafeBytes(of: &get.why) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw Failure(
                why: fault(UInt32(bitPattern: code), said, verifyResult: get.verify_result))
        }
        return (
            Int(get.status), Array(UnsafeBufferPointer(start: get.bytes, count: get.count))
        )
    }

    /// Why a request has no answer, and for faults of TLS what to do.
    private func fault(_ code: UInt32, _ said: String, verifyResult: Int) -> String {
        guard code == CURLE_PEER_FAILED_VERIFICATION.rawValue else {
            return said.isEmpty ? "no memory for a request" : said
        }
        switch Int32(truncatingIfNeeded: verifyResult) {
        case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate has ended"
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "its certificate is not valid yet, or the clock here is wrong"
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            guard let authorityFile else {
                return "its certificate is not signed by a CA that this system trusts: "
                    + "set --schemas-ca"
            }
            return "its certificate is not signed by a CA in \(authorityFile)"
        // The certificate is good, and libcurl compares the name only then.
        case X509_V_OK, X509_V_ERR_UNSPECIFIED:
            return "its certificate is for another name (\(said))"
        default: return said
        }
    }
}

/// The JSON object that a registry has answered.
final class RegistryAnswer {
    private let document: OpaquePointer

    /// Nil where the bytes are not a JSON object.
    init?(_ bytes: UnsafeBufferPointer<CChar>) {
        guard let start = bytes.baseAddress,
            let document = rs_document_read(start, bytes.count)
        else { return nil }
        self.document = document
    }

    deinit { rs_document_free(document) }

    func text(_ pointer: String) -> String? {
        var start: UnsafePointer<CChar>?
        var count = 0
        guard rs_document_text(document, pointer, &start, &count) != 0 else { return nil }
        return String(
            decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func integer(_ pointer: String) -> Int64? {
        var number: Int64 = 0
        return rs_document_integer(document, pointer, &number) == 0 ? nil : number
    }
}
