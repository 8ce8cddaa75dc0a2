/// The event types of a generated stream.
public enum EventKind: UInt8, CaseIterable, Sendable {
    case bucketCreated, bucketDeleted, dataSourceCreated, dataSourceDeleted
    case alertRuleCreated, alertRuleDeleted, apiKeyCreated
    case dataPointsIngested, dataPointsDeleted, alertTriggered, apiRequest
    case projectCreated, projectDeleted, threadCreated, threadDeleted
    case artifactUploaded, artifactDeleted, interactionCreated, agentFlowCreated
    case connectionOpened, connectionActivity, connectionClosed
    case sessionStarted, consentRecorded
    case complianceCreated, complianceStatusChanged, complianceResolved
    case tokenIssued, agentRequest
    /// A type that no catalog knows.
    case unknown

    /// The CloudEvents type on the wire.
    public var type: StaticString {
        switch self {
        case .bucketCreated: "bucket.created"
        case .bucketDeleted: "bucket.deleted"
        case .dataSourceCreated: "data_source.created"
        case .dataSourceDeleted: "data_source.deleted"
        case .alertRuleCreated: "alert_rule.created"
        case .alertRuleDeleted: "alert_rule.deleted"
        case .apiKeyCreated: "api_key.created"
        case .dataPointsIngested: "data_points.ingested"
        case .dataPointsDeleted: "data_points.deleted"
        case .alertTriggered: "alert.triggered"
        case .apiRequest: "api.request"
        case .projectCreated: "project.created"
        case .projectDeleted: "project.deleted"
        case .threadCreated: "thread.created"
        case .threadDeleted: "thread.deleted"
        case .artifactUploaded: "artifact.uploaded"
        case .artifactDeleted: "artifact.deleted"
        case .interactionCreated: "interaction.created"
        case .agentFlowCreated: "agent_flow.created"
        case .connectionOpened: "connection.opened"
        case .connectionActivity: "connection.activity"
        case .connectionClosed: "connection.closed"
        case .sessionStarted: "session.started"
        case .consentRecorded: "consent.recorded"
        case .complianceCreated: "compliance_request.created"
        case .complianceStatusChanged: "compliance_request.status_changed"
        case .complianceResolved: "compliance_request.resolved"
        case .tokenIssued: "token.issued"
        case .agentRequest: "agent.request"
        case .unknown: "com.example.unheard_of"
        }
    }
}

/// What an event is about; within a family the state of its object decides which type comes next.
enum EventFamily: UInt8, Sendable {
    case apiRequest, token, agent, interaction, agentFlow, session, connection, consent
    case compliance, dataPoints, alert, buckets, dataSources, alertRules, apiKey
    case projects, threads, artifacts

    /// Shares in 1,024ths.
    private static let weights: [(EventFamily, Int)] = [
        (.apiRequest, 190), (.token, 120), (.agent, 110), (.interaction, 130), (.agentFlow, 60),
        (.session, 90), (.connection, 110), (.consent, 60), (.compliance, 20), (.dataPoints, 70),
        (.alert, 10), (.buckets, 6), (.dataSources, 6), (.alertRules, 6), (.apiKey, 3),
        (.projects, 6), (.threads, 17), (.artifacts, 10),
    ]

    /// 1,024 slots, one of which is picked for each event.
    static let slots: [EventFamily] = weights.flatMap {
        [EventFamily](repeating: $0.0, count: $0.1)
    }
}
