public import Foundation

/// Where a server listens.
public enum Endpoint: Equatable, Sendable, CustomStringConvertible {
    /// The path of a unix socket.
    case unix(String)
    /// A port of `127.0.0.1`.
    case inet(UInt16)
    /// A port of `::1`.
    case inet6(UInt16)

    /// As in the daemon's log and in Postfix's main.cf: `unix:PATH`, `inet:127.0.0.1:PORT`, `inet:[::1]:PORT`.
    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .inet(let port): "inet:127.0.0.1:\(port)"
        case .inet6(let port): "inet:[::1]:\(port)"
        }
    }

    /// A new stream socket of its family, which closes on exec.
    public func makeSocket(blocks: Bool = true) throws -> Int32 {
        let family =
            switch self {
            case .unix: AF_UNIX
            case .inet: AF_INET
            case .inet6: AF_INET6
            }
        let flags = SOCK_CLOEXEC.rawValue | (blocks ? 0 : SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | flags), 0)
        guard descriptor >= 0 else { throw TestError.system("socket") }
        return descriptor
    }

    /// A new socket that is bound to it, and listens unless `backlog` is nil.
    public func listen(backlog: Int32? = 1_024, blocks: Bool = true) throws -> Int32 {
        let descriptor = try makeSocket(blocks: blocks)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard try withAddress({ bind(descriptor, $0, $1) }) == 0,
            backlog.map({ Foundation.listen(descriptor, $0) == 0 }) ?? true
        else {
            let error = TestError.system("bind \(self)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Calls `body` with its socket address.
    public func withAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) throws -> Result {
        switch self {
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
                throw TestError("\(path): too long for a socket")
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

/// Free ports of the loopback address, each given out once.
///
/// They lie below the range from which the kernel takes ports for outgoing connections (and for "port 0"): a port
/// of that range, free now, may be some client's a moment later, before the server of the test has bound it.
public enum Ports {
    private static let given = Locked<Set<UInt16>>([])

    /// A port that is free on 127.0.0.1, or where `endpoint` says.
    public static func free(at endpoint: (UInt16) -> Endpoint = Endpoint.inet) throws -> UInt16 {
        // Bound only: a process that is started just now has a copy of the descriptor until it runs its program,
        // and nobody could bind the port meanwhile if that listened.
        let (port, descriptor) = try bound(at: endpoint, backlog: nil)
        close(descriptor)
        return port
    }

    /// Such a port, and a socket that listens on it.
    public static func listening(
        at endpoint: (UInt16) -> Endpoint = Endpoint.inet, blocks: Bool = true
    ) throws -> (port: UInt16, descriptor: Int32) {
        try bound(at: endpoint, backlog: 1_024, blocks: blocks)
    }

    private static func bound(
        at endpoint: (UInt16) -> Endpoint, backlog: Int32?, blocks: Bool = true
    ) throws -> (port: UInt16, descriptor: Int32) {
        for _ in 0..<1_000 {
            let port = UInt16.random(in: 20_000..<32_000)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            guard let descriptor = try? endpoint(port).listen(backlog: backlog, blocks: blocks) else { continue }
            return (port, descriptor)
        }
        throw TestError("no free port")
    }
}
