import API
import Foundation
import HTTPServer
import Synchronization

/// The keys of a JWKS file, read again when it changes, so that keys rotate without a restart.
///
/// A request looks at the file when the last look was at least a second ago. At the start every
/// key must be usable. Later, keys that are not usable are left out and named in the log, because
/// they must not keep a key valid that the same change withdrew. When the file is gone, is no key
/// set or has no usable key, the old keys stay valid, and the log says so once.
final class KeySetFile: TokenKeySource {
    private struct State {
        var keys: TokenKeys
        /// The file's text when it was read last, good or not.
        var text: [UInt8]
        var stamp: FileStamp?
        /// When it was looked at, by `MonotonicTime`.
        var lookedAtNanoseconds: UInt64
        /// Whether it could not be read the last time.
        var isGone = false
    }

    private static let pauseNanoseconds: UInt64 = 1_000_000_000
    private let path: String
    private let only: TokenVerifier.Algorithm?
    private let log: Log
    private let state: Mutex<State>

    /// Reads the file; throws where it holds no keys that can be used.
    init(
        _ path: String, only: TokenVerifier.Algorithm?, log: Log,
        nowNanoseconds: UInt64 = MonotonicTime.nanoseconds()
    ) throws(CommandFailure) {
        self.path = path
        self.only = only
        self.log = log
        let stamp = FileStamp(path)
        let text = try FileText.read(path)
        do throws(TokenConfigurationError) {
            let keys = try KeySetFile.keys(text, only, isStrict: true)
            state = Mutex(
                State(
                    keys: keys, text: text, stamp: stamp, lookedAtNanoseconds: nowNanoseconds))
        } catch {
            throw .usage("--jwks-file \(path): \(error.message)")
        }
    }

    /// The keys of this moment.
    func current() -> TokenKeys { current(at: MonotonicTime.nanoseconds()) }

    /// The keys at a moment of `MonotonicTime`.
    func current(at nanoseconds: UInt64) -> TokenKeys {
        state.withLock { state in
            if nanoseconds >= state.lookedAtNanoseconds + KeySetFile.pauseNanoseconds {
                state.lookedAtNanoseconds = nanoseconds
                look(&state)
            }
            return state.keys
        }
    }

    private func look(_ state: inout State) {
        // Before the file is read: a change in between is then found the next time.
        let stamp = FileStamp(path)
        if let stamp, stamp.isSettled, stamp == state.stamp { return }
        state.stamp = stamp
        let text: [UInt8]
        do throws(CommandFailure) {
            text = try FileText.read(path)
        } catch {
            if !state.isGone { warn(error.message) }
            state.isGone = true
            return
        }
        state.isGone = false
        if text == state.text { return }
        state.text = text
        do throws(TokenConfigurationError) {
            state.keys = try KeySetFile.keys(text, only, isStrict: false)
            log.info("the keys for tokens were read again", ("file", .text(path)))
            if !state.keys.leftOut.isEmpty {
                log.warning(
                    "keys for tokens were left out", ("file", .text(path)),
                    ("keys", .text(state.keys.leftOut.joined(separator: "; "))))
            }
        } catch {
            warn("\(path): \(error.message)")
        }
    }

    private func warn(_ reason: String) {
        log.warning(
            "the file of keys for tokens cannot be used, the old keys go on",
            ("reason", .text(reason)))
    }

    private static func keys(
        _ text: [UInt8], _ only: TokenVerifier.Algorithm?, isStrict: Bool
    ) throws(TokenConfigurationError) -> TokenKeys {
        guard let set = try? JSONDecoder().decode(JSONWebKeySet.self, from: Data(text)) else {
            // The decoder's message may hold a part of a secret.
            throw TokenConfigurationError(message: "is no JSON Web Key Set (RFC 7517)")
        }
        return try TokenKeys(set, only: only, isStrict: isStrict)
    }
}
