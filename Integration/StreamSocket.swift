import Foundation

/// Where a server listens.
enum Endpoint: Equatable, CustomStringConvertible {
    case unix(String)
    case inet(UInt16)
    /// A port of `::1`.
    case inet6(UInt16)

    /// As in the daemon's log and in Postfix's main.cf: `unix:PATH`, `inet:127.0.0.1:PORT`, `inet:[::1]:PORT`.
    var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .inet(let port): "inet:127.0.0.1:\(port)"
        case .inet6(let port): "inet:[::1]:\(port)"
        }
    }

    /// A new stream socket of its family, which closes on exec.
    func makeSocket() throws -> Int32 {
        let family =
            switch self {
            case .unix: AF_UNIX
            case .inet: AF_INET
            case .inet6: AF_INET6
            }
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw HarnessError.system("socket") }
        return descriptor
    }

    /// Calls `body` with its socket address.
    func withAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) throws -> Result {
        switch self {
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
                throw HarnessError("\(path): too long for a socket")
            }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            return pass(address, to: body)
        case .inet(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            return pass(address, to: body)
        case .inet6(let port):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            return pass(address, to: body)
        }
    }

    private func pass<Address, Result>(
        _ address: Address, to body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}

/// A blocking client connection; each call gives up after the time-out.
final class StreamSocket {
    private var descriptor: Int32

    init(to endpoint: Endpoint, timeout: TimeInterval = patience) throws {
        descriptor = try endpoint.makeSocket()
        setTimeout(timeout)
        guard try endpoint.withAddress({ connect(descriptor, $0, $1) }) == 0 else {
            let error = HarnessError.system("connect \(endpoint)")
            close()
            throw error
        }
        // Small writes go out at once, as Postfix's do.
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        close()
    }

    func close() {
        if descriptor >= 0 {
            Foundation.close(descriptor)
            descriptor = -1
        }
    }

    /// From now on calls give up after so many seconds.
    func setTimeout(_ seconds: TimeInterval) {
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int((seconds - seconds.rounded(.down)) * 1_000_000))
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { bytes in
                Foundation.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw HarnessError.system("send") }
            rest = rest.dropFirst(count)
        }
    }

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// What the other side sent: some bytes, none at the end of the stream, or nil when the time is up.
    func receive(_ limit: Int = 65_536) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: limit)
        while true {
            let count = recv(descriptor, &buffer, limit, 0)
            if count >= 0 {
                return Array(buffer[..<count])
            }
            if errno == EAGAIN {
                return nil
            }
            guard errno == EINTR else { throw HarnessError.system("recv") }
        }
    }
}
