import Logging
import NIOCore

/// The connections of one event loop: how many there may be, and which are left behind.
///
/// At the limit the connection that has been silent longest makes room for a new one. Postfix doesn't mind: it opens a
/// connection again when it needs one. A client that only holds connections can so not shut others out.
final class Roster {
    private var connections: [ObjectIdentifier: Connection] = [:]
    private let eventLoop: any EventLoop
    private let limit: Int
    private let pause: TimeAmount
    private let logger: Logger
    private var saysLimit = true
    private var isEnding = false
    /// How often the roster was swept; a connection is stamped with it when it is heard of.
    private(set) var sweep = 0

    /// How many sweeps make up the idle time-out.
    private static let sweeps = 20

    init(eventLoop: any EventLoop, limit: Int, idleTimeout: TimeAmount, logger: Logger) {
        self.limit = limit
        self.logger = logger
        self.eventLoop = eventLoop
        pause = .nanoseconds(idleTimeout.nanoseconds / Int64(Self.sweeps))
        scheduleSweep()
    }

    var isEmpty: Bool { connections.isEmpty }

    func add(_ connection: Connection) {
        connection.lastSweep = sweep
        connections[ObjectIdentifier(connection)] = connection
        if isEnding { return connection.finish() }
        guard connections.count > limit else { return }
        if saysLimit {
            saysLimit = false
            logger.warning("\(limit) connections are open, as many as may be: the longest silent ones make room")
        }
        let quiet = connections.values.filter { $0.isQuiet && $0 !== connection }
        (quiet.min { $0.lastSweep < $1.lastSweep } ?? connection).close()
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
            self.sweepOut()
            self.scheduleSweep()
        }
    }

    private func sweepOut() {
        sweep += 1
        let idle = connections.values.filter { sweep - $0.lastSweep > Self.sweeps && !$0.isWaiting }
        for connection in idle { connection.close() }
    }
}
