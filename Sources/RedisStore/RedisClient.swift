import NIOCore
import Storage

/// The way to Redis for one event loop: takes encoded commands and brings their replies.
///
/// It begins to connect when it is made, keeps at it until it is closed, and never blocks. Everything, from `init` to the
/// replies, happens on the event loop.
///
/// A command that was sent when a connection broke is not sent again, since it may have been carried out. Two commands
/// stay in their order as long as they go to the same node and aren't sent elsewhere.
final class RedisClient {
    /// A server to be asked by itself, as `SCAN` demands.
    enum Master: Hashable, Sendable {
        /// The only one, whichever it is now.
        case only
        /// One of a cluster.
        case node(ServerAddress)
    }

    private enum Route {
        case single(NodeClient)
        case sentinels(SentinelClient)
        case cluster(ClusterClient)
    }

    private let route: Route

    /// A client that begins to connect.
    init(on eventLoop: any EventLoop, access: RedisAccess, limits: RedisLimits = RedisLimits()) {
        switch access.location.servers {
        case .single(let endpoint):
            route = .single(.single(.tcp(endpoint), on: eventLoop, access: access, limits: limits))
        case .unixSocket(let path):
            route = .single(.single(.unix(path: path), on: eventLoop, access: access, limits: limits))
        case .sentinels(let endpoints, let service):
            route = .sentinels(
                SentinelClient(on: eventLoop, access: access, limits: limits, sentinels: endpoints, service: service))
        case .cluster(let endpoints):
            route = .cluster(ClusterClient(on: eventLoop, access: access, limits: limits, seeds: endpoints))
        }
        switch route {
        case .single(let node): node.start()
        case .sentinels(let client): client.start()
        case .cluster(let client): client.start()
        }
    }

    /// Whether a command would be sent now.
    var isReady: Bool {
        switch route {
        case .single(let node): node.isReady
        case .sentinels(let client): client.node.isReady
        case .cluster(let client): client.isReady
        }
    }

    /// Takes a command, to be sent by ``flush()``.
    ///
    /// - Parameters:
    ///   - command: as it goes to the server
    ///   - slot: that of its keys, of which a cluster wants to know; nil where any node will do
    ///   - pendingReply: where the reply goes; perhaps before this returns
    func submit(_ command: ByteBuffer, slot: UInt16?, to pendingReply: PendingReply) {
        let command = Command(command, slot: slot, to: pendingReply)
        switch route {
        case .single(let node): node.submit(command)
        case .sentinels(let client): client.node.submit(command)
        case .cluster(let client): client.submit(command)
        }
    }

    /// Takes a command for one master.
    func submit(_ command: ByteBuffer, on master: Master, to pendingReply: PendingReply) {
        guard case .cluster(let client) = route, case .node(let address) = master else {
            return submit(command, slot: nil, to: pendingReply)
        }
        client.submit(Command(command, to: pendingReply), on: address)
    }

    /// Sends what was taken; to be called at the end of a turn.
    func flush() {
        switch route {
        case .single(let node): node.flush()
        case .sentinels(let client): client.node.flush()
        case .cluster(let client): client.flush()
        }
    }

    /// Tells the masters there are: at once, or when it is known.
    func masters(_ done: @escaping (Result<[Master], RedisError>) -> Void) {
        if case .cluster(let client) = route { client.masters(done) } else { done(.success([.only])) }
    }

    /// Closes; what waits fails, and so does what is submitted later.
    func close() {
        switch route {
        case .single(let node): node.close()
        case .sentinels(let client): client.close()
        case .cluster(let client): client.close()
        }
    }
}

extension NodeClient {
    /// The client of a server that stays where it is.
    fileprivate static func single(
        _ address: ServerAddress, on eventLoop: any EventLoop, access: RedisAccess, limits: RedisLimits
    ) -> NodeClient {
        NodeClient(
            on: eventLoop, access: access, handshake: access.handshake(demandsMaster: false), limits: limits,
            owner: .init(
                locate: { $0.found(address) },
                settle: { command, fault, _ in
                    switch fault.kind {
                    case .moved, .ask: command.pendingReply.fail(.isCluster(address))
                    default: command.pendingReply.fail(fault)
                    }
                },
                lost: { _ in }))
    }
}

extension RedisError {
    fileprivate static func isCluster(_ address: ServerAddress) -> RedisError {
        RedisError(.misconfigured, "\(address): the server is part of a cluster: use redis+cluster:")
    }
}

extension RedisAccess {
    /// What is said to a server that is to keep our entries.
    func handshake(demandsMaster: Bool) -> Handshake {
        Handshake(
            login: login, database: location.database, demandsMaster: demandsMaster, asksForMemory: true)
    }
}
