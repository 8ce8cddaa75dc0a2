import API
import Printing
import Query

/// Makes API keys for the directory.
enum NewCredential {
    static func make(
        organization: String, dialects: [String], role: Role, expires: String? = nil
    ) throws(CommandFailure) -> NewKey {
        do throws(KeyMakerError) {
            return try KeyMaker.make(
                organization: organization, role: role, dialects: dialects,
                createdAtNanoseconds: ValueText.now() * 1_000_000,
                expiresAtNanoseconds: expires.flatMap(ValueText.moment).map { $0 * 1_000_000 })
        } catch {
            throw .usage(error.message)
        }
    }
}
