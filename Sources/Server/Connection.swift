import Engine
import Glibc
import Logging
import NIOCore
import Policy

/// One connection of an smtpd: requests in, exactly one reply to each complete one, in their order.
///
/// Postfix waits for a reply before it sends the next request. A client that doesn't is served all the same: while a
/// request is with the store, the following bytes wait. Once too many do, or once the client leaves too many replies
/// unread, nothing more is read from it.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let pipeline: RequestPipeline
    private let registry: ConnectionRegistry?
    private let limits = PolicyLimits()
    private let encoder = PolicyEncoder()
    private var decoder: PolicyDecoder
    private var context: ChannelHandlerContext?
    private var unread = ByteBuffer()
    private var isInputClosed = false
    private var isClosing = false
    private var holdsBackRead = false
    private var isWritable = true
    private var hasToldStrayLines = false
    /// Replies that aren't sent yet.
    private var replies = ByteBuffer()
    /// Sends them; nil where the channel does, since there is no socket or it was full once.
    private var socket: ReplySocket?
    /// Whether there are replies that aren't sent.
    var hasReplies: Bool { replies.readableBytes > 0 }
    /// Whether the server asks itself: that is neither logged nor counted.
    var isOwn: Bool { registry == nil }
    /// Whether a request is with the store.
    private(set) var isWaiting = false
    /// Whether anything has come in.
    private(set) var hasSpoken = false
    /// When the turn began in which its last request came.
    var requestStart = NIODeadline.uptimeNanoseconds(0)
    /// Whether it has waited for the DNS.
    var hasAskedDNS = false
    /// What became of the recipients of its message so far.
    var message = MessageProgress()
    /// The registry's number for the last request; bytes that make none keep no connection open.
    private(set) var lastHeard = 0

    /// A connection that has its replies from that pipeline.
    ///
    /// - Parameter registry: nil for one of the server's own, which takes no place among the clients'
    init(pipeline: RequestPipeline, registry: ConnectionRegistry?) {
        self.pipeline = pipeline
        self.registry = registry
        decoder = PolicyDecoder(limits: limits)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        socket = ReplySocket(of: context.channel)
        hear()
        registry?.add(self)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        socket = nil
        isClosing = true
        unread = ByteBuffer()
        replies = ByteBuffer()
        registry?.remove(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        hasSpoken = true
        var bytes = unwrapInboundIn(data)
        if unread.readableBytes > 0 {
            // What was answered must go, or the buffer would grow with all that ever came.
            unread.discardReadBytes()
            unread.writeBuffer(&bytes)
            bytes = takeUnread()
        }
        proceed(with: bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pipeline.flushLater(self)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        regulateReading()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            isInputClosed = true
            if !isWaiting { end() }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// A reset by the client is no news: it has gone, and that is all there is to it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // It may come from the end of the socket, whose number may be another's by now.
        socket = nil
        abort()
    }

    /// Takes the decision about the request that is with the store; `proceed` follows.
    func deliver(_ record: DecisionRecord) {
        isWaiting = false
        reply(record)
    }

    /// Goes on with what has come meanwhile.
    func proceed() {
        proceed(with: takeUnread())
        pipeline.flushLater(self)
    }

    /// Ends the connection once what is in flight has its reply.
    func finish() {
        isClosing = true
        if !isWaiting { close() }
    }

    /// Closes at once.
    func abort() {
        isClosing = true
        flush()
        context?.close(promise: nil)
    }

    /// Closes when what was written has been sent.
    private func close() {
        flush()
        guard let context else { return }
        isClosing = true
        let bound = context.loopBound
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    private func hear() {
        if let registry { lastHeard = registry.hear() }
    }

    private func takeUnread() -> ByteBuffer {
        defer { unread = ByteBuffer() }
        return unread
    }

    private func proceed(with bytes: consuming ByteBuffer) {
        do throws(PolicyError) {
            while bytes.readableBytes > 0, !isWaiting, !isClosing, let request = try decoder.next(in: &bytes) {
                hear()
                if decoder.strayLines > 0, !hasToldStrayLines { tellStrayLines() }
                if let record = pipeline.take(request, from: self) { reply(record) } else { isWaiting = true }
            }
        } catch {
            return giveUp(error)
        }
        // A buffer that was read to its end is let go, so that it can be used for the next read.
        if bytes.readableBytes > 0 { unread = bytes }
        regulateReading()
        guard !isWaiting else { return }
        if isClosing { close() } else if isInputClosed { end() }
    }

    /// Reads on or not, as there is room for what would come.
    private func regulateReading() {
        let holdsBack = unread.readableBytes > limits.request || !isWritable
        guard holdsBack != holdsBackRead, let context else { return }
        holdsBackRead = holdsBack
        // It fails only on a channel that is closed.
        try? context.channel.syncOptions?.setOption(.autoRead, value: !holdsBack)
    }

    private func reply(_ record: DecisionRecord) {
        var bytes = encoder.bytes(of: record.reply)
        if hasReplies { replies.writeBuffer(&bytes) } else { replies = bytes }
        // What goes on with a request closes the connection then.
        if pipeline.options.closesAfterReply, !isOwn { isClosing = true }
    }

    /// Sends the replies.
    func flush() {
        guard hasReplies, let context else { return }
        var bytes = replies
        replies = ByteBuffer()
        if let socket {
            bytes.moveReaderIndex(forwardBy: socket.send(bytes))
            if bytes.readableBytes == 0 { return }
            self.socket = nil
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// The client has sent all it wanted to.
    private func end() {
        do throws(PolicyError) { try decoder.end(leaving: unread) } catch { return giveUp(error) }
        close()
    }

    private func tellStrayLines() {
        hasToldStrayLines = true
        pipeline.log.log(
            .strayLines,
            "\(decoder.strayLines) lines before the first request of a connection were skipped (expected name=value)")
    }

    /// What can't be read must not be answered: Postfix would take any reply for that of its next request.
    private func giveUp(_ violation: PolicyError) {
        registry?.note(violation)
        pipeline.log.log(.disconnection, "a client was disconnected without a reply: \(violation)")
        unread = ByteBuffer()
        isClosing = true
        close()
    }
}

/// The socket of a connection, to which replies go straight.
///
/// A channel's own way of writing takes as long as all else that is done for a request: it queues, counts what is queued,
/// and keeps promises. A reply of some ten bytes nearly always finds room at once; where it doesn't, the rest is the
/// channel's. To be used on the event loop, and only while the channel is active.
struct ReplySocket {
    private let handle: NIOBSDSocket.Handle

    /// Nil where the channel has none.
    init?(of channel: any Channel) {
        let handle = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self, { $0 })
        guard let handle else { return nil }
        self.handle = handle
    }

    /// How many bytes were sent, without waiting; after a fault none, and the channel meets with it.
    func send(_ bytes: ByteBuffer) -> Int {
        bytes.withUnsafeReadableBytes { bytes in
            max(0, Glibc.send(handle, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)))
        }
    }
}
