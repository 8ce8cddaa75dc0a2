import Query

extension LifetimeMeters {
    /// The meters of connections by service, protocol and data center.
    ///
    /// Their declarations are in `schemas/meters/connections.yaml`.
    static let connections = LifetimeMeters(
        dimensions: ["service", "protocol", "dataCenter"], open: "connections_open",
        tables: Names(
            opened: "connections_opened", closed: "connections_closed",
            seconds: "connection_seconds", first: "connection_first", last: "connection_last",
            activity: "connection_activity", distinct: "connection_keys"),
        series: Names(
            opened: "connection_group_opened", closed: "connection_group_closed",
            seconds: "connection_group_seconds", first: "connection_group_first",
            last: "connection_group_last", activity: "connection_group_activity",
            distinct: "connection_group_keys"))
}
