import Foundation
import TestSupport

/// Non-blocking TCP sockets on 127.0.0.1 that close on exec.
enum Loopback {
    /// A socket that listens at `port`.
    static func listen(at port: Int) throws -> Int32 {
        try Endpoint.inet(UInt16(port)).listen(blocks: false)
    }

    /// A socket that is connected to `port`, or is going to be.
    static func connect(to port: Int) throws -> Int32 {
        let endpoint = Endpoint.inet(UInt16(port))
        let descriptor = try endpoint.makeSocket(blocks: false)
        guard try endpoint.withAddress({ Foundation.connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS else {
            let error = TestError.system("connect \(endpoint)")
            close(descriptor)
            throw error
        }
        sendAtOnce(descriptor)
        return descriptor
    }

    /// The next connection that waits at a listening socket, if there is one.
    static func accept(at listener: Int32) -> Int32? {
        let descriptor = Foundation.accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        sendAtOnce(descriptor)
        return descriptor
    }

    static func close(_ descriptor: Int32) {
        Foundation.close(descriptor)
    }

    /// Closes a connection so that the other side gets a RST.
    static func reset(_ descriptor: Int32) {
        var atOnce = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
    }

    private static func sendAtOnce(_ descriptor: Int32) {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }
}
