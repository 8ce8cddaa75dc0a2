import API
import Catalog
import Foundation
import HTTPServer
import Ledger
import Metering
import Query
import Redis

/// An HTTP request from its first line to the answer: decoding, routes, credentials and parameters.
///
/// The input is `METHOD TARGET`, then a header on each line, then after an
/// empty line the body. In headers `{overview}`, `{odo}` and
/// `{token}` are replaced by valid credentials, because no fuzzer would find one.
final class RequestTarget: FuzzTarget {
    /// Statuses of `schemas/openapi.yaml`, without 500.
    private static let statuses: Set<Int> = [
        200, 204, 400, 401, 403, 404, 405, 422, 501, 503,
    ]
    private static let secret = Array("a secret of more than thirty-two bytes".utf8)
    /// `{"organization_id": "acme"}` until 2100, signed with the secret (HS256).
    private static let token = """
        eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJvcmdhbml6YXRpb25faWQiOiJhY21lIiwiZXhwIjo0MTAyNDQ0O\
        DAwfQ.Bzihf47Y8z9ACHJf1E3Bq61P2LMN00n633QKjHK71lk
        """
    /// 2026-03-09T14:07:31Z.
    private static let now: Int64 = 1_773_065_251_000_000_000

    private let service: APIService
    private let worker: APIWorker
    private var credentials: [String: String] = ["{token}": RequestTarget.token]

    init(redis: String?) throws {
        let layout = KeyLayout()
        let engine = QueryEngine(
            catalog: try Self.shippedCatalog(), layout: layout, clock: WallClock { Self.now })
        service = try APIService(
            engine: engine,
            dialects: Dialects.all(
                verifier: try TokenVerifier(algorithm: .hs256, key: Self.secret),
                portal: try PortalTokens(secret: Self.secret)),
            documents: [Document(path: "/openapi.yaml", contentType: "text/plain", body: [0x61])])
        let configuration = RedisConfiguration(
            address: .unixSocket(path: redis ?? "/nonexistent/redis"))
        worker = APIWorker(
            query: QueryWorker(
                engine: engine, cells: CellReader(configuration: configuration, layout: layout)))
        guard redis != nil else { return }
        var connection = try Connection(configuration)
        func run(_ words: [String]) throws {
            _ = try connection.command(words.map { Array($0.utf8) })
        }
        try run(
            [
                "HSET", "odo:1:{dir}:ledger", "layout", "1", "shards", "64", "hash", "fnv1a32",
                "directory:usage-directory", "1",
            ])
        for shard in 0..<64 { try run(["HSET", "odo:1:{\(shard)}:marks", "!contract", "1:a"]) }
        let others = KeyMaker.dialects.filter { $0 != "overview" }
        for (name, dialects) in [("{overview}", ["overview"]), ("{odo}", others)] {
            let key = try KeyMaker.make(
                organization: "acme", role: .admin, dialects: dialects, createdAtNanoseconds: 0)
            credentials[name] = key.secret
            for (member, json) in key.members {
                let text = String(decoding: json, as: UTF8.self)
                try run(["HSET", "odo:1:{dir}:credential:\(key.hash)", member, text])
            }
        }
    }

    private static func shippedCatalog() throws -> MeterCatalog {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "schemas/meters")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try CatalogReader.read(
            files: names.filter { $0.hasSuffix(".yaml") }.map { name in
                (name: name, text: [UInt8](try Data(contentsOf: folder.appending(path: name))))
            })
    }

    func finding(for input: [UInt8]) -> String? {
        var lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[
            ...]
        let line = lines.popFirst() ?? []
        let method = line.prefix { $0 != UInt8(ascii: " ") }
        let target = Array(line.dropFirst(method.count + 1))
        var headers = HeaderFields()
        let body = lines.firstIndex { $0.isEmpty }.map { lines[($0 + 1)...] } ?? []
        for line in lines.prefix(while: { !$0.isEmpty }) {
            let name = line.prefix { $0 != UInt8(ascii: ":") }
            var value = String(decoding: line.dropFirst(name.count + 1), as: UTF8.self)
            for (place, secret) in credentials { value = value.replacing(place, with: secret) }
            headers.append(name: Array(name), value: Array(value.utf8))
        }
        let request: Request
        do throws(HTTPError) {
            request = try Request(
                method: Method(name: String(decoding: method, as: UTF8.self)), target: target,
                headers: headers, body: Array(body.joined(separator: [UInt8(ascii: "\n")])))
        } catch {
            return error.code == .badRequest ? nil : "refused with \(error)"
        }
        return TargetCheck.finding(for: request, of: target)
            ?? finding(for: service.handle(worker, request), to: request)
    }

    private func finding(for response: Response, to request: Request) -> String? {
        guard Self.statuses.contains(response.status) else { return "status \(response.status)" }
        for field in response.headers
        where !field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
            return "header \(field.name) is \(field.value.debugDescription)"
        }
        if response.contentType == "application/json",
            (try? JSONSerialization.jsonObject(
                with: Data(response.body), options: [.fragmentsAllowed])) == nil
        {
            return "the body is no JSON: \(shown(response.body))"
        }
        var conditional = response
        Conditional.apply(to: &conditional, for: request)
        let isFresh = conditional.status == 304 && response.status == 200
        return isFresh || conditional.status == response.status ? nil : "a wrong 304"
    }
}

/// Decodes the target of a request a second time, from its bytes, and compares.
private enum TargetCheck {
    static func finding(for request: Request, of target: [UInt8]) -> String? {
        guard decoded(request.rawPath[...], plusIsSpace: false) == request.path else {
            return "the path is \(shown(request.path))"
        }
        let pairs = rawQuery(of: target).dropFirst().split(separator: UInt8(ascii: "&"))
        guard pairs.count == request.query.count else { return "\(request.query.count) parameters" }
        for (pair, parameter) in zip(pairs, request.query) {
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            guard decoded(name, plusIsSpace: true) == parameter.name,
                decoded(pair.dropFirst(name.count + 1), plusIsSpace: true) == parameter.value
            else { return "the pair \(shown(pair)) is \(parameter)" }
        }
        return encodedAgainFinding(request)
    }

    /// What was decoded must, encoded again, decode to the same.
    private static func encodedAgainFinding(_ request: Request) -> String? {
        if request.rawPath == [0x2A] { return nil }
        let query = request.query.map { encoded($0.name) + [0x3D] + encoded($0.value) }
        let target = encoded(request.path) + [0x3F] + Array(query.joined(separator: [0x26]))
        let again = try? Request(method: request.method, target: target)
        if again?.path == request.path, again?.query == request.query { return nil }
        return "encoded again as \(shown(target))"
    }

    private static func rawQuery(of target: [UInt8]) -> ArraySlice<UInt8> {
        target.drop { $0 != UInt8(ascii: "?") }
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> [UInt8] {
        let parts = bytes.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
        var made = Array(parts.first ?? []).map { $0 == 0x2B && plusIsSpace ? 0x20 : $0 }
        for part in parts.dropFirst() {
            let digits = String(decoding: part.prefix(2), as: UTF8.self)
            made.append(UInt8(digits, radix: 16) ?? 0)
            made += part.dropFirst(2).map { $0 == 0x2B && plusIsSpace ? 0x20 : $0 }
        }
        return made
    }

    private static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "/"): return [byte]
            default:
                let digits = Array(String(byte, radix: 16).utf8)
                return [0x25] + (digits.count == 1 ? [0x30] + digits : digits)
            }
        }
    }
}
