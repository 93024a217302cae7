import Foundation
import TestSupport
import Testing

@testable import RedisLab

/// The servers that other tests start: they serve, and nothing of them stays.
@Suite("The lab", .timeLimit(.minutes(5)))
struct LabTests {
    @Test(
        "A server serves, and leaves neither process nor directory",
        arguments: [
            ("plain", RedisOptions.plain), ("unix", .unix), ("tls", .tls),
            ("client certificates", .tls(clientCertificates: true)),
            ("requirepass", .plain.requirepass(#"a "b\c"#)), ("acl", .tls.acl("tprt", password: "p", rules: "~* +get")),
        ])
    func serves(_ name: String, _ options: RedisOptions) async throws {
        let (pid, directory) = try await withServer(options) { server async throws in
            #expect(try await server.command("PING") == "PONG")
            #expect(isAlive(server.pid))
            #expect(FileManager.default.fileExists(atPath: server.directory.path))
            #expect((server.port == 0) == (name == "unix"))
            return (server.pid, server.directory.path)
        }
        #expect(!isAlive(pid))
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test("Nothing stays when the test throws, is cancelled, or forgets")
    func leavesNothing() async throws {
        let left = Locked<[(pid: Int32, directory: String)]>([])
        let failing = Task {
            try await withServer { server in
                left.withLock { $0.append((server.pid, server.directory.path)) }
                throw TestError("as planned")
            }
        }
        let cancelled = Task {
            try await withServer { server in
                left.withLock { $0.append((server.pid, server.directory.path)) }
                let (never, source) = AsyncStream.makeStream(of: Void.self)
                for await _ in never {}
                withExtendedLifetime(source) {}
                try Task.checkCancellation()
            }
        }
        let forgetting = Task {
            let server = try await RedisServer.start()
            left.withLock { $0.append((server.pid, server.directory.path)) }
        }
        await #expect(throws: TestError.self) { try await failing.value }
        try await forgetting.value
        try await waitUntil("all have started") { left.withLock(\.count) == 3 }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        for (pid, directory) in left.withLock({ $0 }) {
            try await waitUntil("it is gone") { !isAlive(pid) }
            #expect(!FileManager.default.fileExists(atPath: directory))
        }
    }

    @Test("Who may do what")
    func users() async throws {
        let alice = RedisUser("alice", password: "a b")
        let options = RedisOptions.unix.acl(alice.name, password: alice.password, rules: "~a:* +set +get")
        try await withServer(options) { server async throws in
            #expect(try await server.command("SET", "a:1", "x", as: alice) == "OK")
            await #expect(throws: TestError.self) { try await server.command("SET", "b:1", "x", as: alice) }
            await #expect(throws: TestError.self) {
                try await server.command("GET", "a:1", as: RedisUser(alice.name, password: "wrong"))
            }
            #expect(try await server.command("DBSIZE") == "1")
        }
        try await withServer(.plain.requirepass("secret")) { server async throws in
            #expect(try await server.command("SET", "k", "v", as: RedisUser(password: "secret")) == "OK")
            await #expect(throws: TestError.self) {
                try await server.command("GET", "k", as: RedisUser(password: "wrong"))
            }
            await #expect(throws: TestError.self) {
                try await run(["redis-cli", "-e", "-p", "\(server.port)", "GET", "k"])
            }
        }
    }

    @Test("Certificates: the right ones are taken, the foreign ones refused")
    func certificates() async throws {
        try await withServer(.tls(clientCertificates: true)) { server in
            let made = try #require(server.certificates)
            func ping(_ authority: String, _ client: Certificates.KeyPair?) async throws {
                var command = ["redis-cli", "-e", "-p", "\(server.port)", "--tls", "--cacert", authority]
                if let client { command += ["--cert", client.certificate, "--key", client.key] }
                try await run(command + ["PING"])
            }
            try await ping(made.authority, made.client)
            await #expect(throws: TestError.self) { try await ping(made.foreignAuthority, made.client) }
            await #expect(throws: TestError.self) { try await ping(made.authority, made.foreignClient) }
            await #expect(throws: TestError.self) { try await ping(made.authority, nil) }
            for name in [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"]] {
                try await run(
                    ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", made.authority] + name
                        + [made.server.certificate])
            }
        }
    }

    @Test("It stops and starts again at the same place, pauses, and takes lines of configuration")
    func control() async throws {
        for options in [RedisOptions.plain, .unix] {
            try await withServer(options.adding("maxmemory 1mb", "maxmemory-policy noeviction")) { server in
                #expect(try await server.command("CONFIG", "GET", "maxmemory") == "maxmemory\n1048576")
                try await server.command("SET", "k", "v")
                let first = server.pid
                await server.kill()
                #expect(!server.isRunning && !isAlive(first))
                await #expect(throws: TestError.self) { try await server.command("PING") }
                try await server.restart()
                #expect(server.pid != first)
                #expect(try await server.command("GET", "k") == "")
                try await server.pause()
                try await waitUntil("it has stopped") {
                    try String(contentsOfFile: "/proc/\(server.pid)/stat", encoding: .utf8).contains(") T ")
                }
                let answer = Task { try await server.command("PING") }
                try server.resume()
                #expect(try await answer.value == "PONG")
                // Also a paused one ends.
                try await server.pause()
                await server.stop()
                #expect(!server.isRunning)
            }
        }
    }

    @Test("Many servers at once")
    func many() async throws {
        let servers = try await RedisServer.start(16, .plain)
        #expect(Set(servers.map(\.port)).count == 16)
        for server in servers {
            #expect(try await server.command("PING") == "PONG")
        }
        await RedisServer.remove(servers)
        #expect(servers.allSatisfy { !isAlive($0.pid) && !FileManager.default.fileExists(atPath: $0.directory.path) })
    }

    @Test("Sentinels choose another master, and take the former one back", arguments: [nil, "pass word"])
    func sentinels(_ password: String?) async throws {
        let sentinelPassword = password.map { "sentinel " + $0 }
        let all = try await withSentinels(password: password, sentinelPassword: sentinelPassword) { lab in
            #expect(try await lab.masterPort() == lab.master.port)
            if let sentinelPassword {
                let user = RedisUser(password: sentinelPassword)
                #expect(try await lab.sentinels[0].command("PING", as: user) == "PONG")
                await #expect(throws: TestError.self) {
                    try await run(["redis-cli", "-e", "-p", "\(lab.sentinels[0].port)", "PING"])
                }
            }
            try await lab.master.command("SET", "k", "v")
            try await waitUntil("the replica has it") { try await lab.replica.command("GET", "k") == "v" }
            await lab.master.kill()
            #expect(try await lab.waitForMaster(otherThan: lab.master) === lab.replica)
            #expect(try await lab.replica.command("GET", "k") == "v")
            try await lab.master.restart()
            try await lab.waitUntilReady()
            #expect(try await lab.master.info("role", in: "replication") == "slave")
            #expect(try await lab.master.command("GET", "k") == "v")
            return lab.servers + lab.sentinels
        }
        #expect(all.allSatisfy { !isAlive($0.pid) && !FileManager.default.fileExists(atPath: $0.directory.path) })
    }

    @Test("A cluster moves slots in stages and survives a master", arguments: [nil, "secret"])
    func cluster(_ password: String?) async throws {
        let all = try await withCluster(password: password) { cluster in
            let nodes = try await cluster.nodes()
            #expect(nodes.filter(\.isMaster).count == 3 && nodes.filter(\.isReplica).count == 3)
            let keys = ["{tag}a", "{tag} \"b\n", "{tag}ü", "{tag}d"]
            let slot = try await cluster.slot(of: keys[0])
            let owner = try await cluster.master(of: slot)
            for key in keys { try await owner.command("SET", key, "v") }

            let migration = try await cluster.migration(of: slot)
            #expect(migration.source === owner)
            try await migration.begin()
            #expect(try await migration.moveKeys(2) == 2)
            var asked = 0
            for key in keys {
                do { try await owner.command("GET", key) } catch let error as TestError {
                    #expect(error.description.contains("ASK \(slot) 127.0.0.1:\(migration.target.port)"))
                    asked += 1
                }
            }
            #expect(asked == 2)
            #expect(try await migration.moveKeys() == 2)
            try await migration.finish()
            #expect(try await cluster.master(of: slot) === migration.target)
            for key in keys { #expect(try await migration.target.command("GET", key) == "v") }
            await #expect(throws: TestError.self) { try await owner.command("GET", keys[0]) }

            let heir = try await cluster.killMaster(migration.target)
            #expect(try await cluster.master(of: slot) === heir)
            #expect(try await heir.command("GET", keys[0]) == "v")
            try await migration.target.restart()
            try await cluster.waitUntilReady()
            #expect(try await cluster.nodes().filter(\.isReplica).count == 3)
            return cluster.servers
        }
        #expect(all.allSatisfy { !isAlive($0.pid) && !FileManager.default.fileExists(atPath: $0.directory.path) })
    }
}

/// Whether there is such a process, be it a zombie.
private func isAlive(_ pid: Int32) -> Bool {
    FileManager.default.fileExists(atPath: "/proc/\(pid)")
}

@Suite("The lab's proxy", .timeLimit(.minutes(2)))
struct ProxyLabTests {
    @Test("It passes on what many say, and counts them")
    func passes() async throws {
        try await withServer { server in
            try await withProxy(to: server) { proxy in
                var clients = try (0..<200).map { _ in try Client(proxy) }
                for (number, client) in clients.enumerated() {
                    client.send("ECHO \(number)\r\n")
                }
                for (number, client) in clients.enumerated() {
                    #expect(
                        try await client.receive(until: "\r\n\(number)\r\n") == "$\("\(number)".count)\r\n\(number)\r\n"
                    )
                }
                #expect(proxy.connectionsSeen == 200 && proxy.connectionsOpen == 200)
                let big = String(repeating: "x", count: 3_000_000)
                clients[0].send("*2\r\n$4\r\nECHO\r\n$\(big.count)\r\n\(big)\r\n")
                #expect(try await clients[0].receive(until: "x\r\n").count == "$\(big.count)\r\n\(big)\r\n".count)
                clients.removeLast(199)
                try await waitUntil("they are gone") { proxy.connectionsOpen == 1 }
                // Who is told to go is told so through the proxy, too.
                clients[0].send("QUIT\r\n")
                #expect(try await clients[0].receive(until: nil) == "+OK\r\n")
            }
        }
    }

    @Test("Latency, blackhole, dribble")
    func slows() async throws {
        try await withServer { server in
            try await withProxy(to: server) { proxy in
                let client = try Client(proxy)
                proxy.latency = .milliseconds(300)
                let begin = ContinuousClock.now
                client.send("PING\r\n")
                #expect(try await client.receive(until: "\n") == "+PONG\r\n")
                #expect(ContinuousClock.now - begin >= .milliseconds(300))

                proxy.latency = .zero
                proxy.blackhole = true
                client.send("PING\r\n")
                let other = try Client(proxy)
                other.send("ECHO x\r\n")
                try await Task.sleep(for: .milliseconds(200))
                #expect(client.available() == "" && other.available() == "")
                proxy.blackhole = false
                #expect(try await client.receive(until: "\n") == "+PONG\r\n")
                #expect(try await other.receive(until: "x\r\n") == "$1\r\nx\r\n")

                proxy.dribble = .milliseconds(20)
                client.send("PING\r\n")
                let asked = ContinuousClock.now
                #expect(try await client.receive(until: "\n") == "+PONG\r\n")
                // Six pauses between seven bytes.
                #expect(ContinuousClock.now - asked >= .milliseconds(120))
            }
        }
    }

    @Test("Cut, refused, half a reply")
    func breaks() async throws {
        try await withServer { server in
            try await withProxy(to: server) { proxy in
                let first = try Client(proxy)
                first.send("PING\r\n")
                #expect(try await first.receive(until: "\n") == "+PONG\r\n")
                try await proxy.refuse(true)
                await #expect(throws: TestError.self) { try await Client(proxy).receive(until: nil) }
                first.send("PING\r\n")
                #expect(try await first.receive(until: "\n") == "+PONG\r\n")
                try await proxy.refuse(false)
                let other = try Client(proxy)
                try await proxy.cut()
                for client in [first, other] {
                    await #expect(throws: TestError.self) { try await client.receive(until: nil) }
                }

                let client = try Client(proxy)
                proxy.truncateNextReply(then: .wait)
                client.send("ECHO abcdef\r\n")
                #expect(try await client.receive(until: "ab") == "$6\r\nab")
                client.send("PING\r\n")
                try await Task.sleep(for: .milliseconds(100))
                #expect(client.available() == "")
                try await proxy.release()
                #expect(try await client.receive(until: "PONG\r\n") == "cdef\r\n+PONG\r\n")

                proxy.truncateNextReply(after: 3, then: .cut)
                client.send("PING\r\n")
                let error = try await #require(throws: TestError.self) { try await client.receive(until: "\n") }
                #expect(error.description.contains("+PO"))

                await server.kill()
                await #expect(throws: TestError.self) { try await Client(proxy).receive(until: nil) }
                try await server.restart()
                let last = try Client(proxy)
                last.send("PING\r\n")
                #expect(try await last.receive(until: "\n") == "+PONG\r\n")
                await proxy.stop()
                await #expect(throws: TestError.self) { try await proxy.cut() }
            }
        }
    }
}

/// A client of a proxy that doesn't block.
private final class Client: Sendable {
    private let descriptor: Int32

    init(_ proxy: RedisProxy) throws {
        descriptor = try Loopback.connect(to: proxy.port)
        // The connection is there when it can be written to.
        var ready = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
        poll(&ready, 1, 1_000)
    }

    deinit { Loopback.close(descriptor) }

    /// Sends all of `text`; a thread of its own isn't worth it.
    func send(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno != EAGAIN { return }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    /// What has come.
    func available() -> String {
        (try? take()) ?? ""
    }

    /// Waits for a text with this end, or for the end of the stream; throws if the connection breaks.
    func receive(until end: String?) async throws -> String {
        var text = ""
        try await waitUntil("\(end ?? "the end") after \(text.suffix(80))", every: .milliseconds(2)) {
            do {
                guard let more = try take() else { return end == nil }
                text += more
            } catch {
                throw TestError("\(error) after \(text)")
            }
            return end.map { text.utf8.suffix($0.utf8.count).elementsEqual($0.utf8) } ?? false
        }
        return text
    }

    /// What has come; nil at the end of the stream.
    private func take() throws -> String? {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count == 0 { return nil }
        guard count > 0 || errno == EAGAIN else { throw TestError.system("recv") }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
