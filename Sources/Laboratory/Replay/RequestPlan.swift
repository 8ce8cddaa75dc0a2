public import Replay

/// The requests that are sent beside a replay, and how fast.
public struct RequestPlan {
    let host: String
    let port: UInt16
    let rate: Double
    let connections: Int
    /// The requests of the mix.
    public let requests: [LoadedRequest]

    /// Requests to one server.
    ///
    /// - Parameters:
    ///   - rate: requests a second, all together.
    ///   - connections: how many may wait for their answers at the same time.
    public init(
        host: String, port: UInt16, rate: Double, connections: Int, requests: [LoadedRequest]
    ) {
        self.host = host
        self.port = port
        self.rate = rate
        self.connections = connections
        self.requests = requests
    }

    /// A load of these requests that has begun.
    func start() -> RequestLoad {
        let load = RequestLoad(host: host, port: port, requests: requests, rate: rate)
        load.start(connections: connections)
        return load
    }
}
