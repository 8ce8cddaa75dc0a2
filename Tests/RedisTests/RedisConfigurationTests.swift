import Redis
import Testing

@Suite struct RedisConfigurationTests {
    @Test func readsEveryPartOfATCPURL() throws {
        let read = try RedisConfiguration(url: "redis://ann:p%40ss%3A@db.example:6380/3")
        #expect(read.address == .tcp(host: "db.example", port: 6380))
        #expect(read.user == "ann")
        #expect(read.password == "p@ss:")
        #expect(read.database == 3)
        #expect(read.description == "redis://ann@db.example:6380/3")
    }

    @Test func takesDefaults() throws {
        #expect(try RedisConfiguration(url: "redis://") == RedisConfiguration())
        #expect(
            try RedisConfiguration(url: "redis://host/").address == .tcp(host: "host", port: 6379))
        #expect(try RedisConfiguration(url: "host:7000").address == .tcp(host: "host", port: 7000))
        let secret = try RedisConfiguration(url: "redis://:secret@host")
        #expect(secret.user == nil && secret.password == "secret")
        let six = try RedisConfiguration(url: "redis://[::1]:7/2")
        #expect(six.address == .tcp(host: "::1", port: 7) && six.database == 2)
        #expect(six.description == "redis://[::1]:7/2")
    }

    @Test func readsTLS() throws {
        let read = try RedisConfiguration(url: "rediss://ann:secret@db.example/3")
        #expect(read.address == .tcp(host: "db.example", port: 6379) && read.database == 3)
        #expect(read.tls?.settings == TLSSettings())
        #expect(read.description == "rediss://ann@db.example:6379/3")
        #expect(try RedisConfiguration(url: "redis://host").tls == nil)
        #expect(
            try RedisConfiguration(url: "rediss://host") == RedisConfiguration(url: "rediss://host")
        )
        var path = read
        path.address = .unixSocket(path: "/run/s")
        #expect(throws: RedisError.self) { try path.validate() }
    }

    @Test func readsUnixSockets() throws {
        let plain = try RedisConfiguration(url: "unix:///run/redis/s?db=4")
        #expect(plain.address == .unixSocket(path: "/run/redis/s") && plain.database == 4)
        let entered = try RedisConfiguration(url: "unix://u:p@/run/s")
        #expect(entered.address == .unixSocket(path: "/run/s"))
        #expect(entered.user == "u" && entered.password == "p")
        #expect(!"\(entered)".contains("p@"))
    }

    @Test func readsSentinels() throws {
        let read = try RedisConfiguration(
            url:
                "redis+sentinel://ann:p%40ss@h1,[fd00::2]:7,h3:26380,h1/a%2Fb?db=2&sentinel_user=s%20t",
            sentinelPassword: "secret")
        #expect(
            read.address
                == .sentinels(
                    Sentinels(
                        endpoints: [
                            Endpoint(host: "h1", port: 26_379), Endpoint(host: "fd00::2", port: 7),
                            Endpoint(host: "h3", port: 26_380),
                        ], name: "a/b", user: "s t", password: "secret")))
        #expect(read.user == "ann" && read.password == "p@ss" && read.database == 2)
        #expect(
            read.description
                == "redis+sentinel://ann@h1:26379,[fd00::2]:7,h3:26380/a/b?db=2&sentinel_user=s t")
        let plain = try RedisConfiguration(url: "redis+sentinel://h/m", password: "p")
        #expect(plain.password == "p" && plain.database == 0 && plain.reconnectMilliseconds == 100)
    }

    @Test func readsClusters() throws {
        let read = try RedisConfiguration(url: "redis+cluster://ann:p%40ss@h1,[fd00::2]:7,h1/0")
        #expect(read.user == "ann" && read.password == "p@ss" && read.database == 0)
        #expect(
            read.cluster?.seeds
                == [Endpoint(host: "h1", port: 6_379), Endpoint(host: "fd00::2", port: 7)])
        #expect(read.description == "redis+cluster://ann@h1:6379,[fd00::2]:7")
        #expect(read.reconnectMilliseconds == 100 && read.tls == nil)
        let secure = try RedisConfiguration(url: "rediss+cluster://h:7000/", password: "p")
        #expect(secure.description == "rediss+cluster://h:7000" && secure.tls != nil)
        #expect(secure.password == "p")
        #expect(try RedisConfiguration(url: "redis://h").cluster == nil)
        // Copies share what is known of the cluster.
        let copy = read
        #expect(read.cluster === copy.cluster && read == copy)
        #expect(read != secure)
    }

    @Test func aPasswordOfSentinelsNeedsSentinels() {
        #expect(throws: RedisError.self) {
            try RedisConfiguration(url: "redis+cluster://h", sentinelPassword: "p")
        }
        #expect(throws: RedisError.self) {
            try RedisConfiguration(url: "redis://h", sentinelPassword: "p")
        }
    }

    @Test(arguments: [
        "redis+sentinel://h", "redis+sentinel://h/",
        "redis+sentinel:///m", "redis+sentinel://h1,,h2/m", "redis+sentinel://h:0/m",
        "redis+sentinel://h/m?db", "redis+sentinel://h/m?=", "redis+sentinel://h/m?x=1",
        "redis+sentinel://h/m?sentinel_user=s", "redis+sentinel://[::1]x/m",
        "redis+sentinel://u@h/m",
        "redis+cluster://", "redis+cluster://h1,,h2", "redis+cluster://h/1",
        "redis+cluster://h?db=0", "redis+cluster://h:0", "redis+cluster://u@h",
        "rediss+cluster://h/name", "redis+cluster://h:x",
        "http://host", "redis://host:x", "redis://host:0", "redis://host:70000",
        "redis://host/x", "redis://u@host", "redis://:%G0@host", "unix://", "unix:///s?db=-1",
        "unix:///s?x=1", "unix:///" + String(repeating: "l", count: 120), "redis://[::1]x",
    ])
    func refusesWithAConfigurationError(url: String) {
        #expect {
            try RedisConfiguration(url: url)
        } throws: {
            ($0 as? RedisError)?.code == .configuration
        }
    }
}
