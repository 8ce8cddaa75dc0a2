internal import Kafka
internal import Ledger

/// What is known of a topic, and the findings that follow from it.
struct TopicFacts {
    /// What the topic is for.
    enum Role { case events, directory, deadLetters }

    let name: String
    let role: Role
    /// Address of a Kafka broker, for the commands that people are told.
    var bootstrap = PipelineConfiguration.Defaults.bootstrap
    var partitions = 0
    var replicas = 0
    /// The error because of which it could not be asked for; nil when it could.
    var errorText: String?
    /// Whether the brokers say that there is no such topic.
    var isMissing = false
    /// Its configuration by name; nil when the broker does not tell.
    var settings: [String: String]?

    private static let day: Milliseconds = 86_400_000
    private static let forEver = Milliseconds.max

    /// All topics that a configuration names, without what Kafka says of them.
    static func wanted(by configuration: PipelineConfiguration) -> [TopicFacts] {
        var topics = configuration.topics.map { TopicFacts(name: $0, role: .events) }
        if let name = configuration.directoryTopic {
            topics.append(TopicFacts(name: name, role: .directory))
        }
        if let name = configuration.deadLetterTopic {
            topics.append(TopicFacts(name: name, role: .deadLetters))
        }
        for index in topics.indices { topics[index].bootstrap = configuration.client.bootstrap }
        return topics
    }

    /// The command that makes the topic, as docs/OPERATIONS.md has it.
    var creation: String {
        let shape =
            switch role {
            case .events: "--partitions 4 --config retention.ms=604800000"
            case .directory: "--partitions 1 --config cleanup.policy=compact"
            case .deadLetters: "--partitions 1 --config retention.ms=2592000000"
            }
        return "kafka-topics.sh --bootstrap-server \(bootstrap) --create --topic \(name) \(shape)"
    }

    /// How long records are kept; nil when for ever or unknown.
    var retention: Milliseconds? { number("retention.ms").flatMap { $0 < 0 ? nil : $0 } }

    var findings: [Finding] {
        guard errorText == nil, partitions > 0 else {
            return [
                finding(
                    .error, "topic",
                    isMissing
                        ? "does not exist" : "cannot be asked for: \(errorText ?? "no partitions")",
                    isMissing
                        ? "\(creation)   (Odometer creates no topics)"
                        : "look at the brokers, and at the user's right to describe the topic")
            ]
        }
        var found = [finding(.ok, "topic", "\(partitions) partitions, \(replicas) replicas")]
        if role == .directory, partitions != 1 {
            found = [
                finding(
                    .error, "directory-partitions",
                    "has \(partitions) partitions: only the first would be mirrored, and keys of the "
                        + "others stay unknown or unrevoked",
                    "create it again with one partition, and write its objects again",
                    isFatal: true)
            ]
        }
        guard settings != nil else {
            return found + [
                finding(
                    .warning, "topic-settings", "the broker does not tell its settings",
                    "let the user describe the configuration of topics")
            ]
        }
        switch role {
        case .events:
            found.append(eventPolicy)
            found += [retentionTime, retentionBytes, timestamps].compactMap(\.self)
        case .directory: found.append(directoryPolicy)
        case .deadLetters: break
        }
        return found + [replication, elections].compactMap(\.self)
    }

    private func finding(
        _ grade: Finding.Grade, _ check: String, _ message: String, _ remedy: String? = nil,
        isFatal: Bool = false
    ) -> Finding {
        Finding(grade, name, check, "\(name): \(message)", remedy: remedy, isFatal: isFatal)
    }

    private func number(_ setting: String) -> Int64? { settings?[setting].flatMap { Int64($0) } }

    private var policies: Set<Substring> {
        Set((settings?["cleanup.policy"] ?? "delete").split(separator: ","))
    }

    private var eventPolicy: Finding {
        guard policies.contains("compact") else {
            return finding(.ok, "topic-compaction", "is not compacted")
        }
        return finding(
            .error, "topic-compaction",
            "is compacted: events vanish before they are counted, or before they are read again",
            "kafka-configs.sh --alter --add-config cleanup.policy=delete; what is gone stays away",
            isFatal: true)
    }

    private var directoryPolicy: Finding {
        guard policies != ["compact"] else {
            return finding(.ok, "topic-compaction", "is compacted")
        }
        return finding(
            .error, "topic-compaction",
            "is not compacted only (\(policies.sorted().joined(separator: ","))): names, plans and "
                + "revocations vanish, and a key may rise again after Redis was restored",
            "kafka-configs.sh --alter --add-config cleanup.policy=compact")
    }

    private var retentionTime: Finding {
        guard let retention else { return finding(.ok, "topic-retention", "is kept for ever") }
        let text = "keeps records \(Self.span(retention))"
        guard retention < Self.day else { return finding(.ok, "topic-retention", text) }
        return finding(
            .warning, "topic-retention",
            "\(text): a longer outage, or a backup older than that, loses events",
            "retention.ms longer than your longest outage plus the age of your oldest backup")
    }

    private var retentionBytes: Finding? {
        guard let bytes = number("retention.bytes"), bytes >= 0 else { return nil }
        return finding(
            .warning, "topic-retention-bytes",
            "keeps \(bytes) bytes a partition at most: a burst may push out what is not counted yet",
            "retention.bytes=-1, and limit by time")
    }

    /// The record's timestamp decides how old an event is and when retention deletes it.
    private var timestamps: Finding {
        let kind = settings?["message.timestamp.type"] ?? "CreateTime"
        guard kind == "CreateTime" else {
            return finding(.ok, "topic-timestamps", "the broker stamps the records (\(kind))")
        }
        let difference = number("message.timestamp.difference.max.ms")
        let before = number("message.timestamp.before.max.ms") ?? difference ?? Self.forEver
        let after = number("message.timestamp.after.max.ms") ?? difference ?? Self.forEver
        if let retention, before > retention {
            return finding(
                .warning, "topic-timestamps",
                "producers stamp the records, as old as they like: one older than "
                    + "\(Self.span(retention)) is deleted within minutes, counted or not",
                "message.timestamp.before.max.ms below retention.ms")
        }
        guard after <= Self.day else {
            return finding(
                .warning, "topic-timestamps",
                "producers stamp the records, as far ahead as they like: a clock that runs ahead "
                    + "lets future events in, and keeps segments from being deleted",
                "message.timestamp.after.max.ms=3600000, or message.timestamp.type=LogAppendTime")
        }
        return finding(.ok, "topic-timestamps", "producers stamp the records, within bounds")
    }

    private var replication: Finding? {
        let insync = number("min.insync.replicas") ?? 1
        if replicas < 2 {
            return finding(
                .warning, "topic-replication",
                "one copy: a lost disk loses what is not counted, and the way back",
                "replication factor 3, min.insync.replicas=2, producers with acks=all")
        }
        guard insync < 2 else {
            return finding(.ok, "topic-replication", "min.insync.replicas is \(insync)")
        }
        return finding(
            .warning, "topic-replication",
            "min.insync.replicas is \(insync): an acknowledged record may be on one broker alone",
            "min.insync.replicas=2")
    }

    private var elections: Finding? {
        guard settings?["unclean.leader.election.enable"] == "true" else { return nil }
        return finding(
            .warning, "topic-elections",
            "unclean leaders may be elected: records that were counted disappear from the log",
            "unclean.leader.election.enable=false")
    }

    /// A duration for people, in the largest unit of which it holds at least two.
    static func span(_ milliseconds: Milliseconds) -> String {
        let units: [(Milliseconds, String)] = [
            (day, "days"), (3_600_000, "hours"), (60_000, "minutes"), (1_000, "seconds"),
        ]
        for (unit, name) in units where milliseconds >= 2 * unit {
            return "\(milliseconds / unit) \(name)"
        }
        return "\(milliseconds) ms"
    }
}
