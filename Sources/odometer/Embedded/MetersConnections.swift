// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension ShippedMeters {
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
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.opened, amount: count}
  connections_closed:
    kind: count
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.closed}
  connection_seconds:
    kind: sum
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.closed, amount: durationSeconds}
  connection_keys:
    kind: distinct
    of: apiKeyId
    per: [[service, protocol, dataCenter]]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.opened}
      - {event: connection.activity}
      - {event: connection.closed}
  connection_first:
    kind: extreme
    keep: min
    value: time
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.opened}
  connection_last:
    kind: extreme
    keep: max
    value: time
    by: [service, protocol, dataCenter]
    windows: [quarter, day, month, all]
    on:
      - {event: connection.opened}
  connection_activity:
    kind: extreme
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
    per: [[service, protocol, dataCenter]]
    windows: [minute, quarter]
    on:
      - {event: connection.opened, amount: count}
  connection_group_closed:
    kind: count
    per: [[service, protocol, dataCenter]]
    windows: [minute, quarter]
    on:
      - {event: connection.closed}
  connection_group_seconds:
    kind: sum
    per: [[service, protocol, dataCenter]]
    windows: [minute, quarter]
    on:
      - {event: connection.closed, amount: durationSeconds}
  connection_group_first:
    kind: extreme
    keep: min
    value: time
    per: [[service, protocol, dataCenter]]
    windows: [minute, quarter]
    on:
      - {event: connection.opened}
  connection_group_last:
    kind: extreme
    keep: max
    value: time
    per: [[service, protocol, dataCenter]]
    windows: [minute]
    on:
      - {event: connection.opened}
  connection_group_activity:
    kind: extreme
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
}
