import NIOCore
import NIOHTTP1

/// One client: requests in, a response to each, in their order.
///
/// The next request isn't looked at before the response to the last one is sent, so those that a client sends at once wait in
/// the framer, and then in the client's own system.
final class WebConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        /// No byte of the next request has come.
        case idle
        /// Some have.
        case receiving
        /// A route is at work.
        case answering
        /// The client takes a response.
        case sending
        /// The client may read its last response; what it still sends is thrown away.
        case leaving
        case closed
    }

    /// How much of a response the client takes at a time.
    private static let slice = 65_536
    private static let unreadable = WebResponse(.badRequest, text: "The request can't be read.")

    private let router: RequestRouter
    private let limits: WebLimits
    private let framer: RequestFramer
    private let connections: WebConnections
    private var context: ChannelHandlerContext?
    private var ends = RequestRouter.Ends(client: "", server: nil)
    private var phase = Phase.closed
    private var timer: Scheduled<Void>?
    private var requests = 0
    private var route: Task<Void, Never>?
    /// What the response being made has to know of its request.
    private var request = (isHead: false, keepsAlive: false, version: HTTPVersion.http1_1)
    private var isInputClosed = false
    private var isEnding = false
    /// When it got any further: with a connection, a whole head, a part of a response.
    private(set) var lastProgress = NIODeadline.distantPast

    init(router: RequestRouter, limits: WebLimits, framer: RequestFramer, connections: WebConnections) {
        self.router = router
        self.limits = limits
        self.framer = framer
        self.connections = connections
    }

    /// Whether it may be closed for another one: not while a route is at work for it.
    var canGiveWay: Bool { route == nil }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        let channel = context.channel
        ends = RequestRouter.Ends(
            client: channel.remoteAddress?.ipAddress ?? "the unix socket", server: channel.localAddress?.ipAddress)
        lastProgress = context.eventLoop.now
        guard connections.add(self) else { return context.close(promise: nil) }
        awaitRequest()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        self.context = nil
        timer?.cancel()
        // It has its place until its route has ended.
        if let route { route.cancel() } else { connections.remove(self) }
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Behind the head there is nothing that would be read.
        guard case .head(let head) = unwrapInboundIn(data) else { return }
        guard phase == .idle || phase == .receiving else { return abort() }
        requests += 1
        lastProgress = context.eventLoop.now
        request = (head.method == .HEAD, head.isKeepAlive && !head.isLast && requests < limits.requests, head.version)
        switch router.plan(for: head, ends: ends) {
        case .respond(let response, let closes):
            if closes { request.keepsAlive = false }
            send(response)
        case .ask(let route, let request, let headers): ask(route, request, headers: headers)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? RequestFramer.Event {
        case .headBegins:
            guard phase == .idle else { return }
            phase = .receiving
            // A client that is this slow, or has no more to say, is told.
            wait(for: limits.transfer) {
                $0.refuse(WebResponse(.requestTimeout, text: "The request didn't come in time."))
            }
        case .headEnds:
            // The first line of HTTP/2 is no request to the decoder, and no error before it has seen more.
            guard phase == .idle || phase == .receiving else { return }
            refuse(Self.unreadable)
        case .inputClosed:
            isInputClosed = true
            switch phase {
            case .idle, .receiving, .leaving: abort()
            // Who closes that side only has asked, and reads on.
            case .answering, .sending, .closed: break
            }
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard phase == .idle || phase == .receiving else { return abort() }
        switch error {
        case HeadError.tooLarge, HTTPParserError.headerOverflow:
            refuse(WebResponse(.headTooLarge, text: "The head of a request has at most \(limits.head) bytes here."))
        case HTTPParserError.invalidVersion:
            refuse(WebResponse(.versionNotSupported, text: "Only HTTP/1.0 and HTTP/1.1."))
        case is HTTPParserError, is HeadError: refuse(Self.unreadable)
        default: abort()
        }
    }

    /// Closes once the response that it is at has been sent.
    func finish() {
        isEnding = true
        switch phase {
        case .idle, .receiving, .leaving: abort()
        case .answering, .sending, .closed: break
        }
    }

    /// Closes at once.
    func abort() {
        context?.close(promise: nil)
    }

    private func awaitRequest() {
        phase = .idle
        wait(for: limits.idle) { $0.abort() }
        framer.wantHead()
        // Nothing follows what has come, and that isn't a whole head.
        if isInputClosed, phase == .idle || phase == .receiving { abort() }
    }

    /// Answers what isn't a request.
    private func refuse(_ response: WebResponse) {
        request = (false, false, .http1_1)
        send(response)
    }

    private func ask(_ route: WebRoute, _ request: WebRequest, headers: HTTPHeaders) {
        guard let loop = context?.eventLoop else { return }
        phase = .answering
        wait(for: limits.answer) {
            $0.route?.cancel()
            $0.refuse(WebResponse(.unavailable, text: "That takes too long."))
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        self.route = Task {
            var response = await route.answer(request)
            response.headers.add(contentsOf: headers)
            loop.execute { [response] in bound.value.end(with: response) }
        }
    }

    /// The route has ended; too late, it may be.
    private func end(with response: WebResponse) {
        route = nil
        if phase == .answering { send(response) } else if phase == .closed { connections.remove(self) }
    }

    private func send(_ response: WebResponse) {
        guard let context else { return }
        if isEnding { request.keepsAlive = false }
        phase = .sending
        let head = response.head(keepsAlive: request.keepsAlive, version: request.version)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        awaitTaking()
        if !request.isHead {
            var rest = ByteBuffer(bytes: response.body)
            while let slice = rest.readSlice(length: min(Self.slice, rest.readableBytes)), slice.readableBytes > 0 {
                context.write(wrapOutboundOut(.body(.byteBuffer(slice)))).assumeIsolated().whenSuccess {
                    if self.phase == .sending { self.awaitTaking() }
                }
            }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenSuccess { self.hasSent() }
    }

    /// Gives the client time to take a part of its response.
    private func awaitTaking() {
        if let context { lastProgress = context.eventLoop.now }
        wait(for: limits.transfer) { $0.abort() }
    }

    private func hasSent() {
        guard let context, phase == .sending else { return }
        lastProgress = context.eventLoop.now
        guard request.keepsAlive else { return leave() }
        // Not at once: the decoder may still be at work on the last head.
        context.eventLoop.assumeIsolated().execute {
            if self.phase == .sending { self.awaitRequest() }
        }
    }

    /// Closes so that the client can read its last response: a socket that is closed with unread bytes in it resets the
    /// connection, and takes from the client what it hasn't read yet.
    private func leave() {
        guard let context, !isInputClosed else { return abort() }
        phase = .leaving
        wait(for: limits.farewell) { $0.abort() }
        context.close(mode: .output, promise: nil)
        framer.discard()
    }

    /// Does something when that time has passed, unless something else is waited for by then.
    private func wait(for time: Duration, then act: @escaping (WebConnection) -> Void) {
        timer?.cancel()
        timer = context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { act(self) }
    }
}
