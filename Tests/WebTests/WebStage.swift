import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Web

/// The event loop of a web server without a socket: its clock stands until it is moved.
final class WebStage: Sendable {
    /// What the server has logged.
    let events = NIOLockedValueBox<[WebEvent]>([])
    let connections: NIOLoopBound<WebConnections>
    let loop: NIOAsyncTestingEventLoop
    private let router: RequestRouter
    private let limits: WebLimits

    private init(_ loop: NIOAsyncTestingEventLoop, routes: [WebRoute], limits: WebLimits) async throws {
        self.loop = loop
        self.limits = limits
        let log: @Sendable (WebEvent) -> Void = { [events] event in events.withLockedValue { $0.append(event) } }
        router = RequestRouter(
            address: .inet("127.0.0.1", port: 10_923), hosts: [], routes: routes,
            access: WebAccess(now: MovedClock().now), log: log)
        connections = try await loop.executeInContext {
            NIOLoopBound(
                WebConnections(eventLoop: loop, limit: limits.connections, log: log), eventLoop: loop)
        }
    }

    /// Runs `body` with a server of these routes.
    static func run(
        _ routes: [WebRoute], limits: WebLimits = WebLimits(), _ body: (WebStage) async throws -> Void
    ) async throws {
        let loop = NIOAsyncTestingEventLoop()
        do {
            let stage = try await WebStage(loop, routes: routes, limits: limits)
            try await body(stage)
            let isDrained = try await loop.executeInContext { stage.connections.value.end(within: .seconds(1)) }
            await loop.advanceTime(by: .seconds(1))
            _ = try await isDrained.get()
        } catch {
            await loop.shutdownGracefully()
            throw error
        }
        await loop.shutdownGracefully()
    }

    /// A client that has connected.
    ///
    /// - Parameter takes: whether it takes what is sent to it
    func connect(takes: Bool = true) async throws -> WebClient {
        let channel = NIOAsyncTestingChannel(loop: loop)
        channel.localAddress = try SocketAddress(ipAddress: "127.0.0.1", port: 10_923)
        channel.remoteAddress = try SocketAddress(ipAddress: "127.0.0.1", port: 40_000)
        let (router, limits, connections) = (router, limits, connections)
        try await loop.executeInContext {
            if !takes { try channel.pipeline.syncOperations.addHandler(FullSocket()) }
            try channel.addWebConnection(router: router, limits: limits, connections: connections.value)
        }
        try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 10_923)).get()
        await loop.run()
        return WebClient(channel)
    }

    /// Time passes; what is due is done on its way.
    func pass(_ time: TimeAmount) async {
        await loop.advanceTime(by: time)
    }
}

/// A client on such a stage.
final class WebClient: Sendable {
    /// The server has closed the connection, and sent no more than this.
    struct Closed: Error {
        let rest: String
    }

    private let channel: NIOAsyncTestingChannel
    private let received = NIOLockedValueBox<[UInt8]>([])

    fileprivate init(_ channel: NIOAsyncTestingChannel) {
        self.channel = channel
    }

    /// Whether the server has left the connection open.
    var isOpen: Bool { channel.isActive }

    /// Sends bytes, and has the server do what it does at once.
    func send(_ bytes: some Sequence<UInt8>) async throws {
        guard isOpen else { throw Closed(rest: "") }
        try await channel.writeInbound(ByteBuffer(bytes: bytes))
        await channel.testingEventLoop.run()
    }

    func send(_ text: String) async throws { try await send(text.utf8) }

    /// Asks for a path.
    func ask(_ path: String, method: String = "GET", version: String = "1.1", _ fields: String...) async throws {
        let lines = ["\(method) \(path) HTTP/\(version)", "Host: localhost"] + fields
        try await send(lines.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    /// The next response.
    func answer(hasBody: Bool = true) async throws -> HTTPAnswer {
        while true {
            if let answer = received.withLockedValue({ HTTPAnswer(from: &$0, hasBody: hasBody) }) { return answer }
            var data = try await channel.readOutbound(as: IOData.self)
            if data == nil { data = try? await nextWrite() }
            guard case .byteBuffer(let bytes) = data else {
                throw Closed(rest: received.withLockedValue { String(decoding: $0, as: UTF8.self) })
            }
            received.withLockedValue { $0 += bytes.readableBytesView }
        }
    }

    /// Waits for what the server sends next; a test that has waited for too long closes the connection.
    private func nextWrite() async throws -> IOData {
        try await withTaskCancellationHandler {
            try await channel.waitForOutboundWrite(as: IOData.self)
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// What has come and was not looked at.
    func rest() async throws -> String {
        while case .byteBuffer(let bytes) = try await channel.readOutbound(as: IOData.self) {
            received.withLockedValue { $0 += bytes.readableBytesView }
        }
        return received.withLockedValue { String(decoding: $0, as: UTF8.self) }
    }

    /// Says that it sends no more.
    func finish() async {
        try? await channel.testingEventLoop.executeInContext { [channel] in
            channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        await channel.testingEventLoop.run()
    }

    /// Goes away.
    func close() async throws {
        try await channel.close()
    }
}

/// A socket that has no room: nothing that is written is ever sent.
private final class FullSocket: ChannelOutboundHandler {
    typealias OutboundIn = IOData

    private var unsent: [EventLoopPromise<Void>] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let promise { unsent.append(promise) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        for promise in unsent { promise.fail(ChannelError.ioOnClosedChannel) }
        unsent = []
        context.close(mode: mode, promise: promise)
    }
}
