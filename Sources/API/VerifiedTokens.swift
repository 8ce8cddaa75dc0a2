import Synchronization

/// Tokens whose signature was verified, with their claims.
///
/// They belong to keys that never change, so a signature stays valid; only a token's times are
/// checked again. When too many are kept, all are dropped and verified again. Safe to use from
/// every thread.
final class VerifiedTokens: Sendable {
    struct Entry {
        let claims: TokenVerifier.Claims
        let validity: TokenVerifier.Validity
    }

    private static let most = 2_048
    private static let longestTokenBytes = 2_048
    private let entries = Mutex<[[UInt8]: Entry]>([:])

    func find(_ token: [UInt8]) -> Entry? { entries.withLock { $0[token] } }

    func insert(
        _ token: [UInt8], _ claims: TokenVerifier.Claims, _ validity: TokenVerifier.Validity
    ) {
        guard token.count <= VerifiedTokens.longestTokenBytes else { return }
        entries.withLock { entries in
            if entries.count >= VerifiedTokens.most { entries.removeAll() }
            entries[token] = Entry(claims: claims, validity: validity)
        }
    }
}
