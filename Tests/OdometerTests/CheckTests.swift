import Foundation
import Testing

/// `odometer check`: what the others would refuse, and nothing that is secret.
struct CheckTests {
    /// A file with this text, for the length of a closure.
    private func withFile<Result>(
        _ text: String, _ body: (String) throws -> Result
    ) throws -> Result {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("check-\(UUID().uuidString)")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try body(file.path)
    }

    @Test(arguments: [
        "user:SECRET@localhost:6379", "redis://user:SECRET@localhost:6379/3",
        "unix://user:SECRET@/run/redis.sock", "redis://:SECRET@localhost", "nonsense://a:SECRET@b",
        "user:SECRET@localhost:port",
    ])
    func theSecretOfRedisIsNotPrinted(_ url: String) throws {
        let ended = try Executable.run(["check", "--redis", url])
        #expect(ended.output.contains("redis.url"))
        #expect(!(ended.output + ended.errors).contains("SECRET"))
        if url.contains("user:"), ended.status == 0 { #expect(ended.output.contains("user@")) }
    }

    /// Ten cells of 3 µs each, 10,000 times; where a record is one event nothing is said.
    @Test func aFullRecordOfEventsHasItsTime() throws {
        func catalog(_ each: String) -> String {
            """
            version: 1
            envelope: {id: /id, type: {const: use}, subject: /org\(each)}
            events: {use: {fields: {n: {at: /n, is: integer}, a: {at: /a}}}}
            meters:
              sums:
                kind: sum
                windows: [minute, quarter, day, month, all]
                per: [organization, a]
                on: [{event: use, amount: n}]
            """
        }
        let line = "A record of 10000 events of one organization that share no cell is one script"
        for (each, expected) in [(", each: lines", true), ("", false)] {
            let ended = try withFile(catalog(each)) { file in
                try Executable.run(["check", "--meters", file])
            }
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.output.contains("\(line) of Redis, of about 0.3 s at most.") == expected)
            #expect(ended.output.contains(line) == expected)
        }
        let shipped = try Executable.run(["check"])
        #expect(shipped.output.contains(line), "batches of CloudEvents need no word in the catalog")
    }

    @Test func aPasswordFileGoesWithAUserInTheURL() throws {
        let ended = try withFile("SECRET\n") { file in
            try Executable.run([
                "check", "--redis", "redis://counter@localhost", "--redis-password-file", file,
            ])
        }
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.output.contains("redis://counter@localhost:6379/0"))
        #expect(!ended.output.contains("SECRET"))
    }

    @Test func aSecretOfKafkaComesFromAFileAndIsNotPrinted() throws {
        try withFile("SECRET\n") { file in
            let words = ["check", "--kafka-property-file", "sasl.password=\(file)"]
            let ended = try Executable.run(words)
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.output.contains("sasl.password=\(file)"))
            #expect(!(ended.output + ended.errors).contains("SECRET"))
            let other = try Executable.run(
                ["check"],
                environment: ["ODOMETER_KAFKA_PROPERTY_FILE": "sasl.password=\(file),group.id=a"])
            #expect(other.status == 2)
            #expect(other.errors.contains("use --group"), "\(other.errors)")
        }
    }

    /// Each is refused by run, serve or up before they ask Kafka or Redis.
    @Test(arguments: [
        ("topics: []", "topics must name at least one topic"),
        ("topics: [a, b, a]", "each once"),
        ("topics: [usage-directory]", "cannot be an event topic"),
        ("topics: [usage-dead-letters]", "cannot be an event topic"),
        ("http: {listen: '300.0.0.1:1'}", "is not an IPv4 or IPv6 address"),
        ("http: {admin_listen: 'nowhere:1'}", "is not an IPv4 or IPv6 address"),
        ("http: {listen: '127.0.0.1:8084'}", "both have port 8084"),
        ("http: {listen: '[::]:9000', admin_listen: '127.0.0.1:9000'}", "both have port 9000"),
        ("jwt: {secret_file: /nowhere/secret}", "/nowhere/secret"),
        ("jwt: {algorithm: RS256, public_key: /nowhere/key}", "/nowhere/key"),
        ("jwt: {public_key: /nowhere/key}", "needs --jwt-algorithm RS256 or ES256"),
        ("jwt: {algorithm: ES256, secret_file: /nowhere/secret}", "--jwt-secret-file is for HS256"),
        ("redis: {password_file: /nowhere/password}", "/nowhere/password"),
        ("prefix: 'a b'", "--prefix"),
        ("kafka: {session.timeout.ms: 700000}", "session.timeout.ms"),
        ("kafka: {ssl.ca.location: /nowhere/ca.pem, security.protocol: ssl}", "ssl.ca.location"),
        ("kafka: {no.such.property: 1}", "no.such.property"),
        ("kafka_property_files: [sasl.password]", "NAME=FILE"),
        ("kafka_property_files: [sasl.password=/nowhere/file]", "/nowhere/file"),
        ("kafka_property_files: [no.such.property=/proc/self/comm]", "no.such.property"),
    ])
    func whatIsRefusedAtAStartIsRefused(_ settings: String, _ part: String) throws {
        try withFile(settings) { file in
            let ended = try Executable.run(["check", "--config", file])
            #expect(ended.status == 2, "\(ended.errors)")
            #expect(ended.errors.contains(part), "\(ended.errors)")
            // The same line that `up` ends with: nothing listens and nobody is asked.
            let up = try Executable.run(["up", "--config", file])
            #expect(up.status == 2)
            #expect(up.errors == ended.errors)
        }
    }

    @Test func itSaysWhatListsOfEventsAndRecordsAsIDsMean() throws {
        func said(_ envelope: String) throws -> String {
            let text = """
                version: 1
                envelope: {\(envelope), source: {const: s}, type: {const: use}, subject: /org, time: /at}
                events: {use: {fields: {}}}
                meters: {uses: {kind: count, windows: [all], on: [{event: use}]}}
                """
            let ended = try withFile(text) { try Executable.run(["check", "--meters", $0]) }
            #expect(ended.status == 0, "\(ended.errors)")
            return ended.output
        }
        let record = "what a producer sends again counts again"
        #expect(try !said("id: /id").contains("counts again"))
        #expect(try said("id: [/id, {record: true}]").contains(record))
        let lists = try said("each: [array, /a/b], id: {record: true}")
        #expect(lists.contains("A record has its events in its value, in each entry in /a/b."))
        #expect(lists.contains("its record and its number in it") && lists.contains(record))
        #expect(try said("each: lines, id: /id").contains("A record has an event in each line."))
    }

    @Test func aShortSecretOfTokensIsRefused() throws {
        let ended = try Executable.run(["check"], environment: ["ODOMETER_JWT_SECRET": "short"])
        #expect(ended.status == 2)
        #expect(ended.errors.contains("jwt: "), "\(ended.errors)")
    }

    @Test(arguments: ["check", "status", "keys list", "serve"])
    func aMistypedVariableIsRefused(_ command: String) throws {
        let ended = try Executable.run(
            command.split(separator: " ").map { String($0) },
            environment: ["ODOMETER_RATE_LIMT": "7", "ODOMETER_REDIS": "unix:///nowhere/socket"])
        #expect(ended.status == 2)
        #expect(
            ended.errors.contains(
                "ODOMETER_RATE_LIMT: unknown environment variable (did you mean ODOMETER_RATE_LIMIT?)"
            ),
            "\(ended.errors)")
    }
}
