import Testing

/// Redis loses everything under a living connection: no answer is made of what is not there.
@Suite struct LostLedgerTests {
    private let organization = "507f1f77bcf86cd799439000"

    @Test(arguments: [false, true]) func answersOfAnEmptyRedisAre503(isKnown: Bool) throws {
        let service = try TestService()
        try service.directory(organization, "organization", ["name": #""A""#])
        let key = try service.key(organization, ["operations", "connections"])
        let headers = ["Authorization": "Bearer " + key]
        let paths = ["/v1/meters/tokens", "/api/connection-analytics/summary"]
        // Once, so that the ledger is known; and again, so that reads are foreseen.
        for path in paths + (isKnown ? paths : []) {
            #expect(try service.get(path, headers).status == 200)
        }
        try service.run("FLUSHALL")
        for path in paths + paths {
            let answer = try service.get(path, headers)
            #expect(answer.status == 503, "\(path): \(answer.body)")
        }
    }
}
