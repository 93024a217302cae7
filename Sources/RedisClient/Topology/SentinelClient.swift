import NIOCore

/// Keeps a connection to the master that the Sentinels name.
///
/// They are asked all the time, not only when the connection is lost: an old master that hangs, or that was cut off
/// from them, doesn't close it.
final class SentinelClient {
    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let limits: RedisLimits
    private let sentinels: [ServerAddress]
    private let service: String

    init(
        on eventLoop: any EventLoop, configuration: RedisConfiguration, limits: RedisLimits,
        sentinels: [RedisEndpoint], service: String
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.limits = limits
        self.sentinels = sentinels.map { .tcp($0) }
        self.service = service
    }

    /// The master, whichever it is.
    private(set) lazy var node: NodeClient = NodeClient(
        on: eventLoop, configuration: configuration, handshake: configuration.handshake(demandsMaster: true),
        limits: limits,
        owner: .init(
            locate: { [weak self] _ in self?.poller.ask() },
            settle: { command, fault, _ in command.pendingReply.fail(fault) },
            // This Sentinel may be the one that doesn't know yet.
            lost: { [weak self] _ in self?.poller.ask(elsewhere: true) }))

    private lazy var poller: TopologyPoller = TopologyPoller(
        on: eventLoop, configuration: configuration, login: configuration.sentinelLogin, limits: limits,
        query: .init(
            command: question, pace: limits.sentinelPace,
            candidates: { [sentinels] in sentinels },
            answered: { [weak self, service] (reply, _) throws(RedisError) in
                self?.node.found(try Self.address(in: reply, of: service))
            },
            failed: { [weak self] in self?.node.notFound($0) }))

    func start() {
        node.start()
    }

    func close() {
        poller.close()
        node.close()
    }

    private var question: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeCommand("SENTINEL", arguments: 2)
        buffer.writeBulk("get-master-addr-by-name")
        buffer.writeBulk(service)
        return buffer
    }

    /// The answer is `[host, port]`, or nothing.
    private static func address(in reply: RESPValue, of service: String) throws(RedisError) -> ServerAddress {
        if reply == .null { throw RedisError(.misconfigured, "this Sentinel knows no service \"\(service)\"") }
        guard let fields = reply.elements, fields.count == 2, let host = fields[0].string, !host.isEmpty,
            let port = fields[1].number, (1...65535).contains(port)
        else { throw RedisError(.unavailable(.unreachable), "the answer of this Sentinel can't be understood") }
        return .tcp(.init(host: host, port: port))
    }
}
