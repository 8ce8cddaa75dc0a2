// Written by scripts/embed from schemas/meters; change it there, not here.
// swift-format-ignore-file

/// The catalog that is built in, for an executable without files beside it.
enum ShippedMeters {
    static let files: [(name: String, text: String)] = [
        ("connections.yaml", connections),
        ("identity.yaml", identity),
        ("overview.yaml", overview),
        ("privacy.yaml", privacy),
        ("workspace.yaml", workspace),
    ]

    static let connections = #"""
# Connection analytics (GET /api/connection-analytics/summary): connections by service, protocol and data center.
version: 1
events:
  connection.opened:
    fields:
      connectionId: {at: /data/connectionId, required: true}
      service: {at: /data/service, required: true}
      protocol: {at: /data/protocol, required: true}
      dataCenter: {at: /data/dataCenter, required: true}
      apiKeyId: {at: /data/apiKeyId, required: true}
      # For connections that are older than the counting: one event for all of a group.
      count: {at: /data/count, is: integer, default: 1}
  connection.activity:
    fields:
      connectionId: {at: /data/connectionId, required: true}
      service: {at: /data/service, required: true}
      protocol: {at: /data/protocol, required: true}
      dataCenter: {at: /data/dataCenter, required: true}
      apiKeyId: {at: /data/apiKeyId, required: true}
  connection.closed:
    fields:
      connectionId: {at: /data/connectionId, required: true}
      service: {at: /data/service, required: true}
      protocol: {at: /data/protocol, required: true}
      dataCenter: {at: /data/dataCenter, required: true}
      apiKeyId: {at: /data/apiKeyId, required: true}
      durationSeconds: {at: /data/durationSeconds, is: integer, required: true}
meters:
  connections_open:
    kind: level
    by: [service, protocol, dataCenter]
    windows: [all]
    on:
      - {event: connection.opened, amount: count}
      - {event: connection.closed, amount: -1}
  connections_opened:
    kind: count
    family: connection_openings
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.opened, amount: count}
  connections_closed:
    kind: count
    family: connection_lives
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.closed}
  connection_seconds:
    kind: sum
    family: connection_lives
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.closed, amount: durationSeconds}
  connection_keys:
    kind: distinct
    of: apiKeyId
    per: [[service, protocol, dataCenter]]
    windows: [quarter, day, month, all]
    retention: {day: forever}
    on:
      - {event: connection.opened}
      - {event: connection.activity}
      - {event: connection.closed}
  connection_first:
    kind: extreme
    family: connection_openings
    keep: min
    value: time
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.opened}
  connection_last:
    kind: extreme
    family: connection_openings
    keep: max
    value: time
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.opened}
  connection_activity:
    kind: extreme
    family: connection_lives
    keep: max
    value: time
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.opened}
      - {event: connection.activity}
      - {event: connection.closed}
  # The same by one key a group: neighbouring windows stand in one hash, so that a period of some hours is few reads.
  connection_group_opened:
    kind: count
    family: connection_groups
    per: [[service, protocol, dataCenter]]
    windows: [minute, quarter]
    on:
      - {event: connection.opened, amount: count}
  connection_group_closed:
    kind: count
    family: connection_groups
    per: [[service, protocol, dataCenter]]
    windows: [minute, quarter]
    on:
      - {event: connection.closed}
  connection_group_seconds:
    kind: sum
    family: connection_groups
    per: [[service, protocol, dataCenter]]
    windows: [minute, quarter]
    on:
      - {event: connection.closed, amount: durationSeconds}
  connection_group_first:
    kind: extreme
    family: connection_groups
    keep: min
    value: time
    per: [[service, protocol, dataCenter]]
    windows: [minute, quarter]
    on:
      - {event: connection.opened}
  connection_group_last:
    kind: extreme
    family: connection_groups
    keep: max
    value: time
    per: [[service, protocol, dataCenter]]
    windows: [minute]
    on:
      - {event: connection.opened}
  connection_group_activity:
    kind: extreme
    family: connection_groups
    keep: max
    value: time
    per: [[service, protocol, dataCenter]]
    windows: [minute]
    on:
      - {event: connection.opened}
      - {event: connection.activity}
      - {event: connection.closed}
  connection_group_keys:
    kind: distinct
    of: apiKeyId
    per: [[service, protocol, dataCenter]]
    windows: [minute]
    on:
      - {event: connection.opened}
      - {event: connection.activity}
      - {event: connection.closed}

"""#

    static let identity = #"""
# Identity provider analytics (GET /api/v1/analytics/…): tokens issued, per-agent use, activity by weekday and hour.
version: 1
events:
  token.issued:
    fields:
      agent: {at: /data/agent, required: true}
  agent.request:
    fields:
      agent: {at: /data/agent, required: true}
meters:
  tokens:
    kind: count
    windows: [day]
    on:
      - {event: token.issued}
  agent_tokens:
    kind: ranking
    by: [agent]
    windows: [month]
    on:
      - {event: token.issued}
  # An issuance is itself an activity; producers do not also send agent.request for it.
  agent_activity:
    kind: grid
    on:
      - {event: token.issued}
      - {event: agent.request}

"""#

    static let overview = #"""
# Organization overview (GET /api/analytics/overview): what exists now, calls of the billing month, the last 24 hours.
version: 1
events:
  bucket.created: {fields: {count: {at: /data/count, is: integer, default: 1}}}
  bucket.deleted: {fields: {count: {at: /data/count, is: integer, default: 1}}}
  data_source.created: {fields: {count: {at: /data/count, is: integer, default: 1}}}
  data_source.deleted: {fields: {count: {at: /data/count, is: integer, default: 1}}}
  alert_rule.created: {fields: {count: {at: /data/count, is: integer, default: 1}}}
  alert_rule.deleted: {fields: {count: {at: /data/count, is: integer, default: 1}}}
  api_key.created: {fields: {count: {at: /data/count, is: integer, default: 1}}}
  data_points.ingested:
    fields:
      count: {at: /data/count, is: integer, required: true}
      bytes: {at: /data/bytes, is: integer, default: 0}
  data_points.deleted:
    fields:
      count: {at: /data/count, is: integer, required: true}
      bytes: {at: /data/bytes, is: integer, default: 0}
  alert.triggered: {}
  api.request: {}
meters:
  buckets:
    kind: level
    windows: [all]
    on:
      - {event: bucket.created, amount: count}
      - {event: bucket.deleted, amount: -count}
  data_sources:
    kind: level
    windows: [all]
    on:
      - {event: data_source.created, amount: count}
      - {event: data_source.deleted, amount: -count}
  alert_rules:
    kind: level
    windows: [all]
    on:
      - {event: alert_rule.created, amount: count}
      - {event: alert_rule.deleted, amount: -count}
  api_keys:
    kind: count
    windows: [all]
    on:
      - {event: api_key.created, amount: count}
  data_points:
    kind: level
    windows: [all]
    on:
      - {event: data_points.ingested, amount: count}
      - {event: data_points.deleted, amount: -count}
  data_points_ingested:
    kind: sum
    windows: [minute]
    on:
      - {event: data_points.ingested, amount: count}
  storage_bytes:
    kind: level
    windows: [all]
    on:
      - {event: data_points.ingested, amount: bytes}
      - {event: data_points.deleted, amount: -bytes}
  last_ingestion:
    kind: extreme
    keep: max
    value: time
    windows: [all]
    on:
      - {event: data_points.ingested}
  api_calls:
    kind: count
    windows: [day, all]
    on:
      - {event: api.request}
  alerts_triggered:
    kind: count
    windows: [minute, all]
    on:
      - {event: alert.triggered}
  last_alert:
    kind: extreme
    keep: max
    value: time
    windows: [all]
    on:
      - {event: alert.triggered}

"""#

    static let privacy = #"""
# Organization metrics (GET /organizations/{organizationId}/metrics): sessions, consent, compliance requests.
# Every cell exists for the whole organization and once more per project ("" when an event names none).
version: 1
events:
  session.started:
    fields:
      project: {at: /data/project, default: ""}
  consent.recorded:
    fields:
      consent: {at: /data/consent, required: true, values: [full, partial, none]}
      user: {at: /data/user}
      browser: {at: /data/browser}
      os: {at: /data/os}
      country: {at: /data/country}
      project: {at: /data/project, default: ""}
      categories: {at: /data/categories, each: true, values: [granted, denied]}
  compliance_request.created:
    fields:
      requestId: {at: /data/requestId, required: true}
      requestType: {at: /data/type, required: true}
      status: {at: /data/status, required: true}
      country: {at: /data/country}
      project: {at: /data/project, default: ""}
      # For requests that are older than the counting: one event for all that are alike.
      count: {at: /data/count, is: integer, default: 1}
  compliance_request.status_changed:
    fields:
      requestId: {at: /data/requestId, required: true}
      requestType: {at: /data/type, required: true}
      createdAt: {at: /data/createdAt, is: time, required: true}
      from: {at: /data/from, required: true}
      to: {at: /data/to, required: true}
      country: {at: /data/country}
      project: {at: /data/project, default: ""}
  compliance_request.resolved:
    fields:
      requestId: {at: /data/requestId, required: true}
      requestType: {at: /data/type, required: true}
      resolutionSeconds: {at: /data/resolutionSeconds, is: integer, required: true}
      country: {at: /data/country}
      project: {at: /data/project, default: ""}
meters:
  sessions:
    kind: count
    family: privacy
    per: [organization, project]
    windows: [day, month]
    on:
      - {event: session.started}
  consents:
    kind: count
    family: privacy
    per: [organization, project]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_browsers:
    kind: count
    family: consent_values
    per: [organization, project]
    by: [browser]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_systems:
    kind: count
    family: consent_values
    per: [organization, project]
    by: [os]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_countries:
    kind: count
    family: consent_values
    per: [organization, project]
    by: [country]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_kinds:
    kind: count
    family: consent_values
    per: [organization, project]
    by: [consent]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_categories:
    kind: count
    family: consent_values
    per: [organization, project]
    by: [categories.key, categories.value]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  # An event without a user is a consent all the same, but nobody knows whose.
  consent_users:
    kind: distinct
    per: [organization, project]
    of: user
    windows: [day, month]
    # As long as the other numbers of this answer: whole months instead of old days would be another question.
    retention: {day: forever}
    on:
      - {event: consent.recorded, needs: [user]}
  compliance_requests:
    kind: count
    family: privacy
    per: [organization, project]
    windows: [day, month, all]
    on:
      - {event: compliance_request.created, amount: count}
  compliance_countries:
    kind: count
    family: compliance_values
    per: [organization, project]
    by: [country]
    windows: [day, month]
    on:
      - {event: compliance_request.created, amount: count}
  compliance_types:
    kind: count
    family: compliance_values
    per: [organization, project]
    by: [requestType]
    windows: [day, month]
    on:
      - {event: compliance_request.created, amount: count}
  # Where the requests created in a window stand now: each change of status moves one in the window of its creation.
  compliance_statuses:
    kind: level
    family: compliance_values
    per: [organization, project]
    by: [requestType, status]
    windows: [day, month]
    on:
      - {event: compliance_request.created, amount: count}
      - {event: compliance_request.status_changed, amount: -1, time: createdAt, with: {status: from}}
      - {event: compliance_request.status_changed, amount: 1, time: createdAt, with: {status: to}}
  resolutions:
    kind: count
    family: resolution
    per: [organization, project]
    windows: [day, month]
    on:
      - {event: compliance_request.resolved}
  resolution_seconds:
    kind: sum
    family: resolution
    per: [organization, project]
    windows: [day, month]
    on:
      - {event: compliance_request.resolved, amount: resolutionSeconds}
  resolution_steps:
    kind: histogram
    per: [organization, project]
    value: resolutionSeconds
    windows: [day, month]
    on:
      - {event: compliance_request.resolved}
  resolution_min:
    kind: extreme
    family: resolution
    per: [organization, project]
    keep: min
    value: resolutionSeconds
    windows: [day, month]
    on:
      - {event: compliance_request.resolved}
  resolution_max:
    kind: extreme
    family: resolution
    per: [organization, project]
    keep: max
    value: resolutionSeconds
    windows: [day, month]
    on:
      - {event: compliance_request.resolved}

"""#

    static let workspace = #"""
# Workspace analytics (GET /api/v1/app/organization/analytics/…): totals, rankings of users and projects, daily series.
version: 1
events:
  project.created:
    fields:
      user: {at: /data/user}
      project: {at: /data/project}
      count: {at: /data/count, is: integer, default: 1}
  project.deleted:
    fields:
      user: {at: /data/user}
      project: {at: /data/project}
      count: {at: /data/count, is: integer, default: 1}
  thread.created:
    fields:
      user: {at: /data/user}
      project: {at: /data/project}
      count: {at: /data/count, is: integer, default: 1}
  thread.deleted:
    fields:
      user: {at: /data/user}
      project: {at: /data/project}
      count: {at: /data/count, is: integer, default: 1}
  artifact.uploaded:
    fields:
      user: {at: /data/user}
      project: {at: /data/project}
      count: {at: /data/count, is: integer, default: 1}
  artifact.deleted:
    fields:
      user: {at: /data/user}
      project: {at: /data/project}
      count: {at: /data/count, is: integer, default: 1}
  interaction.created:
    fields:
      user: {at: /data/user}
      project: {at: /data/project}
  agent_flow.created:
    fields:
      user: {at: /data/user}
      project: {at: /data/project}
meters:
  projects:
    kind: level
    windows: [all]
    on:
      - {event: project.created, amount: count}
      - {event: project.deleted, amount: -count}
  projects_created:
    kind: count
    windows: [day, month]
    on:
      - {event: project.created, amount: count}
  threads:
    kind: level
    windows: [all]
    on:
      - {event: thread.created, amount: count}
      - {event: thread.deleted, amount: -count}
  threads_created:
    kind: count
    windows: [day, month]
    on:
      - {event: thread.created, amount: count}
  artifacts:
    kind: level
    windows: [all]
    on:
      - {event: artifact.uploaded, amount: count}
      - {event: artifact.deleted, amount: -count}
  artifacts_created:
    kind: count
    windows: [day, month]
    on:
      - {event: artifact.uploaded, amount: count}
  interactions:
    kind: count
    family: workspace
    windows: [day, month, all]
    on:
      - {event: interaction.created}
  # Without a user (or project) an event is in the totals and the series, not in that ranking.
  user_interactions:
    kind: ranking
    by: [user]
    windows: [day, month]
    on:
      - {event: interaction.created, needs: [user]}
  project_interactions:
    kind: ranking
    by: [project]
    windows: [day, month]
    on:
      - {event: interaction.created, needs: [project]}
  agent_flows:
    kind: count
    family: workspace
    windows: [day, month, all]
    on:
      - {event: agent_flow.created}
  user_agent_flows:
    kind: ranking
    by: [user]
    windows: [day, month]
    on:
      - {event: agent_flow.created, needs: [user]}
  project_agent_flows:
    kind: ranking
    by: [project]
    windows: [day, month]
    on:
      - {event: agent_flow.created, needs: [project]}

"""#
}
