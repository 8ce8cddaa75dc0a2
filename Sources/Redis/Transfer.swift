internal import Glibc

/// How far one call on a socket came.
enum Transfer {
    /// So many bytes were sent or have come.
    case moved(Int)
    /// Nothing moves until poll sees this at the socket.
    case blocked(Int16)
    /// The connection is dead; the text says why.
    case failed(String)
}

/// The bytes of a connection: through a socket, or through TLS over it.
extension Context {
    /// Sends what the socket takes now.
    func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        if let tls { return tls.write(bytes) }
        while true {
            let count = Glibc.send(
                descriptor, bytes.baseAddress, bytes.count,
                Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            if count >= 0 { return .moved(count) }
            if errno == EAGAIN { return .blocked(Int16(POLLOUT)) }
            if errno != EINTR { return .failed(Context.text(ofError: errno)) }
        }
    }

    /// Reads what has come into `input`, and waits that long for it.
    func receive(waitMilliseconds: Int32) -> Transfer {
        if let tls { return receive(through: tls, waitMilliseconds) }
        let isWaiting = waitMilliseconds > 0
        if isWaiting, !limitWaits(milliseconds: waitMilliseconds) {
            return .failed(Context.text(ofError: errno))
        }
        while true {
            let count = recv(
                descriptor, input.baseAddress, input.count, isWaiting ? 0 : Int32(MSG_DONTWAIT))
            if count > 0 { return .moved(count) }
            if count == 0 { return .failed("closed by Redis") }
            if errno == EAGAIN { return .blocked(Int16(POLLIN)) }
            if errno != EINTR { return .failed(Context.text(ofError: errno)) }
        }
    }

    /// Sleeps only when TLS has nothing left inside: poll sees the socket alone.
    private func receive(through tls: TLSStream, _ waitMilliseconds: Int32) -> Transfer {
        var transfer = tls.read(into: input)
        guard waitMilliseconds > 0 else { return transfer }
        let deadline = Deadline(milliseconds: waitMilliseconds)
        while case .blocked(let events) = transfer {
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let restMilliseconds = deadline.remainingMilliseconds
            let ready = restMilliseconds > 0 ? poll(&entry, 1, restMilliseconds) : 0
            if ready == 0 { return transfer }
            if ready < 0, errno != EINTR { return .failed(Context.text(ofError: errno)) }
            transfer = tls.read(into: input)
        }
        return transfer
    }

    /// What poll must wait for before more can be received.
    var awaitedEvents: Int16 { tls?.awaitedEvents ?? Int16(POLLIN) }
}
