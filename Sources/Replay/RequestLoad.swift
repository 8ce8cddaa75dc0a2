import Glibc
import Synchronization

/// A request that a load sends repeatedly.
public struct LoadedRequest: Sendable {
    /// Its name in reports.
    public var name: String
    /// Path and query.
    public var target: String
    /// Header fields, credentials among them.
    public var headers: [(name: String, value: String)]
    /// How often it is sent, in proportion to the others.
    public var weight: Int

    /// Makes a request of these parts.
    public init(
        name: String, target: String, headers: [(name: String, value: String)], weight: Int = 1
    ) {
        self.name = name
        self.target = target
        self.headers = headers
        self.weight = weight
    }
}

/// What was measured for one request.
public struct RequestFigures: Sendable {
    /// Its name.
    public var name: String
    /// From due to the last byte of the answer, or to the error.
    public var latency = LatencyHistogram()
    /// Answers that were not 200, and requests without an answer.
    public var failed: UInt64 = 0
    /// Why the last failed one failed; nil when none did.
    public var lastError: String?
}

/// Sends a mix of GET requests at a constant rate, whether or not earlier ones were answered.
///
/// Each request has a due time, and its latency begins then: when all connections wait for answers,
/// the next request is sent late, and that delay is part of its latency.
public final class RequestLoad: Sendable {
    private struct State: Sendable {
        var figures: [RequestFigures]
        var number: Int64 = 0
        /// Requests that were due at the end and had not been sent; nil before the end.
        var unsent: Int64?
    }

    private let host: String
    private let port: UInt16
    private let requests: [LoadedRequest]
    /// A round of requests, as indices into `requests`.
    private let order: [Int]
    private let rate: Double
    private let clock = ReplayClock()
    private let state: Mutex<State>
    private let threads = Mutex<[ReplayThread]>([])

    /// Makes a load that has not begun; `rate` is requests a second over all connections.
    public init(host: String, port: UInt16, requests: [LoadedRequest], rate: Double) {
        self.host = host
        self.port = port
        self.requests = requests
        self.rate = rate
        order = RequestLoad.round(requests.map(\.weight))
        state = Mutex(State(figures: requests.map { RequestFigures(name: $0.name) }))
    }

    /// A round in which each index occurs as often as its weight says, spread evenly.
    static func round(_ weights: [Int]) -> [Int] {
        var places: [(at: Double, place: Int)] = []
        for (place, weight) in weights.enumerated() where weight > 0 {
            for number in 0..<weight {
                places.append(((Double(number) + 0.5) / Double(weight), place))
            }
        }
        return places.sorted { ($0.at, $0.place) < ($1.at, $1.place) }.map(\.place)
    }

    /// Begins to send over this many connections, each with a thread of its own.
    public func start(connections: Int) {
        threads.withLock { threads in
            threads = (0..<connections).map { _ in
                let connection = RequestConnection(host: host, port: port)
                return ReplayThread { self.sendNext(on: connection) }
            }
        }
    }

    /// Ends the load and waits for outstanding answers; a second call does nothing.
    public func stop() {
        let due = Int64(Double(clock.now) * rate / 1_000_000)
        state.withLock { state in
            if state.unsent == nil { state.unsent = max(0, due - state.number) }
        }
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.stop() }
    }

    /// What has been measured so far, in the order of the requests.
    public var figures: [RequestFigures] { state.withLock { $0.figures } }

    /// How many requests were due before the end and never sent, because all connections waited for
    /// answers.
    public var unsent: Int64 { state.withLock { $0.unsent ?? 0 } }

    private func sendNext(on connection: RequestConnection) {
        guard !order.isEmpty else { return clock.sleep(until: clock.now + 100_000) }
        let now = clock.now
        // A thread takes a request only when it is due soon, so that it does not block `stop` for
        // long.
        let taken: Int64? = state.withLock { state in
            guard due(state.number) <= now + 50_000 else { return nil }
            defer { state.number += 1 }
            return state.number
        }
        guard let number = taken else { return clock.sleep(until: now + 20_000) }
        let moment = due(number)
        if moment > now { clock.sleep(until: moment) }
        let place = order[Int(number % Int64(order.count))]
        let answer = connection.get(requests[place])
        let latency = clock.now - moment
        state.withLock { state in
            state.figures[place].latency.record(latency)
            guard answer != .success(200) else { return }
            state.figures[place].failed += 1
            switch answer {
            case .success(let status): state.figures[place].lastError = "HTTP \(status)"
            case .failure(let error): state.figures[place].lastError = error.message
            }
        }
    }

    private func due(_ number: Int64) -> Int64 { Int64(Double(number) * 1_000_000 / rate) }
}

/// One connection that is kept open between requests; for one thread.
final class RequestConnection: @unchecked Sendable {
    // Sendable: made on one thread, then used by one other thread only.
    private let host: String
    private let port: UInt16
    private var socket: Int32 = -1
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    deinit { if socket >= 0 { close(socket) } }

    /// Sends a request and reads the whole answer; returns its status.
    func get(_ request: LoadedRequest) -> Result<Int, ReplayError> {
        do throws(ReplayError) {
            let isFresh = socket < 0
            if isFresh { try open() }
            do throws(ReplayError) {
                return .success(try exchange(request))
            } catch {
                shut()
                // The server may have closed an idle connection, so the request is sent once more.
                guard !isFresh else { throw error }
                try open()
                return .success(try exchange(request))
            }
        } catch {
            shut()
            return .failure(error)
        }
    }

    private func exchange(_ request: LoadedRequest) throws(ReplayError) -> Int {
        var text = "GET \(request.target) HTTP/1.1\r\nHost: \(host):\(port)\r\n"
        for header in request.headers { text += "\(header.name): \(header.value)\r\n" }
        try send(Array((text + "\r\n").utf8))
        var answer: [UInt8] = []
        var end: Int?
        while end == nil {
            answer += try receive()
            end = RequestConnection.endOfHead(answer)
            guard answer.count < 1 << 20 else { throw ReplayError(.sink, "a head over 1 MiB") }
        }
        let head = AnswerHead(answer[..<(end ?? 0)])
        guard let status = head.status, let length = head.length else {
            throw ReplayError(.sink, "an answer without status or length")
        }
        var left = length - (answer.count - (end ?? 0))
        while left > 0 { left -= try receive().count }
        if head.isClosing || left < 0 { shut() }
        return status
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for place in 0...bytes.count - 4
        where bytes[place] == 13 && bytes[place + 1] == 10 && bytes[place + 2] == 13
            && bytes[place + 3] == 10
        {
            return place + 4
        }
        return nil
    }

    private func open() throws(ReplayError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let address = list?.pointee
        else { throw ReplayError(.sink, "\(host) is not known") }
        defer { freeaddrinfo(list) }
        socket = Glibc.socket(
            address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue),
            address.ai_protocol)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        setsockopt(
            socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        guard socket >= 0, connect(socket, address.ai_addr, address.ai_addrlen) == 0 else {
            throw error("connect")
        }
    }

    private func send(_ bytes: [UInt8]) throws(ReplayError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw error("send") }
            sent += count
        }
    }

    private func receive() throws(ReplayError) -> ArraySlice<UInt8> {
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if count == 0 { throw ReplayError(.sink, "closed by the server") }
                throw error("receive")
            }
            return buffer[..<count]
        }
    }

    private func error(_ call: String) -> ReplayError {
        ReplayError(.sink, "\(call): \(String(cString: strerror(errno)))")
    }

    private func shut() {
        if socket >= 0 { close(socket) }
        socket = -1
    }
}

/// The parts of an answer's head that are needed.
struct AnswerHead {
    var status: Int?
    var length: Int?
    var isClosing = false

    init(_ bytes: ArraySlice<UInt8>) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            if name == "content-length" { length = Int(value) }
            if name == "connection", value.lowercased() == "close" { isClosing = true }
        }
        if status == 204 || status == 304 { length = 0 }
    }
}
