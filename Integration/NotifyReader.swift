import Foundation

/// The socket on which a service manager hears how its service is doing.
final class NotifyReader {
    private let descriptor: Int32
    /// What goes into the daemon's environment.
    let variable: String
    /// All that was received so far.
    private(set) var notices: [String] = []

    /// A socket at a path, or with a name in the abstract namespace, which begins with `@`.
    init(at address: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw HarnessError.system("socket") }
        variable = "NOTIFY_SOCKET=\(address)"
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(address.utf8)
        withUnsafeMutableBytes(of: &name.sun_path) { path in
            path.copyBytes(from: bytes)
            if address.hasPrefix("@") { path[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let code = withUnsafePointer(to: name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard code == 0 else { throw HarnessError.system("bind \(address)") }
    }

    deinit {
        close(descriptor)
    }

    /// Waits for a notice that begins so, after the first `skipped` ones.
    @discardableResult
    func wait(for beginning: String, after skipped: Int = 0) throws -> String {
        try eventually("the notice \(beginning)") {
            receive()
            return notices.dropFirst(skipped).first { $0.hasPrefix(beginning) }
        }
    }

    /// Takes what has come by now.
    func receive() {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while case let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)), count > 0 {
            notices.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
    }
}
