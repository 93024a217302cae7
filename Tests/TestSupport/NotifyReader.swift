import Foundation

/// The socket on which a service manager hears how its service is doing (sd_notify(3)).
public final class NotifyReader: Sendable {
    /// What goes into the service's environment: a path, or a name in the abstract namespace, which begins with `@`.
    public let address: String
    private let descriptor: Int32
    private let directory: TemporaryDirectory?
    private let received = Locked(Received())

    private struct Received {
        var notices: [String] = []
        var taken = 0
    }

    /// A socket at an address; at a new path without one.
    public init(at given: String? = nil) throws {
        directory = given == nil ? try TemporaryDirectory() : nil
        let address = given ?? directory?.file("notify") ?? ""
        self.address = address
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { path in
            path.copyBytes(from: address.utf8)
            if address.hasPrefix("@") { path[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + address.utf8.count)
        let code = withUnsafePointer(to: name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
    }

    deinit {
        close(descriptor)
        if !address.hasPrefix("@") { unlink(address) }
    }

    /// The variable of the service's environment, with its value.
    public var variable: String { "NOTIFY_SOCKET=\(address)" }

    /// All notices that have come by now.
    public var notices: [String] { received.withLock { read(&$0).notices } }

    /// Those of them that were not taken before.
    public func take() -> [String] {
        received.withLock { received in
            let notices = read(&received).notices.dropFirst(received.taken)
            received.taken += notices.count
            return Array(notices)
        }
    }

    /// Waits for a notice that was not taken before, at most a minute, and takes it and those before it; whether it came.
    public func hears(_ notice: String) async -> Bool {
        for _ in 0..<6_000 {
            let hasCome = received.withLock { received in
                let next = read(&received).notices.dropFirst(received.taken).firstIndex(of: notice)
                if let next { received.taken = next + 1 }
                return next != nil
            }
            if hasCome { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    private func read(_ received: inout Received) -> Received {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while case let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)), count > 0 {
            received.notices.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
        return received
    }
}
