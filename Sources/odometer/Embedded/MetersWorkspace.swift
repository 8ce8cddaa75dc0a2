// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension ShippedMeters {
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
