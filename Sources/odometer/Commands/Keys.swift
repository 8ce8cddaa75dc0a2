import API
import Foundation
import Kafka
import Ledger
import Pipeline
import Printing
import Query

/// `odometer keys …`: API keys. The key itself is shown once and kept nowhere.
extension Commands {
    private static let organization = Option(
        name: "organization", placeholder: "ID", value: .text,
        help: "The organization that the key opens.", source: .call)
    private static let dialect = Option(
        name: "dialect", placeholder: "NAME", value: .choice(KeyMaker.dialects),
        help: "API that the key opens.", source: .call, isRepeatable: true)
    private static let role = Option(
        name: "role", placeholder: "ROLE", value: .choice(Role.allCases.map(\.rawValue)),
        help:
            "What its owner may do. Without it: read; admin for the overview, which only admin keys "
            + "open.", source: .call)
    private static let expires = Option(
        name: "expires", placeholder: "TIME", value: .moment([]),
        help: "From then on it opens nothing; without it: never.", source: .call)
    private static let withDead = Option(
        name: "all", placeholder: "", value: .flag, help: "Also revoked and expired ones.",
        source: .call)
    private static let options =
        Options.kafka + [Options.directoryTopic] + Options.redisServer + [Options.timeout]

    static let keysCreate = Command(
        path: ["keys", "create"], summary: "Make an API key; it is shown once.",
        details: """
            Kafka and Redis get the key's SHA-256 only. The key is printed when Kafka has acknowledged its
            record, and not before: where nothing is printed, there is no key. Then the command waits until
            Redis knows it, which takes a running `odometer run` or `up`, at most --timeout: exit 3 with a
            key printed means that it opens as soon as one runs.
            """,
        options: [organization, dialect, role, expires, Options.json] + options,
        examples: [
            (
                "keys create --organization acme --dialect overview",
                "a key for the overview, which needs the role admin"
            ),
            (
                "keys create --organization acme --dialect connections --dialect workspace",
                "one read key for two APIs"
            ),
        ],
        run: runKeysCreate)

    static let keysList = Command(
        path: ["keys", "list"], summary: "List the keys of the directory topic.",
        options: [organization, withDead, Options.json] + Options.kafka
            + [Options.directoryTopic, Options.timeout],
        examples: [
            ("keys list", "live keys"),
            ("keys list --organization acme --all", "all keys of one organization"),
        ],
        run: runKeysList)

    static let keysRevoke = Command(
        path: ["keys", "revoke"], summary: "Revoke a key; returns when Redis knows it.",
        details: """
            No answer is given for the key from one second after this command has ended with exit code 0. It does
            so only when Redis has this very record; else it fails (exit 3 when --timeout is over), and the key
            may still open.
            """,
        operands: [
            Operand(
                name: "HASH", help: "The key's hash as in keys list, or its first 8 or more digits."
            )
        ],
        options: options,
        examples: [("keys revoke 3f9a7c21d4e5", "the key whose hash begins so")],
        run: runKeysRevoke)

    private static func runKeysCreate(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        guard let owner = settings.text(organization) else {
            throw .usage("--organization is missing")
        }
        let dialects = settings.texts(dialect)
        guard !dialects.isEmpty else { throw .usage("--dialect is missing") }
        let role =
            settings.text(role).flatMap(Role.init(rawValue:))
            ?? KeyMaker.standardRole(dialects: dialects)
        let key = try NewCredential.make(
            organization: owner, dialects: dialects, role: role, expires: settings.text(expires))
        if let warning = KeyMaker.warning(dialects: dialects, role: role) {
            call.log.warning(warning)
        }
        let isJSON = settings.isOn(Options.json)
        // Shown once Kafka has the record, and before the wait: from then on the key may open.
        try write(hash: key.hash, key.json, call) {
            if isJSON {
                Output.line(
                    "{\"key\":\(JSONText.quoted(key.secret)),\"hash\":\"\(key.hash)\"}")
            } else {
                Output.line("key   \(key.secret)")
                Output.line("hash  \(key.hash)")
            }
        }
        if !isJSON { Output.line("It is shown this once; Redis knows its hash.") }
        return .ok
    }

    private static func runKeysList(_ call: borrowing Invocation) throws(CommandFailure) -> ExitCode
    {
        let settings = call.settings
        let now = ValueText.now()
        let records = try credentials(call).filter { record in
            (settings.isOn(withDead) || record.state(at: now) == "live")
                && settings.text(organization).map { $0 == record.organization } ?? true
        }
        if settings.isOn(Options.json) {
            var texts: [String] = []
            for record in records { texts.append(String(decoding: try record.json, as: UTF8.self)) }
            Output.line("[" + texts.joined(separator: ",\n ") + "]")
            return .ok
        }
        var rows = [["HASH", "PREFIX", "ORGANIZATION", "ROLE", "DIALECTS", "CREATED", "STATE"]]
        for record in records {
            rows.append([
                String(record.hash.prefix(16)), record.prefix, record.organization, record.role,
                record.dialects.joined(separator: ","), record.createdAt, record.state(at: now),
            ])
        }
        Output.table(rows)
        return .ok
    }

    private static func runKeysRevoke(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let hash = call.operands[0].lowercased()
        guard (8...64).contains(hash.utf8.count), hash.allSatisfy(\.isHexDigit) else {
            throw .usage("HASH is 8 to 64 hexadecimal digits; a key itself is never asked for")
        }
        let found = try credentials(call).filter { $0.hash.hasPrefix(hash) }
        guard var record = found.first else {
            throw CommandFailure(.failed, "no key has a hash that begins with \(hash)")
        }
        guard found.count == 1 else {
            throw CommandFailure(
                .failed, "\(found.count) keys have a hash that begins with \(hash)")
        }
        // Written again where it was revoked before: the wait is for Redis to know it.
        record.revokedAt = record.revokedAt ?? ValueText.time(ValueText.now())
        try write(hash: record.hash, try record.json, call)
        Output.line("revoked \(record.hash)")
        return .ok
    }

    private static func write(
        hash: String, _ json: [UInt8], _ call: borrowing Invocation,
        onAcknowledged: () -> Void = {}
    ) throws(CommandFailure) {
        let key = try DirectoryKey(kind: .credential, ids: [hash])
        let settings = call.settings
        let writing = DirectoryWrite(
            settings, milliseconds: settings.milliseconds(Options.timeout), log: call.log)
        try writing.write([(key, json)], waits: true, onAcknowledged: onAcknowledged)
    }

    private static func credentials(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> [CredentialRecord] {
        let settings = call.settings
        let kafka = try settings.kafkaConfiguration(log: call.log)
        let objects: [DirectoryReader.Object]
        do throws(KafkaError) {
            objects = try DirectoryReader.read(
                kafka, topic: settings.required(Options.directoryTopic),
                timeoutMilliseconds: settings.milliseconds(Options.timeout))
        } catch {
            throw CommandFailure(inTime: error)
        }
        return objects.compactMap { object in
            object.key.kind == .credential ? object.value.flatMap(CredentialRecord.decode) : nil
        }
    }
}
