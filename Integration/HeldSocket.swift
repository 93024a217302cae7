import Foundation

/// A listening socket that a test holds and hands to daemons, as the socket unit of systemd does.
///
/// While no daemon runs, connections wait in it.
final class HeldSocket {
    let endpoint: Endpoint
    let name: String
    /// Far above the numbers at which descriptors are handed over.
    let descriptor: Int32

    init(at endpoint: Endpoint, name: String = "policy", listens: Bool = true) throws {
        self.endpoint = endpoint
        self.name = name
        let socket = try endpoint.makeSocket()
        defer { Foundation.close(socket) }
        var one: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard try endpoint.withAddress({ bind(socket, $0, $1) }) == 0, !listens || listen(socket, 1_024) == 0 else {
            throw HarnessError.system("bind \(endpoint)")
        }
        if case .unix(let path) = endpoint { _ = chmod(path, 0o666) }
        descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 64)
        guard descriptor >= 0 else { throw HarnessError.system("fcntl") }
    }

    deinit {
        Foundation.close(descriptor)
    }

    /// The beginning of a command: what follows gets these sockets, and the variables that tell of them.
    static func launcher(of sockets: [HeldSocket]) -> [String] {
        let names = sockets.map(\.name).joined(separator: ":")
        return [
            "/bin/sh", "-c",
            "LISTEN_PID=$$ LISTEN_FDS=\(sockets.count) LISTEN_FDNAMES=\(names) exec \"$0\" \"$@\"",
        ]
    }
}
