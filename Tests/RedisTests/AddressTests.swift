import Testing

@testable import Redis

/// A name is resolved at every connect, into all its addresses.
@Suite struct AddressTests {
    @Test func numbersStayAsTheyAreAndNamesBecomeNumbers() throws {
        #expect(try Context.addresses(of: "127.0.0.1", name: "n") == ["127.0.0.1"])
        #expect(try Context.addresses(of: "::1", name: "n") == ["::1"])
        let found = try Context.addresses(of: "localhost", name: "n")
        #expect(found.contains("127.0.0.1") || found.contains("::1"), "\(found)")
    }

    @Test func aNameThatNobodyKnowsIsNamed() {
        let error = #expect(throws: RedisError.self) {
            try Context.addresses(of: "no.such.name.invalid", name: "redis://no.such.name.invalid")
        }
        #expect(error?.code == .connect)
        #expect(error?.message.hasPrefix("redis://no.such.name.invalid: ") ?? false)
    }

    @Test func aPortWhereNobodyListensIsRefusedByName() {
        // Port 1 of the loopback is nobody's.
        let configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: 1))
        let error = #expect(throws: RedisError.self) { _ = try Connection(configuration) }
        #expect(
            error?.message.hasPrefix("redis://127.0.0.1:1/0: ") ?? false, "\(error?.message ?? "")")
    }
}
