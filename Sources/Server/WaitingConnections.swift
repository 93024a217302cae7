import Glibc

/// The connections that wait in the queue of a listener when the server stops.
///
/// A listener that is closed resets them, though their clients have connected and may have sent their requests. So its
/// descriptor is kept under a second number while the server closes its own, and the queue is emptied from that one, behind
/// a gate that lets nobody else in.
struct WaitingConnections {
    private let descriptor: CInt
    private let isUnix: Bool

    /// Those of that listener; nil where they are another process's, or no descriptor is to be had.
    init?(of listener: OpenListener) {
        guard !listener.isHeldElsewhere else { return nil }
        descriptor = fcntl(listener.descriptor, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        isUnix = if case .unix = listener.address { true } else { false }
    }

    /// Lets nobody else into the queue, and leaves what is in it.
    func shutGate() {
        if isUnix {
            // connect(2) is refused from now on.
            shutdown(descriptor, CInt(SHUT_RD))
        } else {
            dropPackets()
        }
    }

    /// Takes the next one out of the queue: its descriptor, which is the caller's; nil where none is left.
    func next() -> CInt? {
        while true {
            let connection = accept(descriptor, nil, nil)
            if connection >= 0 {
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                return connection
            }
            // A client that has gone away meanwhile is not the end of the queue: accept(2).
            guard [EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH].contains(errno) else { return nil }
        }
    }

    /// Ends the listener.
    func close() {
        Glibc.close(descriptor)
    }

    /// Has the system drop what comes to a TCP listener.
    ///
    /// Those who connect now try again a second later, and find it closed, or find its successor. What is in the queue
    /// already has passed the filter.
    private func dropPackets() {
        // One instruction of a socket filter: return 0, keep nothing. In struct sock_filter of linux/filter.h the code has
        // two bytes; two jumps of a byte and a number of four follow.
        var program = UInt64(UInt16(0x06).littleEndian)
        withUnsafeMutablePointer(to: &program) { instructions in
            var filter = SocketFilter(length: 1, instructions: UnsafeMutableRawPointer(instructions))
            setsockopt(
                descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, socklen_t(MemoryLayout<SocketFilter>.size))
        }
    }

    /// struct sock_fprog of linux/filter.h, which the module Glibc doesn't have.
    private struct SocketFilter {
        var length: CUnsignedShort
        var instructions: UnsafeMutableRawPointer
    }
}
