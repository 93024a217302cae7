import Foundation

/// Non-blocking TCP sockets on 127.0.0.1 that close on exec.
enum Loopback {
    /// A socket that listens at `port`.
    static func listen(at port: Int) throws -> Int32 {
        let descriptor = try makeSocket()
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard withAddress(port, { bind(descriptor, $0, $1) }) == 0, Foundation.listen(descriptor, 1_024) == 0 else {
            let error = LabError.system("bind 127.0.0.1:\(port)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// A socket that is connected to `port`, or is going to be.
    static func connect(to port: Int) throws -> Int32 {
        let descriptor = try makeSocket()
        guard withAddress(port, { Foundation.connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS else {
            let error = LabError.system("connect 127.0.0.1:\(port)")
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

    private static func makeSocket() throws -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { throw LabError.system("socket") }
        return descriptor
    }

    private static func sendAtOnce(_ descriptor: Int32) {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func withAddress<Result>(
        _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
