import Kafka
import Ledger
import Printing
import Query
import Replay

/// `odometer directory …`: profiles and plans.
extension Commands {
    private static let directoryOptions =
        Options.kafka + [Options.directoryTopic] + Options.redisServer
        + [Options.timeout, noWait]
    private static let noWait = Option(
        name: "no-wait", placeholder: "", value: .flag,
        help: "Return as soon as Kafka has the record; do not wait until Redis has it.",
        source: .call)
    private static let kindOperand = Operand(
        name: "KIND", help: "organization, plan, user or project.")
    private static let waiting =
        "Writes to the directory topic and waits until a running `odometer run` or `up` has brought it\n"
        + "to Redis, at most --timeout (exit 3)."

    static let directoryPut = Command(
        path: ["directory", "put"], summary: "Write one profile or plan.",
        details: waiting
            + "\nThe object must have the shape of schemas/directory; further members are kept.",
        operands: [
            kindOperand, Operand(name: "ORGANIZATION", help: "The organization's id."),
            Operand(
                name: "[ID] JSON",
                help: "The id of a user or project, then the whole object as JSON "
                    + "(- reads it from standard input).", isRepeatable: true),
        ],
        options: directoryOptions,
        examples: [
            (
                #"directory put organization acme '{"name":"Acme","slug":"acme"}'"#,
                "an organization"
            ),
            (
                #"directory put user acme u-17 '{"name":"Ada","email":"ada@acme.example"}'"#,
                "a user"
            ),
        ],
        run: runDirectoryPut)

    static let directoryDelete = Command(
        path: ["directory", "delete"], summary: "Delete one profile or plan.",
        details: waiting
            + "\nNumbers stay; answers then name the id alone. Keys are revoked, not deleted.",
        operands: [
            kindOperand, Operand(name: "ORGANIZATION", help: "The organization's id."),
            Operand(name: "ID", help: "The id of a user or project.", isRequired: false),
        ],
        options: directoryOptions,
        examples: [("directory delete user acme u-17", "a user")],
        run: runDirectoryDelete)

    static let directoryImport = Command(
        path: ["directory", "import"], summary: "Write the profiles and plans of a JSONL file.",
        details: """
            One object a line:
              {"kind": "user", "organization": "acme", "id": "u-17", "profile": {"name": "Ada"}}
            A profile of null deletes. The file may be packed with gzip or zstd. Nothing is written
            before the whole file was read without a mistake.
            """,
        operands: [Operand(name: "FILE", help: "The file; - is standard input.")],
        options: directoryOptions,
        examples: [("directory import profiles.jsonl", "all profiles of a file")],
        run: runDirectoryImport)

    private static func runDirectoryPut(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let kind = try profileKind(call.operands[0])
        guard call.operands.count == kind.idCount + 2, let text = call.operands.last else {
            throw .usage(
                "directory put \(kind.rawValue) takes ORGANIZATION\(kind.idCount > 1 ? " ID" : "") JSON"
            )
        }
        let value = text == "-" ? try FileText.read("/dev/stdin") : Array(text.utf8)
        guard let object = DirectoryObject(value) else {
            throw .usage("the profile is not a JSON object of at most 256 members")
        }
        let key = try DirectoryKey(kind: kind, ids: Array(call.operands[1..<kind.idCount + 1]))
        if let refusal = DirectoryShape.refusal(of: object, under: key) {
            throw .usage(refusal)
        }
        for name in DirectoryShape.unknown(in: object, of: kind) {
            call.log.warning("\(kind.rawValue): no answer shows a member \"\(name)\"")
        }
        return try write([(key, value)], call)
    }

    private static func runDirectoryDelete(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let kind = try profileKind(call.operands[0])
        let key = try DirectoryKey(kind: kind, ids: Array(call.operands[1...]))
        return try write([(key, nil)], call)
    }

    private static func runDirectoryImport(
        _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let file = call.operands[0]
        var records: [(DirectoryKey, [UInt8]?)] = []
        do throws(ReplayError) {
            var lines = try LineSource(path: file)
            while let line = try lines.next() {
                do throws(CommandFailure) {
                    records.append(try importedRecord(Array(line)))
                } catch {
                    throw ReplayError(.source, "\(file):\(lines.lineNumber): \(error.message)")
                }
            }
        } catch {
            throw .usage(error.message)
        }
        guard !records.isEmpty else { throw .usage("\(file): no profiles") }
        return try write(records, call)
    }

    private static func importedRecord(
        _ line: [UInt8]
    ) throws(CommandFailure) -> (DirectoryKey, [UInt8]?) {
        guard let object = DirectoryObject(line) else { throw .usage("not a JSON object") }
        func text(_ name: String) -> String? {
            object.members[name].flatMap(RecordText.string).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        guard let name = text("kind") else { throw .usage("kind is missing") }
        let kind = try profileKind(name)
        guard let organization = text("organization") else {
            throw .usage("organization is missing")
        }
        let id = text("id")
        let key = try DirectoryKey(kind: kind, ids: [organization] + (id.map { [$0] } ?? []))
        let value = object.members["profile"] ?? []
        if value.elementsEqual("null".utf8) { return (key, nil) }
        guard let profile = DirectoryObject(value) else {
            throw .usage("profile must be an object of at most 256 members, or null to delete")
        }
        if let refusal = DirectoryShape.refusal(of: profile, under: key) {
            throw .usage(refusal)
        }
        return (key, profile.json)
    }

    private static func profileKind(_ name: String) throws(CommandFailure) -> DirectoryKey.Kind {
        guard let kind = DirectoryKey.Kind(rawValue: name), kind != .credential else {
            throw .usage(
                "KIND must be organization, plan, user or project, not \"\(name)\""
                    + (name == "credential" ? "; see odometer keys" : ""))
        }
        return kind
    }

    private static func write(
        _ records: [(DirectoryKey, [UInt8]?)], _ call: borrowing Invocation
    ) throws(CommandFailure) -> ExitCode {
        let settings = call.settings
        let writing = DirectoryWrite(
            settings, milliseconds: settings.milliseconds(Options.timeout), log: call.log)
        try writing.write(records, waits: !settings.isOn(noWait))
        Output.line("\(records.count) written")
        return .ok
    }
}
