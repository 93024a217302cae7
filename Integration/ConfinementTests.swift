import Foundation
import RedisLab
import TestSupport
import Testing

/// The daemon under the restrictions of tprtd.service, where a forbidden system call ends it.
@Suite("Confined as by systemd", .blocking)
struct ConfinementTests {
    private let request = PolicyRequest(sender: "a@sender.example")

    /// `scripts/confine` with the unit.
    private static let prefix: [String] = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return ["scripts/confine", "packaging/systemd/tprtd.service"].map { root.appending(path: $0).path }
    }()

    @Test("A forbidden call ends the process", arguments: ["unshare --user true", "chroot / true", "chown 0 /"])
    func isConfined(command: String) throws {
        let output = try LineReader()
        defer { close(output.writeEnd) }
        let child = try ChildProcess.start(
            Self.prefix + ["/bin/sh", "-c", command], output: output.writeEnd, errors: output.writeEnd)
        defer { child.end() }
        // As the shell tells of its child's end by SIGSYS, or its own where it executes the last command itself.
        let ending = try child.wait()
        #expect(ending == .killed(by: SIGSYS) || ending == .exited(128 + SIGSYS))
    }

    @Test("It starts after an unclean end, serves, reloads, feeds the watchdog and stops")
    func serves() throws {
        try withLab { lab in
            let manager = try NotifyReader(at: lab.directory.file("notify"))
            let whitelist = try lab.directory.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            // The database is looked at in a forked process then.
            let killed = try lab.start()
            #expect(try killed.ask(request).isGreylisted)
            try killed.kill()

            let endpoints = [lab.unixEndpoint, .inet(try Ports.free())]
            let more = "server.listen=[\"inet:localhost:\(endpoints[1].description.split(separator: ":")[2])\"]"
            let daemon = try lab.launch(
                lab.arguments(at: endpoints[0], delay: 300, whitelist: whitelist)
                    + ["-i", more, "-i", "server.threads=2", "-i", "service.store_fallback=memory"],
                listeningAt: endpoints,
                variables: [manager.variable, "WATCHDOG_USEC=200000", "LIBDISPATCH_LOG=stderr"], prefix: Self.prefix)
            try manager.wait(for: "READY=1")
            let client = try daemon.client()
            #expect(try client.ask(request).isGreylisted)
            #expect(try daemon.waitForDecision { _ in true }.isEarlyRetry)
            // So many that the file of the database grows.
            for number in 0..<2_000 {
                #expect(try client.ask(.numbered(number)).isGreylisted)
            }
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("the reload") { $0.hasPrefix("whitelists reloaded") }
            // libdispatch says so when a thread can't be set to the niceness that it has.
            #expect(!daemon.lines.contains { $0.contains("thread priority") && $0.hasSuffix("errno=1") })
            try manager.wait(for: "WATCHDOG=1", after: manager.notices.count)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("It serves from Redis, by a name that it has to look up")
    func redis() async throws {
        try await withServer(.plain) { server in
            try withLab { lab in
                let url = "redis-tcp://localhost:\(server.port)/?db=0"
                let daemon = try lab.launch(
                    lab.arguments(at: lab.unixEndpoint, delay: 300)
                        + ["-i", "service.grey_db=\(url)", "-i", "service.awl_db=\(url)"],
                    listeningAt: [lab.unixEndpoint], prefix: Self.prefix)
                try daemon.waitUntilReady()
                // Until the connection is made, mail passes.
                try eventually("Redis is asked") { try daemon.ask(request).isGreylisted ? () : nil }
                #expect(try daemon.terminate() == .exited(0))
            }
        }
    }
}
