import NIOCore
import NIOEmbedded

@testable import RedisClient

/// The network between daemons and Redis: connections whose bytes take their time, in their order, and that break.
final class RedisNetwork: @unchecked Sendable {  // guarded by: the thread of its world
    /// Who answers at an address: takes a command, and returns what it says to it, or nil while nothing is heard of it.
    typealias Server = (_ host: String, _ command: [[UInt8]]) -> [UInt8]?

    let world: World
    private let server: Server
    /// Whether somebody listens there.
    private let isListening: (String) -> Bool
    /// Whether what is said there is of no interest, and happens all the time.
    private let isQuiet: (String) -> Bool
    private var sessions: [Session] = []
    /// Daemons and hosts between which nothing gets through.
    private var cuts: Set<Cut> = []
    /// How long bytes take, in microseconds.
    var latency: ClosedRange<Int64> = 50...1_500
    /// How many messages of a thousand break their connection.
    var breaks = 0

    private struct Cut: Hashable {
        let daemon: Int
        let host: String
    }

    init(
        in world: World, isListening: @escaping (String) -> Bool, isQuiet: @escaping (String) -> Bool,
        server: @escaping Server
    ) {
        (self.world, self.isListening, self.isQuiet, self.server) = (world, isListening, isQuiet, server)
    }

    /// How a daemon opens connections.
    func transport(of daemon: Int) -> RedisTransport {
        RedisTransport { [self] address, loop, limit in
            let promise = loop.makePromise(of: (any Channel).self)
            connect(daemon, to: address, limit, promise)
            return promise.futureResult
        } random: { [world] in
            Double.random(in: 0...1, using: &world.random)
        }
    }

    private func connect(
        _ daemon: Int, to address: ServerAddress, _ limit: TimeAmount, _ promise: EventLoopPromise<any Channel>
    ) {
        guard case .tcp(let endpoint) = address else { preconditionFailure("all servers are at a host") }
        let host = endpoint.host
        if isCut(daemon, host) {
            return world.after(microseconds: limit.nanoseconds / 1_000) {
                promise.fail(ChannelError.connectTimeout(limit))
            }
        }
        world.after(microseconds: world.draw(latency)) { [self] in
            guard isListening(host) else {
                return promise.fail(IOError(errnoCode: 111, reason: "connect"))
            }
            let session = Session(from: daemon, to: host, over: self, isEvent: !isQuiet(host))
            sessions.append(session)
            promise.succeed(session.channel)
        }
    }

    /// What a server at that host says to a command.
    fileprivate func answer(_ command: [[UInt8]], at host: String) -> [UInt8]? { server(host, command) }

    // MARK: What goes wrong

    func isCut(_ daemon: Int, _ host: String) -> Bool { cuts.contains(Cut(daemon: daemon, host: host)) }

    func cut(_ daemon: Int, from host: String) { cuts.insert(Cut(daemon: daemon, host: host)) }

    /// All get through again; what was on its way goes on.
    func mend() {
        cuts = []
        for session in sessions { session.goOn() }
    }

    /// Breaks all connections to a host.
    func reset(_ host: String) { for session in sessions where session.host == host { session.reset() } }

    /// Breaks all connections of a daemon: it is no more.
    func reset(daemon: Int) { for session in sessions where session.daemon == daemon { session.reset() } }

    /// The world comes to its end.
    func end() { for session in sessions { session.close() } }

    fileprivate func forget(_ session: Session) { sessions.removeAll { $0 === session } }
}

/// A connection of a daemon to a server.
private final class Session: @unchecked Sendable {  // guarded by: the thread of its world
    let daemon: Int
    let host: String
    let channel: EmbeddedChannel
    private let network: RedisNetwork
    private let world: World
    private let isEvent: Bool
    private var decoder = RESPDecoder()
    private var received = ByteBuffer()
    /// When the last bytes of either direction arrive, in microseconds.
    private var arrivals = (there: 0 as Int64, back: 0 as Int64)
    /// What can't get through now, in its order.
    private var held: [() -> Void] = []
    private var isOver = false

    init(from daemon: Int, to host: String, over network: RedisNetwork, isEvent: Bool) {
        (self.daemon, self.host, self.network, world) = (daemon, host, network, network.world)
        self.isEvent = isEvent
        channel = EmbeddedChannel(loop: network.world.loop)
        do {
            try channel.pipeline.syncOperations.addHandler(SentBytes { [weak self] in self?.send($0) })
        } catch {
            preconditionFailure("a channel that is open takes a handler")
        }
        channel.connect(to: Self.address, promise: nil)
        channel.closeFuture.assumeIsolated().whenComplete { [weak self] _ in self?.end() }
    }

    private static var address: SocketAddress {
        guard let address = try? SocketAddress(ipAddress: "192.0.2.1", port: 6_379) else {
            preconditionFailure("that is an address")
        }
        return address
    }

    private func end() {
        isOver = true
        held = []
        network.forget(self)
    }

    /// Nobody is told.
    func close() { channel.close(promise: nil) }

    /// It breaks: the daemon hears so a moment later.
    func reset() {
        guard !isOver else { return }
        end()
        world.soon { [channel] in channel.close(promise: nil) }
    }

    /// What was held back arrives now.
    func goOn() {
        let held = held
        self.held = []
        for arrive in held { arrive() }
    }

    private func carry(_ last: WritableKeyPath<(there: Int64, back: Int64), Int64>, _ arrive: @escaping () -> Void) {
        if world.happens(network.breaks) { return reset() }
        let time = max(world.microseconds + world.draw(network.latency), arrivals[keyPath: last] + 1)
        arrivals[keyPath: last] = time
        world.after(microseconds: time - world.microseconds, isEvent: isEvent) { [self] in
            guard !isOver else { return }
            if network.isCut(daemon, host) || !held.isEmpty { held.append(arrive) } else { arrive() }
        }
    }

    private func send(_ bytes: ByteBuffer) {
        carry(\.there) { [self] in take(bytes) }
    }

    /// Bytes arrive at the server.
    private func take(_ bytes: ByteBuffer) {
        var bytes = bytes
        received.writeBuffer(&bytes)
        var answers = ByteBuffer()
        do {
            while let command = try decoder.next(in: &received) {
                let words = command.elements?.map { $0.text.map { Array($0.readableBytesView) } ?? [] } ?? []
                guard let answer = network.answer(words, at: host) else { return }
                answers.writeBytes(answer)
            }
        } catch {
            world.fail("a daemon sent what isn't a command: \(error)")
        }
        guard answers.readableBytes > 0 else { return }
        carry(\.back) { [channel] in
            channel.pipeline.fireChannelRead(answers)
            channel.pipeline.fireChannelReadComplete()
        }
    }
}

/// Takes what a daemon writes to a connection.
private final class SentBytes: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private let take: (ByteBuffer) -> Void

    init(_ take: @escaping (ByteBuffer) -> Void) { self.take = take }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        take(unwrapOutboundIn(data))
        promise?.succeed()
    }
}
