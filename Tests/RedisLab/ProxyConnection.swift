import Foundation

/// A client's connection and the one to the server that belongs to it; they belong to the proxy's thread.
final class ProxyConnection {
    private let client: Int32
    private let server: Int32
    private let requests: ProxyFlow
    private let replies: ProxyFlow

    init(client: Int32, server: Int32) {
        self.client = client
        self.server = server
        requests = ProxyFlow(from: client, to: server)
        replies = ProxyFlow(from: server, to: client)
    }

    /// What to wait for: first at the client's side, then at the server's.
    func interest(at now: ContinuousClock.Instant) -> [pollfd] {
        [
            Self.interest(client, reads: requests.wantsInput, writes: replies.due.map { $0 <= now } ?? false),
            Self.interest(server, reads: replies.wantsInput, writes: requests.due.map { $0 <= now } ?? false),
        ]
    }

    private static func interest(_ descriptor: Int32, reads: Bool, writes: Bool) -> pollfd {
        let events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0)
        // A hang-up would be told even to those who want nothing, again and again; -1 is passed over.
        return pollfd(fd: events == 0 ? -1 : descriptor, events: Int16(events), revents: 0)
    }

    /// When something is to be written next, at either side.
    var due: ContinuousClock.Instant? {
        [requests.due, replies.due].compactMap { $0 }.min()
    }

    /// Moves bytes; false if the connection has ended.
    func move(_ ready: ArraySlice<pollfd>, _ controls: ProxyControls) -> Bool {
        let settings = controls.settings
        if ready.first?.revents != 0, !requests.read(settings.forRequests, truncate: { nil }) {
            return false
        }
        if ready.last?.revents != 0, !replies.read(settings, truncate: controls.takeTruncation) {
            return false
        }
        guard requests.write(), replies.write() else { return false }
        return !replies.demandsCut && !(requests.isOver && replies.isOver)
    }

    func release(_ settings: ProxySettings) {
        replies.release(settings)
    }

    /// Closes both sides; the other ends get a RST.
    func reset() {
        Loopback.reset(client)
        Loopback.reset(server)
    }
}

extension ProxySettings {
    /// Requests are passed on as they come.
    fileprivate var forRequests: ProxySettings { ProxySettings() }
}
