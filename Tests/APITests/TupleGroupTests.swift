import Testing

@testable import Query

@Suite struct TupleGroupTests {
    private let labels = GroupLabels(["service", "protocol", "dataCenter"])

    private func shown(
        _ known: inout KnownGroups, _ names: [String], of organization: String = "o"
    ) -> [TupleGroup] {
        known.groups(of: Array(organization.utf8)) { body in
            for name in names { Array(name.utf8).withUnsafeBytes { body($0) } }
        }
    }

    private func text(_ group: TupleGroup) -> String {
        group.values.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "|")
    }

    @Test func groupsThatWereThereAreUsedAgain() throws {
        var known = KnownGroups(labels: labels)
        let first = shown(&known, ["a:p:1", "b:p:%3A"])
        #expect(first.map(text) == ["a|p|1", "b|p|:"])
        #expect(
            first.map { String(decoding: $0.scopeText, as: UTF8.self) } == [
                ":service=a:protocol=p:dataCenter=1", ":service=b:protocol=p:dataCenter=%3A",
            ])
        let again = shown(&known, ["a:p:1", "b:p:%3A"])
        #expect(zip(first, again).allSatisfy { $0 === $1 })
        // Another organization's groups of the same names are its own.
        #expect(shown(&known, ["b:p:%3A"], of: "p").map(text) == ["b|p|:"])
        let more = shown(&known, ["a:p:1", "b:p", "c:p:%zz", "d:p:2", "b:p:%3A"])
        #expect(more.map(text) == ["a|p|1", "d|p|2", "b|p|:"])
        #expect(more.first === first.first)
        #expect(shown(&known, ["b:p:%3A", "a:p:1"]).map(text) == ["b|p|:", "a|p|1"])
        #expect(shown(&known, []).isEmpty)
        #expect(shown(&known, ["a:p:1"]).map(text) == ["a|p|1"])
    }

    @Test func memoryIsBounded() {
        let most = 40_000
        var known = KnownGroups(labels: labels, mostBytes: most)
        for number in 0..<1_000 {
            let names = (0..<number % 12).map { "service-\($0):p:\(number)" }
            let organization = "organization-\(number % 300)"
            #expect(shown(&known, names, of: organization).count == names.count)
            #expect((0...most).contains(known.byteCount))
        }
        for number in 0..<300 { _ = shown(&known, [], of: "organization-\(number)") }
        #expect(known.byteCount == 0)
        // More than a quarter of it of one organization is not kept.
        _ = shown(&known, (0..<100).map { "service:p:\($0)" })
        #expect(known.byteCount == 0)
    }
}
