import Foundation
import Glibc

/// The socket of a service manager, at a path in a temporary folder or with an abstract name.
final class NotifyReader: Sendable {
    let address: String
    private let descriptor: CInt

    init(isAbstract: Bool = false) throws {
        let name = "/tmp/tprt-notify-\(UUID().uuidString)"
        address = isAbstract ? "@" + name : name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var path = sockaddr_un()
        path.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &path.sun_path) { bytes in
            bytes.copyBytes(from: address.utf8)
            if isAbstract { bytes[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + address.utf8.count)
        let code = withUnsafePointer(to: path) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard code == 0 else { throw Client.Fault(description: "bind: \(String(cString: strerror(errno)))") }
    }

    deinit {
        close(descriptor)
        unlink(address)
    }

    /// The next notice that has come already.
    func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// All notices that have come already.
    func all() -> [String] {
        var notices: [String] = []
        while let notice = next() { notices.append(notice) }
        return notices
    }

    /// Waits for a notice, at most a minute; whether it came.
    func hears(_ notice: String) async -> Bool {
        for _ in 0..<6_000 {
            while let heard = next() { if heard == notice { return true } }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
