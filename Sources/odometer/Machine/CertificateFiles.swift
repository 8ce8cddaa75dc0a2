import HTTPServer
import Printing
import Synchronization

/// The certificate and the key of the public listener, read again when their files change.
///
/// A new connection looks at the files when the last look was at least a second ago; connections
/// that are open keep what they began with. At the start the pair must be usable. Later, a pair
/// that is not usable changes nothing: the old one stays, and the log says so once. It says so at
/// the second look, because the two files are not replaced at the same moment.
final class CertificateFiles: TLSIdentitySource {
    /// A pair that was found in the files and cannot be used.
    private struct Refused: Equatable {
        var reason: String
        var texts: [[UInt8]]
    }

    private struct State {
        var identity: TLSIdentity
        /// Certificate and key that `identity` was made of.
        var texts: [[UInt8]]
        var stamps: [FileStamp?]
        /// When the files were looked at, by `MonotonicTime`.
        var lookedAtNanoseconds: UInt64
        var refused: Refused?
        /// Whether the log has said why `refused` cannot be used.
        var isReported = false
        /// Whether the next look reads the files even where they have not changed.
        var looksAgain = false
    }

    private static let pauseNanoseconds: UInt64 = 1_000_000_000
    private let paths: [String]
    private let log: Log
    private let now: @Sendable () -> Int64
    private let state: Mutex<State>

    /// Reads both files; throws where they cannot be used.
    ///
    /// - Parameter now: the wall clock, in milliseconds since 1970.
    init(
        certificate: String, key: String, log: Log,
        nowNanoseconds: UInt64 = MonotonicTime.nanoseconds(),
        now: @escaping @Sendable () -> Int64 = { ValueText.now() }
    ) throws(CommandFailure) {
        let paths = [certificate, key]
        let stamps = paths.map { FileStamp($0) }
        let texts = try CertificateFiles.read(paths)
        let identity = try CertificateFiles.identity(texts, paths)
        self.paths = paths
        self.log = log
        self.now = now
        state = Mutex(
            State(
                identity: identity, texts: texts, stamps: stamps,
                lookedAtNanoseconds: nowNanoseconds))
        if let reason = CertificateFiles.untimely(identity, at: now()) {
            log.warning(
                "the certificate is not valid now: clients will refuse it",
                ("file", .text(certificate)), ("reason", .text(reason)))
        }
    }

    /// The pair of this moment.
    func current() -> TLSIdentity { current(at: MonotonicTime.nanoseconds()) }

    /// The pair at a moment of `MonotonicTime`.
    func current(at nanoseconds: UInt64) -> TLSIdentity {
        state.withLock { state in
            if nanoseconds >= state.lookedAtNanoseconds + CertificateFiles.pauseNanoseconds {
                state.lookedAtNanoseconds = nanoseconds
                look(&state)
            }
            return state.identity
        }
    }

    private func look(_ state: inout State) {
        // Before the files are read: a change in between is then found the next time.
        let stamps = paths.map { FileStamp($0) }
        let isSettled = stamps.allSatisfy { $0?.isSettled ?? false }
        if isSettled, stamps == state.stamps, !state.looksAgain { return }
        state.stamps = stamps
        state.looksAgain = false
        var texts: [[UInt8]] = []
        do throws(CommandFailure) {
            texts = try CertificateFiles.read(paths)
            if texts == state.texts {
                state.refused = nil
                return
            }
            let identity = try CertificateFiles.identity(texts, paths)
            if let reason = CertificateFiles.untimely(identity, at: now()) {
                // Waiting may help.
                state.looksAgain = true
                throw .usage("--tls-cert \(paths[0]): \(reason)")
            }
            state.identity = identity
            state.texts = texts
            state.refused = nil
            log.info(
                "the certificate was read again", ("file", .text(paths[0])),
                ("expires", .text(ValueText.time(identity.expiresMilliseconds))))
        } catch {
            refuse(Refused(reason: error.message, texts: texts), &state)
        }
    }

    /// Keeps the old pair, and says so when the same was found the last time.
    private func refuse(_ refused: Refused, _ state: inout State) {
        guard state.refused == refused else {
            state.refused = refused
            state.looksAgain = true
            state.isReported = false
            return
        }
        guard !state.isReported else { return }
        state.isReported = true
        log.warning(
            "the new certificate cannot be used, the old one goes on",
            ("reason", .text(refused.reason)))
    }

    private static func read(_ paths: [String]) throws(CommandFailure) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        for path in paths { texts.append(try FileText.read(path)) }
        return texts
    }

    private static func identity(
        _ texts: [[UInt8]], _ paths: [String]
    ) throws(CommandFailure) -> TLSIdentity {
        do throws(TLSIdentityError) {
            return try TLSIdentity(certificate: texts[0], key: texts[1])
        } catch {
            switch error.part {
            case .certificate: throw .usage("--tls-cert \(paths[0]): \(error.message)")
            case .key: throw .usage("--tls-key \(paths[1]): \(error.message)")
            }
        }
    }

    /// Why a certificate is not valid at a time; nil where it is.
    private static func untimely(_ identity: TLSIdentity, at milliseconds: Int64) -> String? {
        if milliseconds > identity.expiresMilliseconds {
            return "expired on \(ValueText.time(identity.expiresMilliseconds))"
        }
        if milliseconds < identity.validFromMilliseconds {
            return "is valid from \(ValueText.time(identity.validFromMilliseconds)) on"
        }
        return nil
    }
}

extension Settings {
    /// The certificate of the public listener; nil where it speaks plain HTTP.
    func certificateFiles(log: Log) throws(CommandFailure) -> CertificateFiles? {
        let (certificate, key) = (text(Options.tlsCert), text(Options.tlsKey))
        guard let certificate, let key else {
            if certificate != nil { throw .usage("--tls-cert needs --tls-key") }
            if key != nil { throw .usage("--tls-key needs --tls-cert") }
            return nil
        }
        return try CertificateFiles(certificate: certificate, key: key, log: log)
    }
}
