import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves metrics, health and the page over HTTP, on an event loop of its own.
///
/// It answers GET and HEAD, of clients that ask by a name of the server. Whatever they do costs the daemon no more than
/// ``WebLimits`` allows. Safe to use from any thread.
public final class WebServer: Sendable {
    private enum State {
        case new
        case starting
        case running(Running)
        case stopped
    }

    private struct Running {
        let group: MultiThreadedEventLoopGroup
        let channels: [any Channel]
        let connections: NIOLoopBound<WebConnections>
    }

    /// How many connections may wait to be accepted.
    private static let backlog: CInt = 1_024

    private let listeners: [WebListener]
    private let options: WebOptions
    private let routers: [RequestRouter]
    private let log: @Sendable (WebEvent) -> Void
    private let state = NIOLockedValueBox(State.new)

    /// A server on these listeners, which are its to close from now on.
    ///
    /// - Parameters:
    ///   - access: who may see what needs a token
    ///   - routes: each with a path of its own
    ///   - log: called on the event loop; must not block
    public init(
        listeners: [WebListener], options: WebOptions, access: WebAccess, routes: [WebRoute],
        log: @escaping @Sendable (WebEvent) -> Void
    ) {
        self.listeners = listeners
        self.options = options
        self.log = log
        routers = listeners.map {
            RequestRouter(address: $0.address, hosts: options.hosts, routes: routes, access: access, log: log)
        }
    }

    /// Serves from now on; to be called once.
    ///
    /// Where that fails, all listeners are closed.
    public func start() async throws {
        let isNew = state.withLockedValue { state in
            guard case .new = state else { return false }
            state = .starting
            return true
        }
        precondition(isNew, "a web server is started once")
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let limit = options.limits.connections
        var channels: [any Channel] = []
        do {
            let connections = try await loop.submit { [log] in
                NIOLoopBound(WebConnections(eventLoop: loop, limit: limit, log: log), eventLoop: loop)
            }.get()
            for (listener, router) in zip(listeners, routers) {
                channels.append(try await serve(listener, router: router, connections: connections, on: group))
            }
            let running = Running(group: group, channels: channels, connections: connections)
            state.withLockedValue { $0 = .running(running) }
        } catch {
            // The one that failed is closed already.
            for listener in listeners.dropFirst(channels.count + 1) { close(listener.descriptor) }
            for channel in channels { try? await channel.close() }
            try? await group.shutdownGracefully()
            state.withLockedValue { $0 = .stopped }
            throw error
        }
    }

    /// Stops serving, and closes all listeners.
    ///
    /// Requests that are being answered have ``WebLimits/grace`` for that.
    ///
    /// A route that doesn't end when it is cancelled keeps the thread of the event loop.
    public func stop() async {
        let last = state.withLockedValue { state in
            defer { state = .stopped }
            return state
        }
        switch last {
        case .new: for listener in listeners { close(listener.descriptor) }
        case .starting: preconditionFailure("a web server is stopped after it has started")
        case .running(let running):
            for channel in running.channels { try? await channel.close() }
            let grace = TimeAmount(options.limits.grace)
            let connections = running.connections
            let isDrained = try? await running.group.next().flatSubmit { connections.value.end(within: grace) }.get()
            if isDrained == true { try? await running.group.shutdownGracefully() }
        case .stopped: break
        }
    }

    private func serve(
        _ listener: WebListener, router: RequestRouter, connections: NIOLoopBound<WebConnections>,
        on group: MultiThreadedEventLoopGroup
    ) async throws -> any Channel {
        let limits = options.limits
        let log = log
        return try await ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                // NIO has listened with a backlog of its own.
                listen(listener.descriptor, Self.backlog)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(WebAcceptErrorHandler(log: log))
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.addWebConnection(router: router, limits: limits, connections: connections.value)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4_096))
            .withBoundSocket(listener.descriptor)
            .get()
    }
}

extension Channel {
    /// Makes a connection out of a channel, which reads nothing by itself.
    ///
    /// To be called on its event loop.
    func addWebConnection(router: RequestRouter, limits: WebLimits, connections: WebConnections) throws {
        let framer = RequestFramer(limit: limits.head)
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = limits.head
        decoder.maxHeaderListSize = limits.head
        try pipeline.syncOperations.addHandlers(
            framer, ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: decoder)), HTTPResponseEncoder(),
            WebConnection(router: router, limits: limits, framer: framer, connections: connections))
    }
}

/// Pauses accepting for a moment when a connection can't be accepted, so that a listener without file descriptors waits
/// and doesn't spin: a connection that waits makes the socket ready again at once.
final class WebAcceptErrorHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(200)

    private let log: @Sendable (WebEvent) -> Void
    private var isFailing = false

    init(log: @escaping @Sendable (WebEvent) -> Void) {
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isFailing {
            isFailing = false
            log(.acceptsAgain)
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isFailing {
            isFailing = true
            log(.cannotAccept("\(error)"))
        }
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenSuccess {
            channel.eventLoop.scheduleTask(in: Self.pause) { channel.setOption(.autoRead, value: true) }
        }
    }
}
