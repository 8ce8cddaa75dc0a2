/// A host and a port.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address, IPv6 without brackets.
    public var host: String
    /// A TCP port.
    public var port: Int32

    /// A endpoint of these parts.
    public init(host: String, port: Int32) {
        self.host = host
        self.port = port
    }

    /// A endpoint from `host`, `host:port`, `[IPv6]` or `[IPv6]:port`.
    init(text: Substring, defaultPort: Int32) throws(RedisError) {
        self.init(host: String(text), port: defaultPort)
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<close])
            let after = text[text.index(after: close)...]
            if !after.isEmpty {
                guard after.hasPrefix(":") else {
                    throw RedisError(.configuration, "text after ] is not a port")
                }
                port = Int32(clamping: try RedisConfiguration.number(after.dropFirst(), "port"))
            }
        } else if let colon = text.firstIndex(of: ":") {
            host = String(text[..<colon])
            let digits = text[text.index(after: colon)...]
            port = Int32(clamping: try RedisConfiguration.number(digits, "port"))
        }
    }

    func validate() throws(RedisError) {
        guard !host.isEmpty else { throw RedisError(.configuration, "host is empty") }
        guard (1...65_535).contains(port) else {
            throw RedisError(.configuration, "port is \(port); permitted 1 to 65535")
        }
    }

    /// Host and port with a colon between; IPv6 in brackets.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
