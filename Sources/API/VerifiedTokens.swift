import Synchronization

/// Tokens whose signature was found good, with what they say.
///
/// They belong to keys that do not change, so a token that was good once stays so; only its times are looked at
/// again. Bounded: where too many are kept, all are forgotten and verified again. Safe to use from every thread.
final class VerifiedTokens: Sendable {
    struct Entry {
        let claims: TokenVerifier.Claims
        let validity: TokenVerifier.Validity
    }

    private static let most = 2_048
    private static let longest = 2_048
    private let entries = Mutex<[[UInt8]: Entry]>([:])

    func find(_ token: [UInt8]) -> Entry? { entries.withLock { $0[token] } }

    func insert(
        _ token: [UInt8], _ claims: TokenVerifier.Claims, _ validity: TokenVerifier.Validity
    ) {
        guard token.count <= VerifiedTokens.longest else { return }
        entries.withLock { entries in
            if entries.count >= VerifiedTokens.most { entries.removeAll() }
            entries[token] = Entry(claims: claims, validity: validity)
        }
    }
}
