/// A connection between its opening and its closing.
struct OpenConnection {
    var organization: Int
    var serial: Int
    var service: Int
    var protocolNumber: Int
    var dataCenter: Int
    var apiKey: Int
    var openedAtMilliseconds: Int64
}

/// A compliance request between its creation and its resolution.
struct OpenRequest {
    var organization: Int
    var serial: Int
    var type: Int
    var status: Int
    var country: Int
    var project: Int
    var createdAtMilliseconds: Int64
}

/// The six kinds of objects that organizations create and delete.
enum LevelFamily {
    static let count = 6
    static let kinds: [(created: EventKind, deleted: EventKind)] = [
        (.bucketCreated, .bucketDeleted), (.dataSourceCreated, .dataSourceDeleted),
        (.alertRuleCreated, .alertRuleDeleted), (.projectCreated, .projectDeleted),
        (.threadCreated, .threadDeleted), (.artifactUploaded, .artifactDeleted),
    ]
}

extension EventGenerator {
    private static var services: [StaticString] {
        ["kafka", "http-ingest", "mqtt: edge {1}", "websocket", "grpc", "100% syslog"]
    }
    private static var protocols: [StaticString] { ["tcp", "tls", "quic"] }
    private static var dataCenters: [StaticString] { ["eu-central-1", "us-east-1", "ap-süd"] }

    /// Writes one event of the kinds that catalogs know.
    mutating func fillEvent(_ now: Int64) {
        let organization = pickOrganization()
        switch EventFamily.slots[random.below(EventFamily.slots.count)] {
        case .apiRequest: fillBare(.apiRequest, organization, now)
        case .alert: fillBare(.alertTriggered, organization, now)
        case .token: fillAgent(.tokenIssued, organization, now)
        case .agent: fillAgent(.agentRequest, organization, now)
        case .interaction: fillActivity(.interactionCreated, organization, now)
        case .agentFlow: fillActivity(.agentFlowCreated, organization, now)
        case .session: fillSession(organization, now)
        case .connection: fillConnection(organization, now)
        case .consent: fillConsent(organization, now)
        case .compliance: fillCompliance(organization, now)
        case .dataPoints: fillDataPoints(organization, now)
        case .apiKey: fillAPIKey(organization, now)
        case .buckets: fillLevel(0, organization, now)
        case .dataSources: fillLevel(1, organization, now)
        case .alertRules: fillLevel(2, organization, now)
        case .projects: fillLevel(3, organization, now)
        case .threads: fillLevel(4, organization, now)
        case .artifacts: fillLevel(5, organization, now)
        }
    }

    private mutating func time(_ now: Int64) -> Int64? {
        random.happens(odds.timeless) ? nil : eventTime(now)
    }

    private mutating func fillBare(_ kind: EventKind, _ organization: Int, _ now: Int64) {
        begin(kind, organization: organization, time: time(now), hasData: false)
        if frame.hasValue { end(hasData: false) }
    }

    private mutating func fillAgent(_ kind: EventKind, _ organization: Int, _ now: Int64) {
        begin(kind, organization: organization, time: time(now))
        field("\"agent\":")
        writer.put("\"agent-")
        writer.put(decimal: random.skewed(max(1, profile.agents)))
        writer.put("\"")
        end()
    }

    private mutating func fillActivity(_ kind: EventKind, _ organization: Int, _ now: Int64) {
        begin(kind, organization: organization, time: time(now))
        let shape = random.below(50)
        if shape != 0 { putUser(random.skewed(population.users)) }
        if shape != 1 { putProject(random.skewed(population.projects)) }
        end()
    }

    private mutating func fillSession(_ organization: Int, _ now: Int64) {
        begin(.sessionStarted, organization: organization, time: time(now))
        if random.below(10) != 0 { putProject(random.skewed(population.projects)) }
        end()
    }

    private mutating func fillAPIKey(_ organization: Int, _ now: Int64) {
        begin(.apiKeyCreated, organization: organization, time: time(now))
        end()
    }

    private mutating func fillDataPoints(_ organization: Int, _ now: Int64) {
        let isDeletion = stored[organization * 2] > 100 && random.below(12) == 0
        let count: Int
        let bytes: Int
        if isDeletion {
            count = 1 + random.below(stored[organization * 2])
            bytes = random.below(stored[organization * 2 + 1] + 1)
        } else {
            count = 1 + random.skewed(1_000)
            bytes = count * (20 + random.below(100))
        }
        let sign = isDeletion ? -1 : 1
        stored[organization * 2] += sign * count
        stored[organization * 2 + 1] += sign * bytes
        begin(
            isDeletion ? .dataPointsDeleted : .dataPointsIngested, organization: organization,
            time: time(now))
        putNumber("\"count\":", count)
        putNumber("\"bytes\":", bytes)
        end()
    }

    private mutating func fillLevel(_ family: Int, _ organization: Int, _ now: Int64) {
        let slot = organization * LevelFamily.count + family
        let isCreation = levels[slot] == 0 || random.below(10) < 6
        let count = random.below(8) == 0 ? 1 + random.below(isCreation ? 10 : levels[slot]) : 1
        levels[slot] += isCreation ? count : -count
        let kinds = LevelFamily.kinds[family]
        begin(
            isCreation ? kinds.created : kinds.deleted, organization: organization, time: time(now))
        if count != 1 { putNumber("\"count\":", count) }
        if family >= 3 {
            putUser(random.skewed(population.users))
            putProject(random.skewed(population.projects))
        }
        end()
    }

    private mutating func fillConnection(_ organization: Int, _ now: Int64) {
        let choice = random.below(4)
        guard choice > 0, !connections.isEmpty else {
            return openConnection(organization, now)
        }
        guard connections.count >= profile.openConnections / 2 || choice == 1 else {
            return openConnection(organization, now)
        }
        let slot = random.below(connections.count)
        let connection = connections[slot]
        let time = max(eventTime(now), connection.openedAtMilliseconds)
        let isClosing = choice == 1 && connections.count > profile.openConnections / 4
        begin(
            isClosing ? .connectionClosed : .connectionActivity,
            organization: connection.organization, time: time)
        putConnection(connection)
        if isClosing {
            putNumber("\"durationSeconds\":", Int((time - connection.openedAtMilliseconds) / 1_000))
            connections[slot] = connections[connections.count - 1]
            connections.removeLast()
        }
        end()
    }

    private mutating func openConnection(_ organization: Int, _ now: Int64) {
        let connection = OpenConnection(
            organization: organization, serial: serial,
            service: random.skewed(Self.services.count),
            protocolNumber: random.skewed(Self.protocols.count),
            dataCenter: random.skewed(Self.dataCenters.count),
            apiKey: random.skewed(max(1, profile.apiKeys)), openedAtMilliseconds: eventTime(now))
        begin(.connectionOpened, organization: organization, time: connection.openedAtMilliseconds)
        putConnection(connection)
        end()
        if connections.count < max(1, profile.openConnections) {
            connections.append(connection)
        } else {
            // The connection that is replaced is never closed, like one whose last event was lost.
            connections[random.below(connections.count)] = connection
        }
    }

    private mutating func putConnection(_ connection: OpenConnection) {
        field("\"connectionId\":")
        writer.put("\"c-")
        writer.put(decimal: connection.serial)
        writer.put("\",\"service\":\"")
        writer.put(Self.services[connection.service])
        writer.put("\",\"protocol\":\"")
        writer.put(Self.protocols[connection.protocolNumber])
        writer.put("\",\"dataCenter\":\"")
        writer.put(Self.dataCenters[connection.dataCenter])
        writer.put("\",\"apiKeyId\":\"key-")
        writer.put(decimal: connection.apiKey)
        writer.put("\"")
    }

    @inline(__always)
    mutating func field(_ name: StaticString) {
        if !isFirstField { writer.put(byte: 0x2C) }
        isFirstField = false
        writer.put(name)
    }

    mutating func putNumber(_ name: StaticString, _ number: Int) {
        field(name)
        writer.put(decimal: number)
    }

    mutating func putText(_ name: StaticString, _ text: StaticString) {
        field(name)
        writer.put(byte: 0x22)
        writer.put(text)
        writer.put(byte: 0x22)
    }

    mutating func putUser(_ number: Int) {
        field("\"user\":\"user-")
        writer.put(decimal: number)
        writer.put(byte: 0x22)
    }

    mutating func putProject(_ number: Int) {
        field("\"project\":\"")
        writer.put(jsonText: population.projectIDs[number])
        writer.put(byte: 0x22)
    }
}
