import NIOCore

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

    func add(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = connection
        if isEnding { return connection.finish() }
        guard connections.count > limit else { return }
        if saysLimit {
            saysLimit = false
            log.log(
                .connectionLimit, "connection limit (\(limit)) reached; closing the longest-idle connections")
        }
        let victims = connections.values.filter { !$0.isWaiting }
        victims.min { $0.lastHeard < $1.lastHeard }?.abort()
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
                connection.abort()
            }
        }
        heardAtSweeps.append(heard)
    }
}
