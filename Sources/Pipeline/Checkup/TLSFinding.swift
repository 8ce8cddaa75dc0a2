internal import Ledger
internal import Redis

extension Checkup {
    /// How long before the end of Redis' certificate `doctor` warns, in days.
    static let certificateDays: Int64 = 14

    /// What TLS to Redis has agreed on, and how long the server's certificate is still good.
    static func tls(_ facts: TLSFacts, nowMilliseconds: Int64) -> Finding {
        func finding(_ grade: Finding.Grade, _ text: String, _ remedy: String?) -> Finding {
            Finding(
                grade, "redis", "redis-tls", "\(facts.version), \(facts.cipher): \(text)",
                remedy: remedy)
        }
        guard facts.isVerified else {
            return finding(
                .warning, "the certificate of Redis is not checked",
                "give its CA by --redis-ca and remove --redis-tls-unverified")
        }
        let days = (facts.expirySecond - nowMilliseconds / 1_000) / 86_400
        guard days >= certificateDays else {
            return finding(
                .warning, "the certificate of Redis ends at \(facts.expiry)",
                "renew it before: connections that exist go on, new ones will be refused")
        }
        return finding(.ok, "the certificate is checked, it ends at \(facts.expiry)", nil)
    }
}
