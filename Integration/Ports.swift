import Foundation
import Synchronization

/// Free ports of the loopback address, each given out once.
///
/// They lie below the range from which the kernel takes ports for outgoing connections (and for "port 0"): a port
/// of that range, free now, may be some client's a moment later, before the server of the test has bound it.
enum Ports {
    private static let given = Mutex<Set<UInt16>>([])

    static func free() throws -> UInt16 {
        for _ in 0..<1_000 {
            let port = UInt16.random(in: 20_000..<32_000)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            if let socket = try? ListeningSocket(port: port) {
                socket.close()
                return port
            }
        }
        throw HarnessError("no free port")
    }
}

/// A socket of the test's own that occupies a port of the loopback address.
final class ListeningSocket {
    private var descriptor: Int32

    init(port: UInt16) throws {
        descriptor = streamSocket(AF_INET)
        guard descriptor >= 0 else { throw HarnessError.system("socket") }
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        let bound = withLoopbackAddress(port: port) { bind(descriptor, $0, $1) }
        guard bound == 0, listen(descriptor, 1) == 0 else {
            let error = HarnessError.system("bind 127.0.0.1:\(port)")
            close()
            throw error
        }
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
}

/// A new stream socket that closes on exec.
func streamSocket(_ family: Int32) -> Int32 {
    socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
}

/// Calls `body` with the socket address of a port on 127.0.0.1.
func withLoopbackAddress<Result>(
    port: UInt16,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

/// Calls `body` with the socket address of a unix socket.
func withUnixAddress<Result>(
    path: String,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) throws -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw HarnessError("\(path): too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
