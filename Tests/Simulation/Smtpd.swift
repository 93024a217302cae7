import NIOCore
import NIOEmbedded

@testable import Server

/// A connection of Postfix to a daemon: requests one behind the other, and the replies to them.
final class Smtpd {
    let life: Life
    let loop: Life.Loop
    /// What waits for a reply, in the order in which it was asked.
    private(set) var waiting: [Request] = []
    /// Whose recipients are asked about; nil where it is free.
    var message: Message?
    /// Whether it can be asked over.
    private(set) var isOpen = true
    private let channel: EmbeddedChannel
    private var received = ByteBuffer()
    /// The end of what is being sent.
    private var rest: [UInt8] = []
    private var lastUse: Int64 = 0
    /// What becomes of replies.
    private let take: (Request, String) -> Void

    init(_ life: Life, _ loop: Life.Loop, take: @escaping (Request, String) -> Void) throws {
        (self.life, self.loop, self.take) = (life, loop, take)
        channel = EmbeddedChannel(loop: life.world.loop)
        try channel.pipeline.syncOperations.addHandler(ReplyCatcher { [weak self] in self?.receive($0) })
        try channel.pipeline.syncOperations.addHandler(Connection(pipeline: loop.pipeline, registry: loop.registry))
        channel.closeFuture.assumeIsolated().whenComplete { [weak self] _ in self?.noteClosed() }
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/smtpd"), promise: nil)
    }

    /// Puts a request.
    func ask(_ request: Request) {
        if waiting.isEmpty { request.turn = life.world.now }
        waiting.append(request)
        life.requests[request.number] = request
        request.note(life.daemon.clock)
        life.noteRequest()
        lastUse = life.world.now
        let text = request.text
        guard rest.isEmpty else {
            rest += text
            return
        }
        guard life.world.happens(30) else { return send(text) }
        // It comes in two pieces.
        let middle = life.world.number(in: 1...text.count - 1)
        rest = Array(text[middle...])
        send(Array(text[..<middle]))
        life.world.after(microseconds: life.world.draw(10...2_000)) { [self] in
            let rest = rest
            self.rest = []
            if isOpen { send(rest) }
        }
    }

    /// Whether it may be used again: Postfix ends what is idle for 300 s.
    var isFresh: Bool { isOpen && life.world.now - lastUse < 300_000 }

    private func send(_ bytes: [UInt8]) {
        channel.pipeline.fireChannelRead(ByteBuffer(bytes: bytes))
        channel.pipeline.fireChannelReadComplete()
    }

    /// Postfix ends it; whoever waits gets no reply.
    func hangUp() {
        guard isOpen else { return }
        abandon()
        channel.close(promise: nil)
    }

    /// The process on its other end is gone.
    func lose() {
        abandon()
        channel.close(promise: nil)
    }

    private func abandon() {
        isOpen = false
        let lost = waiting
        waiting = []
        for request in lost {
            request.isAbandoned = true
            request.settle(nil)
        }
    }

    private func noteClosed() {
        guard isOpen else { return }
        if let request = waiting.first {
            life.world.fail("daemon \(life.daemon.number) closed a connection without a reply", about: request.tags)
        }
        isOpen = false
    }

    private func receive(_ bytes: ByteBuffer) {
        var bytes = bytes
        received.writeBuffer(&bytes)
        while isOpen, let reply = nextReply() {
            guard !waiting.isEmpty else {
                return life.world.fail("daemon \(life.daemon.number) sent a reply that nobody waits for: \(reply)")
            }
            let request = waiting.removeFirst()
            waiting.first?.turn = life.world.now
            take(request, reply)
        }
    }

    private func nextReply() -> String? {
        let view = received.readableBytesView
        guard let end = view.indices.dropLast().first(where: { view[$0] == 10 && view[$0 + 1] == 10 }) else {
            return nil
        }
        let text = received.readString(length: end - view.startIndex)
        received.moveReaderIndex(forwardBy: 2)
        received.discardReadBytes()
        return text
    }
}

/// Takes what a daemon writes to a connection.
private final class ReplyCatcher: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private let take: (ByteBuffer) -> Void

    init(_ take: @escaping (ByteBuffer) -> Void) { self.take = take }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        take(unwrapOutboundIn(data))
        promise?.succeed()
    }
}
