import NIOCore

/// Cuts what a client sends into heads of requests, and hands them to the decoder one by one, when they are asked for.
///
/// However many requests a client sends, one of them is worked on, and what waits here is little more than a head. The decoder
/// would take all that it is given at once; and it counts names and values only, not what stands between them.
final class RequestFramer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What the connection has to know besides the heads.
    enum Event {
        /// Some bytes of the head that is wanted have come.
        case headBegins
        /// The head that was wanted has been handed on; the decoder has made of it what it could.
        case headEnds
        /// The client sends no more; what it has sent stays.
        case inputClosed
    }

    /// How many bytes may wait, about.
    private static let capacity = 65_536

    private var scanner: HeadScanner
    private var bytes = ByteBuffer()
    private var isWanted = false
    private var isDiscarding = false
    /// Whether something was thrown away, so that nothing that follows can be understood.
    private var isCut = false
    private var context: ChannelHandlerContext?

    init(limit: Int) {
        scanner = HeadScanner(limit: limit)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    /// Hands the next head on as soon as it is whole; nothing is read from the client otherwise.
    func wantHead() {
        isWanted = true
        proceed()
        if isWanted { context?.read() }
    }

    /// Reads on, and throws away what comes.
    func discard() {
        isDiscarding = true
        bytes = ByteBuffer()
        context?.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var more = unwrapInboundIn(data)
        // When a client closes its side, all that it has sent is read at once.
        isCut = isCut || isDiscarding || bytes.readableBytes > Self.capacity
        guard !isCut else { return }
        bytes.discardReadBytes()
        bytes.writeBuffer(&more)
        proceed()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if isWanted || isDiscarding { context.read() }
    }

    /// The decoder is not told that the input has ended: it would take no more heads then.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            context.fireUserInboundEventTriggered(Event.inputClosed)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func proceed() {
        guard isWanted, let context else { return }
        do throws(HeadError) {
            if let head = try scanner.next(in: &bytes) {
                isWanted = false
                context.fireChannelRead(wrapInboundOut(head))
                context.fireUserInboundEventTriggered(Event.headEnds)
            } else if bytes.readableBytes > 0 {
                context.fireUserInboundEventTriggered(Event.headBegins)
            }
        } catch {
            isWanted = false
            context.fireErrorCaught(error)
        }
    }
}

/// Why what a client sends is no head of a request.
enum HeadError: Error {
    /// It has more bytes than the limit.
    case tooLarge
    /// Its lines don't end as they have to, or one goes on in the next.
    case malformed
}

/// Finds the end of a head.
///
/// It is stricter than HTTP has to be: a line ends with CR LF, neither of them comes alone, and no field goes on in the next
/// line. What one program takes for the end of a line and another doesn't is how requests are smuggled past proxies.
struct HeadScanner {
    let limit: Int
    /// How many bytes were looked at.
    private var scanned = 0
    /// Where the line that is looked at begins.
    private var lineStart = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes the next head away, with the empty line at its end; nil where it isn't whole yet.
    ///
    /// Empty lines in front of it are taken away, too (RFC 9112, 2.2).
    mutating func next(in buffer: inout ByteBuffer) throws(HeadError) -> ByteBuffer? {
        if scanned == 0 {
            while buffer.readableBytesView.starts(with: [.carriageReturn, .lineFeed]) {
                buffer.moveReaderIndex(forwardBy: 2)
            }
            // It may become one more of them.
            if buffer.readableBytesView.elementsEqual([.carriageReturn]) { return nil }
        }
        guard let length = try length(in: buffer.readableBytesView) else { return nil }
        (scanned, lineStart) = (0, 0)
        return buffer.readSlice(length: length)
    }

    private mutating func length(in bytes: ByteBufferView) throws(HeadError) -> Int? {
        while scanned < bytes.count {
            guard scanned < limit else { throw .tooLarge }
            let byte = bytes[bytes.startIndex + scanned]
            let isAfterReturn = scanned > 0 && bytes[bytes.startIndex + scanned - 1] == .carriageReturn
            guard isAfterReturn == (byte == .lineFeed) else { throw .malformed }
            if scanned == lineStart, byte == .blank || byte == .tab { throw .malformed }
            scanned += 1
            guard byte == .lineFeed else { continue }
            if scanned - lineStart == 2 { return scanned }
            lineStart = scanned
        }
        return nil
    }
}

extension UInt8 {
    fileprivate static let tab = UInt8(ascii: "\t")
    fileprivate static let lineFeed = UInt8(ascii: "\n")
    fileprivate static let carriageReturn = UInt8(ascii: "\r")
    fileprivate static let blank = UInt8(ascii: " ")
}
