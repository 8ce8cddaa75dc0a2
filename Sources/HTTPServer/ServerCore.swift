internal import CMicroHTTPD
import Glibc
import Synchronization

/// The state behind the library's callbacks: everything of a server except the type of its workers.
///
/// The rules of the callbacks below: they are called on the library's worker threads, and calls for
/// one connection never overlap. `context` is this object; `Server` keeps it alive until the
/// library has joined its threads. A callback may take as long as the handler takes; the other
/// connections of that thread wait meanwhile.
final class ServerCore: Sendable {
    let configuration: ServerConfiguration
    let deadlines: RequestDeadlines
    let connections: AddressConnections
    let waiting = WaitingAnswers()
    private let bodyMemory: BodyMemory?
    let isDraining = Atomic<Bool>(false)
    let active = Atomic<Int>(0)
    let accepted = Atomic<UInt64>(0)
    let answered = Atomic<UInt64>(0)
    let refused = Atomic<UInt64>(0)
    let tlsCounters = TLSCounters()
    /// Gives the certificate of each connection; nil: plain HTTP.
    private let identities: (any TLSIdentitySource)?
    private let answer: @Sendable (Request) -> Response

    init(
        _ configuration: ServerConfiguration, identities: (any TLSIdentitySource)?,
        answer: @escaping @Sendable (Request) -> Response
    ) {
        self.configuration = configuration
        self.identities = identities
        self.answer = answer
        bodyMemory = configuration.largeBodies.map { BodyMemory(most: $0.memoryBytes) }
        deadlines = RequestDeadlines(seconds: configuration.requestTimeoutSeconds)
        connections = AddressConnections(
            most: configuration.perAddressLimit, unlimited: configuration.trustedProxies)
    }

    static func at(_ context: UnsafeMutableRawPointer) -> ServerCore {
        Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    }

    /// What is known of a request whose target has just come.
    func exchange(target: UnsafeRawBufferPointer) -> Exchange {
        let target = Array(target)
        let isLarge = configuration.largeBodies?.takes(target) ?? false
        return Exchange(target: target, memory: isLarge ? bodyMemory : nil)
    }

    private func mostBytes(of exchange: Exchange) -> Int {
        if let large = configuration.largeBodies, exchange.isLarge { return large.mostBytes }
        return configuration.maxBodyBytes
    }

    /// Called with the head, then with each piece of the body, then once at the end of the request.
    func proceed(
        _ connection: OpaquePointer, method: String, version: String, exchange: Exchange,
        piece: UnsafeRawBufferPointer
    ) -> (result: MHD_Result, isPieceTaken: Bool) {
        if exchange.isRefused { return (MHD_Result.NO, false) }
        if !exchange.hasHead {
            exchange.hasHead = true
            exchange.method = Method(name: method)
            exchange.headers = HeaderFields(of: connection)
            if let refusal = Framing.refusal(
                version: version, headers: exchange.headers,
                maxBodyBytes: mostBytes(of: exchange))
            {
                return (refuse(connection, refusal), false)
            }
            return (MHD_Result.YES, false)
        }
        if piece.count > 0 {
            if let refusal = exchange.take(piece, limit: mostBytes(of: exchange)) {
                return (refuse(connection, refusal), false)
            }
            return (MHD_Result.YES, true)
        }
        return (respond(connection, exchange), false)
    }

    /// Answers past the library, and ends the connection.
    func refuse(_ connection: OpaquePointer, _ refusal: Framing.Refusal) -> MHD_Result {
        refused.add(1, ordering: .relaxed)
        let held = odometer_mhd_socket_context(connection)
        refusal.send(
            to: odometer_mhd_descriptor(connection),
            over: held.flatMap {
                Unmanaged<ConnectionClock>.fromOpaque($0).takeUnretainedValue().tls
            })
        return MHD_Result.NO
    }

    /// What is known of a connection that was just accepted.
    func clock(of connection: OpaquePointer) -> ConnectionClock {
        let descriptor = odometer_mhd_descriptor(connection)
        var tls: TLSConnection?
        if let identities, let session = odometer_tls_session(connection) {
            tls = TLSConnection(
                session, descriptor: descriptor, identity: identities.current(),
                counters: tlsCounters)
        }
        return ConnectionClock(
            descriptor: descriptor, peer: RemoteAddress(odometer_mhd_address(connection)),
            tls: tls)
    }

    private func respond(_ connection: OpaquePointer, _ exchange: Exchange) -> MHD_Result {
        if let later = exchange.later {
            exchange.later = nil
            let response =
                later.take() ?? .error(status: 503, message: "the server stops")
            return finish(connection, response)
        }
        var response: Response
        do throws(HTTPError) {
            let request = try Request(
                method: exchange.method, target: exchange.target, headers: exchange.headers,
                body: exchange.body,
                remoteAddress: ForwardedFor.client(
                    peer: RemoteAddress(odometer_mhd_address(connection)),
                    headers: exchange.headers, trusted: configuration.trustedProxies))
            response = answer(request)
            exchange.dropBody()
            if let later = response.later, configuration.allowsLaterAnswers {
                exchange.later = later
                waiting.suspend(connection, exchange, until: later)
                return MHD_Result.YES
            }
            Conditional.apply(to: &response, for: request)
        } catch {
            response = .error(status: 400, message: error.message)
        }
        return finish(connection, response)
    }

    private func finish(_ connection: OpaquePointer, _ response: Response) -> MHD_Result {
        var response = response
        if isDraining.load(ordering: .relaxed) { response.closesConnection = true }
        answered.add(1, ordering: .relaxed)
        return queue(connection, response)
    }

    private func queue(_ connection: OpaquePointer, _ response: Response) -> MHD_Result {
        let status = (200..<600).contains(response.status) ? response.status : 500
        let made = response.body.withUnsafeBytes { body in
            // The library sends no body with 204 and 304, nor for HEAD.
            MHD_create_response_from_buffer(
                body.count, UnsafeMutableRawPointer(mutating: body.baseAddress),
                MHD_ResponseMemoryMode.RESPMEM_MUST_COPY)
        }
        guard let made else { return MHD_Result.NO }
        defer { MHD_destroy_response(made) }
        if status != 204, status != 304, let type = response.contentType {
            add(made, "Content-Type", type)
        }
        add(
            made, "Cache-Control",
            response.caching == .never ? "no-store" : "private, no-cache")
        if let vary = response.vary { add(made, "Vary", vary) }
        for field in response.headers { add(made, field.name, field.value) }
        if response.closesConnection { add(made, "Connection", "close") }
        return MHD_queue_response(connection, UInt32(status), made)
    }

    private func add(_ response: OpaquePointer, _ name: String, _ value: String) {
        if MHD_add_response_header(response, name, value) == MHD_Result.YES { return }
        // The library refuses a value with control characters, for a line end would start another
        // header. They become spaces.
        let clean = String(decoding: value.utf8.map { max($0, 0x20) }, as: UTF8.self)
        _ = MHD_add_response_header(response, name, clean)
    }
}

// MARK: Callbacks

/// Called with a request line; returns the exchange, which `httpOnCompleted` releases.
func httpOnTarget(
    _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?,
    _ connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let context, let target else { return nil }
    let core = ServerCore.at(context)
    core.active.add(1, ordering: .relaxed)
    let bytes = UnsafeRawBufferPointer(start: target, count: httpLength(of: target))
    let exchange = core.exchange(target: bytes)
    if let connection,
        Framing.isTooLong(bytes, memoryBytes: core.configuration.bytesPerConnection)
    {
        exchange.isRefused = true
        _ = core.refuse(connection, Framing.longTarget)
        // The library still works on what it has read; this way it finds that the connection ended.
        shutdown(odometer_mhd_descriptor(connection), Int32(SHUT_RDWR))
    }
    return Unmanaged.passRetained(exchange).toOpaque()
}

/// Called with a head, a piece of a body, or the end of a request; `NO` closes the connection.
func httpOnRequest(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _: UnsafePointer<CChar>?, _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?,
    _ piece: UnsafePointer<CChar>?, _ pieceCount: UnsafeMutablePointer<Int>?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let method, let version, let pieceCount else {
        return MHD_Result.NO
    }
    let core = ServerCore.at(context)
    guard let held = state?.pointee else {
        // A request line without a target.
        return core.refuse(
            connection, Framing.Refusal(status: 400, message: "the request has no target"))
    }
    let exchange = Unmanaged<Exchange>.fromOpaque(held).takeUnretainedValue()
    let outcome = core.proceed(
        connection, method: String(cString: method), version: String(cString: version),
        exchange: exchange, piece: UnsafeRawBufferPointer(start: piece, count: pieceCount.pointee))
    if outcome.isPieceTaken { pieceCount.pointee = 0 }
    return outcome.result
}

/// Called at the end of every request, answered or not; releases its exchange.
func httpOnCompleted(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _: MHD_RequestTerminationCode
) {
    guard let context, let held = state?.pointee else { return }
    state?.pointee = nil
    Unmanaged<Exchange>.fromOpaque(held).release()
    ServerCore.at(context).active.subtract(1, ordering: .relaxed)
    if let connection, let clock = odometer_mhd_socket_context(connection) {
        Unmanaged<ConnectionClock>.fromOpaque(clock).takeUnretainedValue().restart()
    }
}

/// Decides whether a connection may be opened; if not, it is closed without an answer.
func httpOnAccept(
    _ context: UnsafeMutableRawPointer?, _ address: UnsafePointer<sockaddr>?, _: socklen_t
) -> MHD_Result {
    guard let context else { return MHD_Result.NO }
    let isAdmitted = ServerCore.at(context).connections.admits(RemoteAddress(address))
    return isAdmitted ? MHD_Result.YES : MHD_Result.NO
}

/// Called at the start and the end of a connection; the socket's context holds its clock.
func httpOnConnection(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ event: MHD_ConnectionNotificationCode
) {
    guard let context, let connection, let state else { return }
    let core = ServerCore.at(context)
    if event == MHD_ConnectionNotificationCode.CONNECTION_NOTIFY_STARTED {
        let clock = core.clock(of: connection)
        core.connections.add(clock.peer)
        core.accepted.add(1, ordering: .relaxed)
        core.deadlines.insert(clock)
        state.pointee = Unmanaged.passRetained(clock).toOpaque()
    } else if let held = state.pointee {
        state.pointee = nil
        let clock = Unmanaged<ConnectionClock>.fromOpaque(held).takeRetainedValue()
        core.connections.remove(clock.peer)
        core.deadlines.remove(clock)
        clock.tls?.end()
    }
}

private func httpLength(of text: UnsafePointer<CChar>) -> Int {
    var count = 0
    while text[count] != 0 { count += 1 }
    return count
}
