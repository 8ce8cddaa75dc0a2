import Ledger
import Testing

@testable import Pipeline
@testable import Redis

/// What `doctor` says of TLS to Redis.
@Suite struct TLSFindingTests {
    private static let day: Int64 = 86_400

    @Test(arguments: [
        (14, true, "ok", "the certificate is checked, it ends at 1970-01-15T00:00:00Z"),
        (13, true, "warning", "the certificate of Redis ends at 1970-01-14T00:00:00Z"),
        (400, false, "warning", "the certificate of Redis is not checked"),
    ])
    func aCertificateIsJudged(_ days: Int64, _ isVerified: Bool, _ grade: String, _ text: String) {
        let facts = TLSFacts(
            version: "TLSv1.3", cipher: "C", expirySecond: days * Self.day, isVerified: isVerified)
        let finding = Checkup.tls(facts, nowMilliseconds: 0)
        #expect(finding.grade.rawValue == grade)
        #expect(finding.message == "TLSv1.3, C: \(text)")
        #expect((finding.remedy == nil) == (grade == "ok"))
    }
}
