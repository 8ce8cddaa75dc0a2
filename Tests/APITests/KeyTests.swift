import API
import Foundation
import HTTPServer
import Query
import TestSupport
import Testing

@Suite struct KeyTests {
    private func status(_ service: TestService, _ secret: String) throws -> Int {
        try service.get("/v1/meters", ["Authorization": "Bearer \(secret)"]).status
    }

    /// The record's schema lists the dialects for other programs that write the topic.
    @Test func schemaNamesTheDialects() throws {
        let path = Checkout.url("schemas/directory/credential.schema.json")
        let schema = try JSONSerialization.jsonObject(with: Data(contentsOf: path))
        let properties = (schema as? [String: Any])?["properties"] as? [String: Any]
        let items = (properties?["dialects"] as? [String: Any])?["items"] as? [String: Any]
        #expect(items?["enum"] as? [String] == KeyMaker.dialects)
    }

    @Test func form() throws {
        let key = try KeyMaker.make(
            organization: "o", role: .read, dialects: ["privacy", "operations"],
            createdAtNanoseconds: 0,
            expiresAtNanoseconds: 86_400_000_000_000)
        #expect(key.secret.hasPrefix("odo_r_"))
        #expect(key.secret.utf8.count == 6 + 43 + 6)
        #expect(key.secret.hasPrefix(key.prefix))
        #expect(!String(decoding: key.json, as: UTF8.self).contains(key.secret))
        #expect(
            sortedJSON(String(decoding: key.json, as: UTF8.self))
                == sortedJSON(
                    """
                    {"hash": "\(key.hash)", "prefix": "\(key.prefix)", "organization": "o",
                     "dialects": ["privacy", "operations"], "role": "read",
                     "createdAt": "1970-01-01T00:00:00Z", "expiresAt": "1970-01-02T00:00:00Z"}
                    """))
        let secrets = try (0..<100).map { _ in
            try KeyMaker.make(
                organization: "o", role: .admin, dialects: ["overview"], createdAtNanoseconds: 0
            )
            .secret
        }
        #expect(Set(secrets).count == 100)
        #expect(secrets.allSatisfy { APIKey(Array($0.utf8))?.brand == "dakkio" })
        for dialects in [[], ["identity"], ["nothing"], ["overview", "privacy"]] {
            #expect(throws: KeyMakerError.self) {
                try KeyMaker.make(
                    organization: "o", role: .read, dialects: dialects, createdAtNanoseconds: 0)
            }
        }
    }

    @Test func attacks() throws {
        let service = try TestService()
        let good = try service.key("o", ["operations"], role: .read)
        #expect(try status(service, good) == 200)
        #expect(try status(service, try service.key("o", ["privacy"], role: .read)) == 401)
        let unknown = try KeyMaker.make(
            organization: "o", role: .read, dialects: ["operations"], createdAtNanoseconds: 0)
        #expect(try status(service, unknown.secret) == 401)
        var changed = Array(good.utf8)
        changed[20] = changed[20] == 65 ? 66 : 65
        for secret in [
            "", " ", String(decoding: changed, as: UTF8.self), String(good.dropLast()), good + "0",
            good.replacingOccurrences(of: "odo_r_", with: "odo_a_"), "odo_r_", good.uppercased(),
            good + " " + good, String(repeating: "0", count: 20_000),
        ] {
            #expect(try status(service, secret) == 401, "\(secret)")
        }
        let two = try Request(
            method: .get, target: Array("/v1/meters".utf8),
            headers: HeaderFields([
                ("Authorization", "Bearer \(good)"), ("Authorization", "Bearer \(good)"),
            ]))
        #expect(service.api.handle(service.worker, two).status == 401)
    }

    /// The record decides, and every doubt about it closes the door.
    @Test(
        arguments: [
            ("role", #""admin""#, 401), ("role", #""owner""#, 401), ("role", "7", 401),
            ("prefix", #""odo_a_""#, 401), ("prefix", #""odo_r_""#, 200),
            ("hash", #""00""#, 401), ("dialects", "[]", 401), ("dialects", #""operations""#, 401),
            ("dialects", #"["workspace","operations"]"#, 200), ("organization", #""""#, 401),
            ("expiresAt", #""2026-03-09T14:07:31Z""#, 401),
            ("expiresAt", #""2026-03-09T14:07:32Z""#, 200), ("expiresAt", "1893456000", 401),
            ("expiresAt", "null", 200), ("expiresAt", #""soon""#, 401),
            ("revokedAt", #""2030-01-01T00:00:00Z""#, 401), ("revokedAt", "null", 200),
            ("@deleted", "1", 401),
        ])
    func records(member: String, json: String, expected: Int) throws {
        let service = try TestService()
        let secret = try service.key("o", ["operations"], role: .read)
        let hash = try #require(APIKey(Array(secret.utf8))).hash
        try service.run(
            "HSET", "odo:1:{dir}:credential:\(String(decoding: hash, as: UTF8.self))", member, json)
        #expect(try status(service, secret) == expected)
    }

}
