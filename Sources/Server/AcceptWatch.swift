import Glibc
import Logging
import NIOCore

/// Pauses accepting for a moment when a connection can't be accepted, so that a listener without file descriptors waits
/// and doesn't spin.
///
/// It says once that connections can't be accepted, and once that they are again. NIO's `AcceptBackoffHandler` holds the
/// next read back, but leaves the socket among those that are polled, where a waiting connection makes it ready at once.
final class AcceptWatch: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(200)

    private let log: LimitedLog
    private var isFailing = false

    init(log: LimitedLog) {
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isFailing {
            isFailing = false
            log.log(.accepting, level: .notice, "connections are accepted again")
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isFailing {
            isFailing = true
            let isOutOfDescriptors = [EMFILE, ENFILE].contains((error as? IOError)?.errnoCode)
            log.log(
                .accepting,
                isOutOfDescriptors
                    ? "out of file descriptors; accepting paused (raise LimitNOFILE=)"
                    : "a connection could not be accepted: \(error)")
        }
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenSuccess {
            channel.eventLoop.scheduleTask(in: Self.pause) { channel.setOption(.autoRead, value: true) }
        }
    }
}
