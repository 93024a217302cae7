import Glibc
import NIOCore
import Policy

/// The connections of one event loop: how many there may be, and which are left behind.
///
/// At the limit the connection that has been silent longest makes room for a new one. Postfix doesn't mind: it opens a
/// connection again when it needs one. A client that only holds connections can so not shut others out.
final class ConnectionRegistry {
    /// How many sweeps make up the idle time-out.
    private static let sweeps = 20

    private let eventLoop: any EventLoop
    private let limit: Int
    private let pause: TimeAmount
    private let log: LimitedLog
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var counts = ConnectionFigures()
    private var saysLimit = true
    private var isEnding = false
    /// Counts the requests of all connections; a connection keeps the number of its last one.
    private var heard = 0
    /// What `heard` was at the last sweeps, the oldest first.
    private var heardAtSweeps: [Int] = []

    init(eventLoop: any EventLoop, limit: Int, idleTimeout: TimeAmount, log: LimitedLog) {
        self.eventLoop = eventLoop
        self.limit = limit
        self.log = log
        pause = .nanoseconds(idleTimeout.nanoseconds / Int64(Self.sweeps))
        scheduleSweep()
    }

    var count: Int { connections.count }

    /// What is counted of connections.
    var figures: ConnectionFigures {
        var figures = counts
        figures.open = count
        return figures
    }

    /// How many have sent nothing yet and connected since the last sweep.
    var newcomers: Int {
        let last = heardAtSweeps.last ?? 0
        return connections.values.count { !$0.hasSpoken && $0.lastHeard > last }
    }

    /// The number for a connection that is heard of now.
    func hear() -> Int {
        heard += 1
        return heard
    }

    /// A connection is closed without a reply.
    func note(_ error: PolicyError) {
        counts.errors[error.kind.rawValue] += 1
    }

    /// A connection couldn't be accepted.
    func note(_ rejection: ConnectionFigures.Rejection) {
        counts.rejected[rejection.rawValue] += 1
    }

    func add(_ connection: Connection) {
        counts.accepted += 1
        connections[ObjectIdentifier(connection)] = connection
        if isEnding { return connection.finish() }
        guard connections.count > limit else { return }
        if saysLimit {
            saysLimit = false
            log.log(
                .connectionLimit, "connection limit (\(limit)) reached; closing the longest-idle connections")
        }
        let victims = connections.values.filter { !$0.isWaiting }
        guard let victim = victims.min(by: { $0.lastHeard < $1.lastHeard }) else { return }
        note(.limit)
        victim.abort()
    }

    func remove(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
        if connections.count < limit / 2 { saysLimit = true }
    }

    /// Lets every connection finish what it is at; new ones are closed at once.
    func end() {
        isEnding = true
        for connection in connections.values { connection.finish() }
    }

    private func scheduleSweep() {
        eventLoop.assumeIsolated().scheduleTask(in: pause) {
            self.sweep()
            self.scheduleSweep()
        }
    }

    private func sweep() {
        if heardAtSweeps.count == Self.sweeps {
            let oldest = heardAtSweeps.removeFirst()
            for connection in connections.values where connection.lastHeard <= oldest && !connection.isWaiting {
                counts.idle += 1
                connection.abort()
            }
        }
        heardAtSweeps.append(heard)
    }
}

/// The connections that wait in the queue of a listener when the server stops.
///
/// A listener that is closed resets them, though their clients have connected and may have sent their requests. So its
/// descriptor is kept under a second number while the server closes its own, and the queue is emptied from that one, behind
/// a gate that lets nobody else in.
struct WaitingConnections {
    private let descriptor: CInt
    private let isUnix: Bool

    /// Those of that listener; nil where they are another process's, or no descriptor is to be had.
    init?(of listener: OpenListener) {
        guard !listener.isHeldElsewhere else { return nil }
        descriptor = fcntl(listener.descriptor, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        isUnix = if case .unix = listener.address { true } else { false }
    }

    /// Lets nobody else into the queue, and leaves what is in it.
    func shutGate() {
        if isUnix {
            // connect(2) is refused from now on.
            shutdown(descriptor, CInt(SHUT_RD))
        } else {
            dropPackets()
        }
    }

    /// Takes the next one out of the queue: its descriptor, which is the caller's; nil where none is left.
    func next() -> CInt? {
        while true {
            let connection = accept(descriptor, nil, nil)
            if connection >= 0 {
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                return connection
            }
            // A client that has gone away meanwhile is not the end of the queue: accept(2).
            guard [EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH].contains(errno) else { return nil }
        }
    }

    /// Ends the listener.
    func close() {
        Glibc.close(descriptor)
    }

    /// Has the system drop what comes to a TCP listener.
    ///
    /// Those who connect now try again a second later, and find it closed, or find its successor. What is in the queue
    /// already has passed the filter.
    private func dropPackets() {
        // One instruction of a socket filter: return 0, keep nothing. In struct sock_filter of linux/filter.h the code has
        // two bytes; two jumps of a byte and a number of four follow.
        var program = UInt64(UInt16(0x06).littleEndian)
        withUnsafeMutablePointer(to: &program) { instructions in
            var filter = SocketFilter(length: 1, instructions: UnsafeMutableRawPointer(instructions))
            setsockopt(
                descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, socklen_t(MemoryLayout<SocketFilter>.size))
        }
    }

    /// struct sock_fprog of linux/filter.h, which the module Glibc doesn't have.
    private struct SocketFilter {
        var length: CUnsignedShort
        var instructions: UnsafeMutableRawPointer
    }
}
