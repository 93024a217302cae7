import Foundation
import TestSupport

/// A real Unbound on a port of 127.0.0.1, which knows a few names and asks nobody.
final class Unbound {
    let port: UInt16
    let process: ChildProcess
    private let directory: TemporaryDirectory

    /// Starts it, and waits until it listens.
    ///
    /// - Parameter records: as in a zone file, all below `example.`
    init(_ records: [String]) throws {
        let (directory, port) = (try TemporaryDirectory(), try Ports.free())
        let lines = [
            "server:", "interface: 127.0.0.1@\(port)", "do-ip6: no", "username: \"\"", "chroot: \"\"",
            "directory: \"\(directory.path)\"", "pidfile: \"\"", "use-syslog: no", "module-config: \"iterator\"",
            "num-threads: 1", "access-control: 127.0.0.0/8 allow", "do-not-query-localhost: no", "root-hints: \"\"",
            "local-zone: \"example.\" static", "local-zone: \"2.0.192.in-addr.arpa.\" static",
        ]
        let data = records.map { "local-data: '\($0)'" }
        let text = (lines + data + ["remote-control:", "control-enable: no", ""]).joined(separator: "\n")
        try Data(text.utf8).write(to: URL(filePath: directory.file("unbound.conf")))
        process = try ChildProcess.start(["/usr/sbin/unbound", "-d", "-p", "-c", directory.file("unbound.conf")])
        (self.directory, self.port) = (directory, port)
        try eventually("unbound to listen") { () -> Void? in
            guard let descriptor = try? Endpoint.inet(port).makeSocket() else { return nil }
            defer { close(descriptor) }
            return try Endpoint.inet(port).withAddress { connect(descriptor, $0, $1) } == 0 ? () : nil
        }
    }

    /// As `dns_servers` has it.
    var address: String { "127.0.0.1:\(port)" }

    /// Stops or continues it: it is there, and silent.
    func pause(_ isPaused: Bool) {
        kill(process.id, isPaused ? SIGSTOP : SIGCONT)
    }

    deinit {
        process.end()
    }
}
