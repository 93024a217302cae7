import Foundation

/// What the thread of a proxy does: all of its sockets are this thread's, and nobody else's.
final class ProxyLoop {
    private let controls: ProxyControls
    private let port: Int
    private let target: Int
    private var listener: Int32?
    private var connections: [ProxyConnection] = []
    private var isRunning = true

    init(port: Int, listener: Int32, target: Int, controls: ProxyControls) {
        self.port = port
        self.listener = listener
        self.target = target
        self.controls = controls
    }

    /// Runs until `stop()`.
    func run() {
        while isRunning {
            for job in controls.takeJobs() {
                job(self)
            }
            if isRunning {
                turn()
            }
        }
        controls.finish()
    }

    /// Waits until something is to be done, and does it.
    private func turn() {
        let now = ContinuousClock.now
        let isBlackhole = controls.settings.blackhole
        var ready = [controls.interest, pollfd(fd: listener ?? -1, events: Int16(POLLIN), revents: 0)]
        if !isBlackhole {
            ready += connections.flatMap { $0.interest(at: now) }
        }
        let next = isBlackhole ? nil : connections.compactMap(\.due).filter { $0 > now }.min()
        poll(&ready, nfds_t(ready.count), next.map { Self.milliseconds(from: now, to: $0) } ?? -1)

        controls.calm()
        if !isBlackhole {
            var place = 2
            connections = connections.filter { connection in
                defer { place += 2 }
                if connection.move(ready[place..<place + 2], controls) { return true }
                connection.reset()
                return false
            }
        }
        if ready[1].revents != 0 {
            accept()
        }
        controls.count(open: connections.count)
    }

    /// So many, rounded up.
    private static func milliseconds(from now: ContinuousClock.Instant, to due: ContinuousClock.Instant) -> Int32 {
        Int32(((due - now) / .milliseconds(1)).rounded(.up))
    }

    /// Takes all connections that wait.
    private func accept() {
        var seen = 0
        while let listener, let client = Loopback.accept(at: listener) {
            seen += 1
            if let server = try? Loopback.connect(to: target) {
                connections.append(ProxyConnection(client: client, server: server))
            } else {
                Loopback.reset(client)
            }
        }
        controls.count(seen: seen, open: connections.count)
    }

    /// Resets all connections, also those that wait to be taken.
    func cut() {
        accept()
        for connection in connections {
            connection.reset()
        }
        connections = []
        controls.count(open: 0)
    }

    /// Closes the listener, or opens it again.
    func refuse(_ refuses: Bool) throws {
        if let listener, refuses {
            Loopback.close(listener)
            self.listener = nil
        } else if listener == nil, !refuses {
            listener = try Loopback.listen(at: port)
        }
    }

    func release() {
        for connection in connections {
            connection.release(controls.settings)
        }
    }

    func stop() {
        cut()
        if let listener {
            Loopback.close(listener)
            self.listener = nil
        }
        isRunning = false
    }
}
