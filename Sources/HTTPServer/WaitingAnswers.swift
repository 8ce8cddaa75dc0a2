internal import CMicroHTTPD
internal import Synchronization

/// Connections that are suspended until their answer is there.
///
/// The library stops a suspended connection's timeouts and must not be stopped while there is one.
/// So who answers later does so within a time limit, and `resumeAll` ends the rest.
final class WaitingAnswers: Sendable {
    // The library's connection lives as long as it is suspended.
    private struct Connection: @unchecked Sendable { let pointer: OpaquePointer }
    private let connections = Mutex<[ObjectIdentifier: Connection]>([:])

    /// Suspends a connection until the exchange's answer is there.
    ///
    /// - Thread: the connection's worker, within the call for the end of its request.
    func suspend(_ connection: OpaquePointer, _ exchange: Exchange, until later: Later<Response>) {
        let name = ObjectIdentifier(exchange)
        let held = Connection(pointer: connection)
        MHD_suspend_connection(connection)
        connections.withLock { $0[name] = held }
        later.whenComplete { [self] in
            // Who takes the connection out resumes it, once.
            if let held = connections.withLock({ $0.removeValue(forKey: name) }) {
                MHD_resume_connection(held.pointer)
            }
        }
    }

    /// Resumes all of them, with or without an answer; false where there were none.
    func resumeAll() -> Bool {
        let all = connections.withLock { connections in
            defer { connections = [:] }
            return connections
        }
        for held in all.values { MHD_resume_connection(held.pointer) }
        return !all.isEmpty
    }
}
