import NIOCore

/// The connections of a server: how many there may be, and which gives way.
///
/// At the limit the one that has got no further for longest is closed for a new one, so that a client that only holds
/// connections shuts nobody out. A connection counts until its route has ended, too: nobody gets routes to pile up by asking
/// and leaving. To be used on the event loop.
final class WebConnections {
    private let eventLoop: any EventLoop
    private let limit: Int
    private let log: @Sendable (WebEvent) -> Void
    private var connections: [ObjectIdentifier: WebConnection] = [:]
    private var saysLimit = true
    private var drained: EventLoopPromise<Bool>?

    init(eventLoop: any EventLoop, limit: Int, log: @escaping @Sendable (WebEvent) -> Void) {
        self.eventLoop = eventLoop
        self.limit = limit
        self.log = log
    }

    /// Whether there is room for a connection now; where it is, another one may have been closed for it.
    func add(_ connection: WebConnection) -> Bool {
        if drained != nil { return false }
        if connections.count >= limit {
            if saysLimit {
                saysLimit = false
                log(.connectionLimit(limit))
            }
            let idlest = connections.values.filter(\.canGiveWay).min { $0.lastProgress < $1.lastProgress }
            guard let idlest else { return false }
            idlest.abort()
            remove(idlest)
        }
        connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func remove(_ connection: WebConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        if connections.count < limit / 2 { saysLimit = true }
        if connections.isEmpty { drained?.succeed(true) }
    }

    /// Lets every connection finish the response it is at, and closes it then; new ones are closed at once.
    ///
    /// - Returns: whether all have ended, routes among them; those that take longer than `grace` are cut off, and have as long
    ///   again for their routes to see that they are cancelled
    func end(within grace: TimeAmount) -> EventLoopFuture<Bool> {
        let drained = eventLoop.makePromise(of: Bool.self)
        self.drained = drained
        if connections.isEmpty { drained.succeed(true) }
        for connection in connections.values { connection.finish() }
        let loop = eventLoop.assumeIsolated()
        let cut = loop.scheduleTask(in: grace) {
            for connection in self.connections.values { connection.abort() }
        }
        let limit = loop.scheduleTask(in: grace + grace) { drained.succeed(false) }
        drained.futureResult.assumeIsolated().whenComplete { _ in
            cut.cancel()
            limit.cancel()
        }
        return drained.futureResult
    }
}
