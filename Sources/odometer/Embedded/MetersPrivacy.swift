// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension ShippedMeters {
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
    per: [organization, project]
    windows: [day, month]
    on:
      - {event: session.started}
  consents:
    kind: count
    per: [organization, project]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_browsers:
    kind: count
    per: [organization, project]
    by: [browser]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_systems:
    kind: count
    per: [organization, project]
    by: [os]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_countries:
    kind: count
    per: [organization, project]
    by: [country]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_kinds:
    kind: count
    per: [organization, project]
    by: [consent]
    windows: [day, month]
    on:
      - {event: consent.recorded}
  consent_categories:
    kind: count
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
    on:
      - {event: consent.recorded, needs: [user]}
  compliance_requests:
    kind: count
    per: [organization, project]
    windows: [day, month, all]
    on:
      - {event: compliance_request.created, amount: count}
  compliance_countries:
    kind: count
    per: [organization, project]
    by: [country]
    windows: [day, month]
    on:
      - {event: compliance_request.created, amount: count}
  compliance_types:
    kind: count
    per: [organization, project]
    by: [requestType]
    windows: [day, month]
    on:
      - {event: compliance_request.created, amount: count}
  # Where the requests created in a window stand now: each change of status moves one in the window of its creation.
  compliance_statuses:
    kind: level
    per: [organization, project]
    by: [requestType, status]
    windows: [day, month]
    on:
      - {event: compliance_request.created, amount: count}
      - {event: compliance_request.status_changed, amount: -1, time: createdAt, with: {status: from}}
      - {event: compliance_request.status_changed, amount: 1, time: createdAt, with: {status: to}}
  resolutions:
    kind: count
    per: [organization, project]
    windows: [day, month]
    on:
      - {event: compliance_request.resolved}
  resolution_seconds:
    kind: sum
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
    per: [organization, project]
    keep: min
    value: resolutionSeconds
    windows: [day, month]
    on:
      - {event: compliance_request.resolved}
  resolution_max:
    kind: extreme
    per: [organization, project]
    keep: max
    value: resolutionSeconds
    windows: [day, month]
    on:
      - {event: compliance_request.resolved}

"""#
}
