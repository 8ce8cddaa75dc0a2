public import Replay

/// The requests that are sent during a replay, and their rate.
public struct RequestPlan {
    let host: String
    let port: UInt16
    let rate: Double
    let connections: Int
    /// The requests of the mix.
    public let requests: [LoadedRequest]

    /// Makes a plan of requests to one server.
    ///
    /// - Parameters:
    ///   - rate: requests a second over all connections.
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

    /// Starts a load of these requests.
    func start() -> RequestLoad {
        let load = RequestLoad(host: host, port: port, requests: requests, rate: rate)
        load.start(connections: connections)
        return load
    }
}
