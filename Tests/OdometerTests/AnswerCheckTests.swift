import Foundation
import Printing
import Testing
import Verify

@testable import Laboratory
@testable import odometer

/// What `replay --check --answers` reads, and how it compares an answer with what is expected.
struct AnswerCheckTests {
    private func read(_ text: String) throws -> AnswerCheck {
        try AnswersFile.read(Array(text.utf8), name: "answers.yaml")
    }

    private func headers(
        _ reader: AnswerCheck.Reader, _ document: ExpectedRoute.Document
    ) -> String? {
        reader.headers(document).map { headers in
            headers.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
        }
    }

    @Test func aFileSaysWhatOpensTheRoutes() throws {
        let check = try read(
            """
            server: 127.0.0.1:8080
            organizations:
              - {id: acme, key: k0}
              - id: other
                slug: the-other
                token: t
                keys: {overview: k1, workspace: k2, connections: k3, privacy: k4}
            """)
        #expect(check.host == "127.0.0.1" && check.port == 8_080)
        let (first, second) = (check.readers[0], check.readers[1])
        #expect(first.key == "k0" && first.slug == "acme")
        for document in ExpectedRoute.Document.allCases {
            #expect(first.headers(document) == nil)
        }
        #expect(second.key == nil)
        #expect(headers(second, .overview) == "X-API-Key: k1")
        #expect(headers(second, .workspace) == "Authorization: Bearer k2, x-org: the-other")
        #expect(headers(second, .connections) == "Authorization: k3")
        #expect(headers(second, .privacy) == "x-api-key: k4")
        #expect(headers(second, .identity) == "Authorization: Bearer t")
    }

    @Test(
        arguments: [
            "server: 127.0.0.1:1", "server: 127.0.0.1:1\norganizations: [{id: a}]",
            "server: 127.0.0.1:1\norganizations: [{key: a}]",
            "server: 127.0.0.1:1\norganizations: [{id: a, key: \"\"}]",
            "server: 127.0.0.1:1\norganizations: [{id: a, key: b, keys: {identity: c}}]",
            "server: 127.0.0.1:1\norganizations: [{id: a, key: b, more: c}]",
            "organizations: [{id: a, key: b}]",
        ])
    func aFileThatMakesNoSenseIsRefused(_ text: String) {
        #expect(throws: CommandFailure.self) { try read(text) }
    }

    @Test func aServerThatSpeaksHTTPSIsRefusedWithTheReason() {
        let text = "server: https://127.0.0.1:1\norganizations: [{id: a, key: b}]"
        let failure = #expect(throws: CommandFailure.self) { try read(text) }
        #expect(failure?.code == .usage)
        #expect(failure?.message.contains("without --tls-cert") == true)
    }

    private func differences(_ expected: ExpectedJSON, _ found: String) throws -> [String] {
        expected.differences(from: try #require(JSONText.value(Array(found.utf8))))
    }

    @Test func everyDifferenceNamesItsPlace() throws {
        let expected = ExpectedJSON.object([
            "count": .integer(3), "name": .leftOut, "none": .null, "share": .hundredths(-3_330),
            "median": .between(103, 104), "id": .text("a"),
            "rows": .list([.object(["n": .integer(1)]), .object(["n": .integer(2)])]),
        ])
        let right = """
            {"count":3,"name":{"any":[1]},"none":null,"share":-33.3,"median":1.04,"id":"a",
             "rows":[{"n":1},{"n":2}]}
            """
        #expect(try differences(expected, right) == [])
        let wrong = """
            {"count":4,"name":null,"none":0,"share":-33.31,"median":1.05,"id":"A",
             "rows":[{"n":1},{"m":2},{}]}
            """
        let found = try differences(expected, wrong)
        #expect(
            found == [
                "/count: expected 3, found 4", "/id: expected \"a\", found \"A\"",
                "/median: expected 1.03 to 1.04, found 1.05", "/none: expected null, found 0",
                "/rows/1/m: expected nothing, found 2", "/rows/1/n: expected 2, found nothing",
                "/rows: expected 2 entries, found 3",
                "/share: expected -33.30, found -33.31",
            ])
        #expect(try differences(expected, "[]").count == 1)
        #expect(try differences(.list([.integer(1)]), #"{"0":1}"#).count == 1)
    }

    @Test(
        arguments: [
            (.integer(5), "5", true), (.integer(5), "5.5", false), (.integer(5), "\"5\"", false),
            (.integer(.max), "9223372036854775807", true), (.integer(0), "null", false),
            (.hundredths(1_234), "12.34", true), (.hundredths(1_200), "12", true),
            (.hundredths(1_234), "12.35", false), (.null, "\"\"", false),
            // One letter as one scalar or as two is one text to Swift, and not the same bytes.
            (.text("é"), "\"e\u{301}\"", false), (.leftOut, "null", true),
            (.distinct([]), "0", false),
        ] as [(ExpectedJSON, String, Bool)])
    func valuesAreComparedAsTheyAreMeant(
        _ expected: ExpectedJSON, _ found: String, _ isEqual: Bool
    )
        throws
    {
        #expect(try differences(.list([expected]), "[\(found)]").isEmpty == isEqual)
    }

    @Test func whatNobodyOpensIsSkippedAndTold() throws {
        let check = try read("server: 127.0.0.1:1\norganizations: [{id: a, keys: {overview: k}}]")
        func route(_ document: ExpectedRoute.Document, _ target: String) -> ExpectedRoute {
            ExpectedRoute(organization: "a", document: document, target: target, bodies: [.null])
        }
        let report = check.run(
            [], [route(.workspace, "/w?x=1"), route(.workspace, "/w"), route(.identity, "/i")],
            [UncheckedRoute(organization: "a", path: "/p", reason: "why")])
        #expect(report.compared == 0 && report.differences.isEmpty)
        #expect(
            report.skipped == [
                "a GET /w: no key of workspace is given", "a GET /i: no token is given",
                "a GET /p: why",
            ])
        // Nobody listens there.
        let other = check.run([], [route(.overview, "/o")], [])
        #expect(other.compared == 1 && other.differences == ["a GET /o: no answer"])
    }
}
