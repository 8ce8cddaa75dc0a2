// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

/// The catalog that is built in, for an executable that stands alone.
enum ShippedMeters {
    static let files: [(name: String, text: String)] = [
        ("connections.yaml", connections),
        ("identity.yaml", identity),
        ("overview.yaml", overview),
        ("privacy.yaml", privacy),
        ("workspace.yaml", workspace),
    ]
}
