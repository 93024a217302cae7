import Foundation
import TestSupport

/// A syslog daemon of a test's own: a unix datagram socket, or UDP on 127.0.0.1.
final class LogReceiver {
    /// Where it listens, as `log_syslog_dest` names it.
    let destination: String
    private let descriptor: Int32

    /// Listens at that path.
    init(path: String) throws {
        descriptor = try Self.socket(AF_UNIX)
        destination = path
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try Self.bind(descriptor, &address)
    }

    /// Listens at a free port.
    init() throws {
        descriptor = try Self.socket(AF_INET)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        try Self.bind(descriptor, &address)
        destination = "127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    }

    deinit {
        close(descriptor)
    }

    /// Waits for a message that holds a text, past those that don't.
    func message(with text: String, within limit: TimeInterval = patience) throws -> String {
        try eventually("a message with \(text)", within: limit, every: 0) {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard Foundation.poll(&poll, 1, 100) == 1 else { return nil }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            guard count >= 0 else { throw TestError.system("recv") }
            let message = String(decoding: bytes.prefix(count), as: UTF8.self)
            return message.contains(text) ? message : nil
        }
    }

    private static func socket(_ family: Int32) throws -> Int32 {
        let descriptor = Foundation.socket(family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestError.system("socket") }
        return descriptor
    }

    /// Binds, and writes back the address that was given.
    private static func bind<Address>(_ descriptor: Int32, _ address: inout Address) throws {
        var length = socklen_t(MemoryLayout<Address>.size)
        let code = withUnsafeMutableBytes(of: &address) { bytes in
            guard let name = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return Int32(-1) }
            return Foundation.bind(descriptor, name, length) == 0 ? getsockname(descriptor, name, &length) : -1
        }
        guard code == 0 else { throw TestError.system("bind") }
    }
}
