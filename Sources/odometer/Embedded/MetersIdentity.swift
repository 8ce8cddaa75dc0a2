// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension ShippedMeters {
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
}
