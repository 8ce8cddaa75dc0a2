// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension ShippedMeters {
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
}
