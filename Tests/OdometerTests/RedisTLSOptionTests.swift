import Redis
import TestSupport
import Testing

@testable import odometer

/// The options of TLS to Redis, as every command takes them.
@Suite struct RedisTLSOptionTests {
    private func settings(_ flags: [String: [String]]) throws -> Settings {
        try Settings(options: Options.configurable, flags: flags, environment: [:]) {
            (_) throws(CommandFailure) in []
        }
    }

    @Test func theyReachTheConfiguration() throws {
        let authority = try TestAuthority()
        let own = try authority.issue()
        let read = try settings([
            "redis": ["rediss://ann:secret@db:7/1"], "redis-ca": [authority.file],
            "redis-cert": [own.certificate], "redis-key": [own.key],
            "redis-server-name": ["redis.example"], "redis-tls-unverified": ["off"],
        ]).redisConfiguration()
        #expect(
            read.tls?.settings
                == TLSSettings(
                    authorityFile: authority.file, certificateFile: own.certificate,
                    keyFile: own.key, serverName: "redis.example"))
        let open = try settings([
            "redis": ["rediss://db"], "redis-tls-unverified": ["on"],
        ]).redisConfiguration()
        #expect(open.tls?.settings == TLSSettings(isUnverified: true))
    }

    @Test(arguments: [
        "redis-ca", "redis-cert", "redis-key", "redis-server-name", "redis-tls-unverified",
    ])
    func withoutTLSTheyAreAMistake(_ name: String) throws {
        for url in ["redis://:secret@db", "unix:///run/s"] {
            let failure = #expect(throws: CommandFailure.self) {
                try settings(["redis": [url], name: ["on"]]).redisConfiguration()
            }
            #expect(failure?.code == .usage)
            let message = try #require(failure).message
            #expect(message.hasPrefix("--\(name) (option) goes with rediss://, not with --redis "))
            #expect(!message.contains("secret"))
        }
        #expect(
            try settings(["redis": ["unix:///s"], "redis-tls-unverified": ["off"]])
                .redisConfiguration().tls == nil)
    }

    @Test func everyCommandThatTakesRedisTakesThem() {
        for command in Commands.all {
            let names = Set(command.options.map(\.name))
            guard names.contains(Options.redis.name) else { continue }
            for option in Options.redisTLS {
                #expect(names.contains(option.name), "\(command.name): --\(option.name)")
            }
        }
    }

    @Test func oneWarningSaysThatNothingIsChecked() throws {
        let words = ["--redis", "rediss://:secret@127.0.0.1:1", "--redis-tls-unverified", "on"]
        let ended = try Executable.run(["check"] + words)
        #expect(ended.status == 0, "\(ended.errors)")
        let lines = ended.errors.split(separator: "\n")
        #expect(lines.count == 1 && ended.errors.contains("is not checked"), "\(ended.errors)")
        #expect(ended.output.contains("rediss://127.0.0.1:1/0"))
        #expect(!(ended.output + ended.errors).contains("secret"))
    }

    @Test func aWrongFileEndsWithTwoAndThePathIsNamed() throws {
        let ended = try Executable.run([
            "run", "--redis", "rediss://127.0.0.1:1", "--redis-ca", "/none/ca.pem",
        ])
        #expect(ended.status == 2)
        #expect(ended.errors.contains("--redis-ca: /none/ca.pem: No such file or directory"))
    }
}
