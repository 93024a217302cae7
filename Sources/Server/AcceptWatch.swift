import Glibc
import Logging
import NIOCore

/// Says once when connections can't be accepted, and once when they can again.
///
/// NIO's own handler behind it pauses accepting meanwhile, so that nothing spins.
final class AcceptWatch: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let logger: Logger
    private var isFailing = false

    init(logger: Logger) {
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isFailing {
            isFailing = false
            logger.notice("connections are accepted again")
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isFailing {
            isFailing = true
            let isOutOfDescriptors = [EMFILE, ENFILE].contains((error as? IOError)?.errnoCode)
            logger.warning(
                isOutOfDescriptors
                    ? "no file descriptors are left: new connections wait (raise the limit, LimitNOFILE= of systemd)"
                    : "a connection could not be accepted: \(error)")
        }
        context.fireErrorCaught(error)
    }
}
