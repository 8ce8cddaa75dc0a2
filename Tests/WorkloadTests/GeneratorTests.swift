import Foundation
import TestSupport
import Testing
import Verify
import Workload

@Suite struct GeneratorTests {
    private static let end: Int64 = 1_773_066_000_000

    static func shippedTexts() throws -> [(name: String, text: String)] {
        try Checkout.shippedMeters().map { ($0.name, String(decoding: $0.text, as: UTF8.self)) }
    }

    static func shippedCatalog() throws -> OracleCatalog {
        try CatalogText.read(shippedTexts())
    }

    /// FNV-1a of 64 bits over all keys, headers and values.
    private static func digest(seed: UInt64, events: Int) -> UInt64 {
        var profile = EventProfile(endMilliseconds: end)
        profile.events = events
        var generator = EventGenerator(seed: seed, profile: profile)
        var hash: UInt64 = 14_695_981_039_346_656_037
        func take(_ bytes: UnsafeRawBufferPointer?) {
            hash = (hash ^ UInt64(bytes?.count ?? -1 & 0xFFFF)) &* 1_099_511_628_211
            for byte in bytes ?? .init(start: nil, count: 0) {
                hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
            }
        }
        for _ in 0..<events {
            generator.withNext { record in
                take(record.key)
                for header in record.headers {
                    take(header.name)
                    take(header.value)
                }
                take(record.value)
            }
        }
        return hash
    }

    @Test func splitmixHasItsKnownAnswers() {
        var random = SeededRandom(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
        #expect(random.next() == 9_817_491_932_198_370_423)
    }

    @Test func aSeedGivesTheSameBytesForEver() {
        #expect(Self.digest(seed: 7, events: 20_000) == 10_965_146_481_019_356_755)
        #expect(Self.digest(seed: 7, events: 2_000) != Self.digest(seed: 8, events: 2_000))
    }

    @Test func everyTypeAndEveryOutcomeOccurs() throws {
        var profile = EventProfile(endMilliseconds: Self.end)
        profile.events = 30_000
        var generator = EventGenerator(seed: 7, profile: profile)
        var oracle = try Oracle(catalog: Self.shippedCatalog(), settings: .test())
        let partition = oracle.addPartition(topic: "t", number: 0)
        var kinds = Set<EventKind>()
        var organizations = Set<[UInt8]>()
        var binary = 0
        for offset in 0..<30_000 {
            let outcome = generator.withNext { record in
                kinds.insert(record.kind)
                organizations.insert([UInt8](record.key))
                if !record.headers.isEmpty { binary += 1 }
                return oracle.feed(
                    partition, offset: Int64(offset), timestamp: Self.end, value: record.value,
                    headers: record.headers)
            }
            // The one way to be of no known type.
            if outcome == .ignored { #expect(kinds.contains(.unknown)) }
        }
        #expect(kinds == Set(EventKind.allCases))
        #expect(organizations.count > 90)
        #expect(2_500...3_500 ~= binary)
        #expect(oracle.count(.accepted) > 29_200)
        #expect(200...450 ~= oracle.count(.duplicate))
        #expect(8...70 ~= oracle.count(.malformed))
        #expect(8...70 ~= oracle.count(.badField))
        #expect(4...40 ~= oracle.count(.future))
        #expect(30...110 ~= oracle.count(.ignored))
        // No shipped meter forgets everything about an event.
        #expect(oracle.count(.late) == 0)
        #expect(oracle.timeless > 0)
        oracle.sortCells()
        try Self.checkLevels(oracle.cells)
    }

    /// What is deleted was created before, so no level ends below 0.
    private static func checkLevels(_ cells: borrowing ExpectedCells) throws {
        for key in 0..<cells.keyCount where text(cells.name(key)).hasSuffix(":totals") {
            for cell in cells.cells(key) {
                if case .integer(let value) = cell.value { #expect(value > 0) }
            }
        }
    }

    @Test func theDirectoryBelongsToTheStream() throws {
        var profile = EventProfile(endMilliseconds: Self.end)
        profile.organizations = 3
        let directory = DirectoryGenerator(seed: 7, profile: profile)
        let profiles = directory.profiles()
        #expect(profiles.count == 3 * (2 + profile.users + profile.projects))
        let id = text(directory.population.organizationID(0))
        #expect(UUID(uuidString: id) != nil)
        let keys = profiles.map { text($0.key) }
        #expect(Set(keys).count == keys.count)
        #expect(keys.contains("organization:\(id)") && keys.contains("plan:\(id)"))
        #expect(keys.contains("user:\(id):user-7"))
        #expect(keys.contains { $0.hasPrefix("project:\(id):prj%3A%20%7B10%7D%20100%25%0A\"ä") })
        for profile in profiles {
            let object = try JSONSerialization.jsonObject(with: Data(profile.value))
            let members = Set((object as? [String: Any] ?? [:]).keys)
            switch text(profile.key).split(separator: ":").first {
            case "organization": #expect(members == ["name", "slug", "billingDay"])
            case "plan":
                #expect(members == ["name", "maxBuckets", "maxRetentionDays", "maxApiCalls"])
            case "user":
                #expect(members == ["account_id", "name", "email", "state", "roles", "created_at"])
            default:
                #expect(members.count == 10 && members.contains("is_pinned"))
            }
        }
        var generator = EventGenerator(seed: 7, profile: profile)
        let known = Set((0..<3).map { directory.population.organizationID($0) })
        for _ in 0..<1_000 { generator.withNext { #expect(known.contains([UInt8]($0.key))) } }
    }

    @Test func aClockTakesTheStreamLive() {
        var generator = EventGenerator(seed: 1, profile: EventProfile(endMilliseconds: Self.end))
        generator.clockMilliseconds = Self.end + 1_000_000_000
        var newest: Int64 = 0
        for _ in 0..<200 {
            generator.withNext {
                newest = max(newest, $0.kind == .tokenIssued ? 0 : $0.eventMilliseconds ?? 0)
            }
        }
        #expect(newest > Self.end + 999_900_000)
        #expect(newest <= Self.end + 1_000_000_000)
    }
}
