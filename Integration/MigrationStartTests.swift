import Foundation
import TestSupport
import Testing

/// What TPRT 0.9.3 leaves behind.
@Suite("After TPRT 0.9.3", .blocking)
struct MigrationStartTests {
    @Test("A port that connections of the server before keep is waited for")
    func port() throws {
        try withLab { lab in
            let port = try Ports.free()
            try leaveConnection(at: UInt16(port))
            let endpoint = Endpoint.inet(port)
            let start = uptime()
            let daemon = try lab.launch(lab.arguments(at: endpoint, delay: 300), listeningAt: [endpoint])
            let line = "no process listens there, but connections of the previous server hold the port"
            try daemon.waitForLine("what it waits for") { $0.contains("inet:127.0.0.1:\(port): \(line)") }
            _ = try eventually("it listens", within: 80, every: 0.2) {
                daemon.process.poll() == nil ? try? StreamSocket(to: endpoint) : nil
            }
            #expect(uptime() - start < 75)
            #expect(try daemon.ask(PolicyRequest(sender: "a@sender.example")).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    /// Serves one connection without SO_REUSEADDR, closes it first, and ends: the port is kept for a minute.
    private func leaveConnection(at port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let (server, client) = (
            socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        )
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isDone = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                bind(server, target, length) == 0 && listen(server, 1) == 0 && connect(client, target, length) == 0
            }
        }
        guard isDone else { throw TestError.system("a server at \(port)") }
        let accepted = accept(server, nil, nil)
        close(accepted)
        // The client ends when it has seen the server's end, so the port is held on the server's side.
        var byte: UInt8 = 0
        guard read(client, &byte, 1) == 0 else { throw TestError.system("the end of a connection to \(port)") }
        close(client)
        close(server)
    }

    @Test(
        "Its PID file, zero bytes as many as its number says, is stale; a file of notes is refused by --check-config, too"
    )
    func pidFile() throws {
        try withLab { lab in
            let path = try lab.directory.write(String(repeating: "\0", count: 4_711), to: "tprt.pid")
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300) + ["--pid_file_path", path]
            let check = try lab.launch(arguments + ["--check-config"], listeningAt: [])
            #expect(try check.waitForEnd() == .exited(0), "\(check.lines)")
            let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
            try daemon.waitUntilReady()
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "\(daemon.process.id)\n")
            #expect(try daemon.terminate() == .exited(0))

            try lab.directory.write("\0\0notes", to: "tprt.pid")
            for extra in [[], ["--check-config"]] {
                let refused = try lab.launch(arguments + extra, listeningAt: [])
                #expect(try refused.waitForEnd() == .exited(73))
                #expect(
                    refused.lines.joined().contains("\(path): holds something else than a number"), "\(refused.lines)")
            }
        }
    }

    @Test("A database that is still root's stops it, and the message says how to give it away")
    func database() throws {
        try withLab { lab in
            let state = try lab.directory.makeDirectory("state")
            try give(state, to: account("daemon"))
            for (scheme, name) in [("lmdb", "x.db"), ("gdbm", "greylistdb")] {
                let path = try lab.directory.write("", to: "state/\(name)")
                chmod(path, 0o600)
                let daemon = try lab.launch(
                    lab.arguments(at: lab.unixEndpoint, delay: 300)
                        + ["-i", "service.grey_db=\(scheme)://\(path)", "--user", "daemon"],
                    listeningAt: [], allowsRoot: false)
                #expect(try daemon.waitForEnd() == .exited(77))
                #expect(daemon.lines.joined().contains("(chown daemon \(state) \(path)*)"), "\(daemon.lines)")
            }
        }
    }
}
