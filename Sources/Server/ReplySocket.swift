import Glibc
import NIOCore

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
