import Query

extension Call {
    /// The valid credential of this secret, where it opens this dialect; nil in every other case.
    func credential(
        _ secret: [UInt8]?, for dialect: some Dialect
    ) throws(Problem) -> Credential? {
        guard let secret, let key = APIKey(secret), key.brand == dialect.keys?.brand
        else { return nil }
        let hash = key.hash
        try charge.begin(credential: hash)
        let found: Credential?
        do throws(QueryError) {
            found = try worker.credential(hash: hash)
        } catch {
            throw Call.problem(error)
        }
        guard let found, APIKey.isEqual(found.hash, hash), secret.starts(with: found.prefix),
            found.role == key.role, !found.isRevoked,
            found.expiresAtNanoseconds.map({ worker.engine.clock.nanoseconds < $0 }) ?? true,
            found.dialects.contains(Array(dialect.name.utf8))
        else {
            charge.refuse(credential: hash)
            return nil
        }
        guard found.role != .operator || dialect.takesOperators else {
            throw Problem(403, dialect.operatorRefusal)
        }
        try charge.enter(found.organization, credential: hash)
        return found
    }

    /// The valid credential; throws 401 with this message where there is none.
    func requireCredential(
        _ secret: [UInt8]?, for dialect: some Dialect, message: String
    ) throws(Problem) -> Credential {
        guard let found = try credential(secret, for: dialect) else {
            throw Problem.unauthorized(message, secret: secret)
        }
        return found
    }
}
