package import NIOCore

/// The way to Redis for one event loop: takes encoded commands and brings their replies.
///
/// It begins to connect when it is made, keeps at it until it is closed, and never blocks. Everything, from `init` to the
/// replies, happens on the event loop.
///
/// A command that was sent when a connection broke is not sent again, since it may have been carried out. Two commands
/// stay in their order as long as they go to the same node and aren't sent elsewhere.
package final class RedisClient {
    /// A server to be asked by itself, as `SCAN` demands.
    package enum Master: Hashable, Sendable {
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
    package init(on eventLoop: any EventLoop, configuration: RedisConfiguration, limits: RedisLimits = RedisLimits()) {
        switch configuration.servers {
        case .single(let address):
            route = .single(.single(address, on: eventLoop, configuration: configuration, limits: limits))
        case .sentinels(let endpoints, let service):
            route = .sentinels(
                SentinelClient(
                    on: eventLoop, configuration: configuration, limits: limits, sentinels: endpoints, service: service)
            )
        case .cluster(let endpoints):
            route = .cluster(
                ClusterClient(on: eventLoop, configuration: configuration, limits: limits, seeds: endpoints))
        }
        switch route {
        case .single(let node): node.start()
        case .sentinels(let client): client.start()
        case .cluster(let client): client.start()
        }
    }

    /// Whether a command would be sent now.
    package var isReady: Bool {
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
    package func submit(_ command: ByteBuffer, slot: UInt16?, to pendingReply: PendingReply) {
        let command = Command(command, slot: slot, to: pendingReply)
        switch route {
        case .single(let node): node.submit(command)
        case .sentinels(let client): client.node.submit(command)
        case .cluster(let client): client.submit(command)
        }
    }

    /// Takes a command for one master.
    package func submit(_ command: ByteBuffer, on master: Master, to pendingReply: PendingReply) {
        guard case .cluster(let client) = route, case .node(let address) = master else {
            return submit(command, slot: nil, to: pendingReply)
        }
        client.submit(Command(command, to: pendingReply), on: address)
    }

    /// Sends what was taken; to be called at the end of a turn.
    package func flush() {
        switch route {
        case .single(let node): node.flush()
        case .sentinels(let client): client.node.flush()
        case .cluster(let client): client.flush()
        }
    }

    /// Tells the masters there are: at once, or when it is known.
    package func masters(_ done: @escaping (Result<[Master], RedisError>) -> Void) {
        if case .cluster(let client) = route { client.masters(done) } else { done(.success([.only])) }
    }

    /// Closes; what waits fails, and so does what is submitted later.
    package func close() {
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
        _ address: ServerAddress, on eventLoop: any EventLoop, configuration: RedisConfiguration, limits: RedisLimits
    ) -> NodeClient {
        NodeClient(
            on: eventLoop, configuration: configuration, handshake: configuration.handshake(demandsMaster: false),
            limits: limits,
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
