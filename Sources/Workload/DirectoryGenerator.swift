/// The profiles that belong to a generated stream, as records of the directory topic.
public struct DirectoryGenerator: Sendable {
    /// One record: the key names the object, the value is the whole object as JSON.
    public struct Profile: Sendable {
        /// The record's key, such as `user:ORG:ID` with escaped parts.
        public let key: [UInt8]
        /// The record's value, one JSON object.
        public let value: [UInt8]
    }

    /// The population whose profiles these are.
    public let population: Population
    private let seed: UInt64

    /// Makes the profiles of the population of a seed.
    public init(seed: UInt64, profile: EventProfile) {
        self.seed = seed
        population = Population(seed: seed, profile: profile)
    }

    /// The slug of an organization.
    public func slug(_ organization: Int) -> String {
        "\(Self.names[organization % Self.names.count])-\(organization)".lowercased()
    }

    /// All profiles: for each organization its own, its plan's, its users' and its projects'.
    public func profiles() -> [Profile] {
        (0..<population.organizations).flatMap { profiles(of: $0) }
    }

    /// The profiles of one organization.
    public func profiles(of number: Int) -> [Profile] {
        var random = SeededRandom(seed: seed ^ (0xD1EC_7042 &+ UInt64(number) &* 0x1_0000_01B3))
        let id = Escaping.escaped(population.organizationID(number))
        var records = [
            organization(number, id, &random), plan(number, id, &random),
        ]
        for user in 0..<population.users { records.append(self.user(user, number, id, &random)) }
        for project in 0..<population.projects {
            records.append(self.project(project, id, &random))
        }
        return records
    }

    private static let names = [
        "Acme", "Globex", "Initech", "Umbrella", "Hooli", "Vandelay", "Stark", "Wayne", "Tyrell",
        "Cyberdyne",
    ]
    private static let people = [
        "Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra", "Barbara Liskov",
        "Donald Knuth", "Frances Allen", "Tony Hoare", "Zuse, Konrad", "Søren \"Sø\" Å",
    ]

    private func name(_ organization: Int) -> String {
        "\(Self.names[organization % Self.names.count]) \(organization)"
    }

    private func organization(
        _ number: Int, _ id: [UInt8], _ random: inout SeededRandom
    ) -> Profile {
        let billingDay = 1 + random.below(28)
        return Profile(
            key: Array("organization:".utf8) + id,
            value: Array(
                """
                {"name":"\(name(number))","slug":"\(slug(number))","billingDay":\(billingDay)}
                """.utf8))
    }

    private func plan(_ number: Int, _ id: [UInt8], _ random: inout SeededRandom) -> Profile {
        let plans = [("free", 5, 30, 10_000), ("team", 50, 90, 1_000_000), ("pro", 500, 365, 0)]
        let chosen = plans[random.below(plans.count)]
        let calls = chosen.3 == 0 ? 50_000_000 : chosen.3
        return Profile(
            key: Array("plan:".utf8) + id,
            value: Array(
                """
                {"name":"\(chosen.0)","maxBuckets":\(chosen.1),"maxRetentionDays":\(chosen.2),\
                "maxApiCalls":\(calls)}
                """.utf8))
    }

    private func user(
        _ number: Int, _ organization: Int, _ id: [UInt8], _ random: inout SeededRandom
    ) -> Profile {
        var writer = ByteWriter()
        writer.put("{\"account_id\":\"account-")
        writer.put(decimal: organization * population.users + number)
        writer.put("\",\"name\":\"")
        writer.put(jsonText: Array(Self.people[number % Self.people.count].utf8))
        writer.put(text: "\",\"email\":\"user-\(number)@\(slug(organization)).example\",")
        writer.put(random.below(20) == 0 ? "\"state\":\"invited\"," : "\"state\":\"active\",")
        writer.put(number == 0 ? "\"roles\":[\"admin\",\"member\"]," : "\"roles\":[\"member\"],")
        writer.put("\"created_at\":\"")
        writer.put(milliseconds: 1_704_067_200_000 + Int64(random.below(31_536_000)) * 1_000)
        writer.put("\"}")
        return Profile(
            key: Array("user:".utf8) + id + [0x3A] + Escaping.escaped(population.userID(number)),
            value: [UInt8](writer.bytes))
    }

    private func project(
        _ number: Int, _ id: [UInt8], _ random: inout SeededRandom
    ) -> Profile {
        var writer = ByteWriter()
        writer.put(
            text: "{\"name\":\"Project \(number)\",\"goal\":\"Ship part \(number)\",\"deadline\":")
        if random.below(3) == 0 {
            writer.put("null")
        } else {
            writer.put(text: "\"2027-0\(1 + random.below(9))-15\"")
        }
        writer.put(
            random.below(2) == 0
                ? ",\"visibility\":\"private\"" : ",\"visibility\":\"organization\"")
        writer.put(",\"member_count\":")
        writer.put(decimal: 1 + random.below(population.users))
        writer.put(",\"default_member_role\":\"editor\",\"default_role_enabled\":")
        writer.put(random.below(2) == 0 ? "true" : "false")
        writer.put(text: ",\"project_context\":\"Context \(number)\",\"answer_context\":null")
        writer.put(number == 0 ? ",\"is_pinned\":true}" : ",\"is_pinned\":false}")
        return Profile(
            key: Array("project:".utf8) + id + [0x3A]
                + Escaping.escaped(population.projectID(number)),
            value: [UInt8](writer.bytes))
    }
}
