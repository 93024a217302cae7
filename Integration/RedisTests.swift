import Foundation
import RedisLab
import TestSupport
import Testing

/// A daemon whose entries are in Redis.
@Suite("Redis", .blocking)
struct RedisTests {
    private static func settings(_ url: String, _ more: [String] = []) -> [String] {
        ["service.grey_db=\(url)", "service.awl_db=\(url)"].flatMap { ["-i", $0] } + more.flatMap { ["-i", $0] }
    }

    /// What the original kept, in its layout: a first attempt of 400 seconds ago, and a triplet that has passed.
    @Test("The entries of TPRT 0.9.3 are taken over, and it can read ours")
    func original() async throws {
        try await withServer(.plain) { server in
            let triplets = ["a@sender.example", "bounce-4711@sender.example"].map {
                "198.51.100.0/24/\($0)/user@test.invalid"
            }
            let now = Int(Date().timeIntervalSince1970)
            _ = try await server.command("SET", triplets[0], "0,\(now - 400)")
            _ = try await server.command("SET", triplets[1], "4,\(now - 86_400)")
            try withLab { lab in
                let url = "redis-tcp://\(server.host):\(server.port)/?db=0"
                let daemon = try lab.start(extra: Self.settings(url, ["service.hash_grey_db=false"]))
                // While the first connection is made mail waits, but no longer than it may.
                #expect(try daemon.ask(PolicyRequest(sender: "a@sender.example")).addsHeader)
                // It was kept with its number in place; ours has `#` there.
                let known = try daemon.ask(PolicyRequest(sender: "bounce-4711@sender.example"))
                #expect(known == PolicyReply(description: "DUNNO"))
                #expect(try daemon.ask(PolicyRequest(sender: "bounce-4712@sender.example")).passes)
                let new = try daemon.ask(PolicyRequest(sender: "c@sender.example"))
                #expect(new.isGreylisted)
            }
            let record = try await server.command("GET", triplets[0])
            #expect(record.hasPrefix("1,"))
            let life = try await server.command("TTL", triplets[0])
            #expect(try #require(Int(life.trimmingCharacters(in: .whitespacesAndNewlines))) > 3_000_000)
            let ours = try await server.command("GET", "198.51.100.0/24/bounce-#@sender.example/user@test.invalid")
            // The first of the two uses is recorded, since it was found under the other key.
            #expect(ours.hasPrefix("5,"))
            let pending = try await server.command("GET", "198.51.100.0/24/c@sender.example/user@test.invalid")
            #expect(pending.hasPrefix("0,"))
        }
    }

    @Test("Whitelists of TPRT 0.9.3 in Redis are honoured, read anew, and kept while Redis is away")
    func whitelists() async throws {
        try await withServer(.plain) { server in
            for command in [
                ["RPUSH", "whitelists", "alice"], ["RPUSH", "alice", "home", "home"],
                ["HSET", "home", "type", "ipv4_net", "net", "192.0.2.0", "mask", "24"],
            ] { _ = try await server.command(command) }
            try await withLab { lab in
                let sources = "service.wl_sources=[\"redis-tcp://\(server.host):\(server.port)/?db=0\"]"
                let daemon = try lab.start(extra: ["-i", sources])
                let (home, other) = (
                    PolicyRequest(clientAddress: "192.0.2.9", sender: "a@sender.example"),
                    PolicyRequest(clientAddress: "203.0.113.9", sender: "a@sender.example")
                )
                #expect(try daemon.ask(home).passes)
                #expect(try daemon.ask(other).isGreylisted)
                try daemon.waitForLine("the entry") {
                    $0.contains("(entry=redis://") && $0.contains("(alice:home)), client_name=")
                }

                _ = try await server.command(["HSET", "home", "net", "203.0.113.0"])
                try daemon.process.signal(SIGHUP)
                try eventually("the changed whitelist is in force") { try daemon.ask(other).passes ? () : nil }
                await server.stop()
                let written = daemon.lines.count
                try daemon.process.signal(SIGHUP)
                try daemon.waitForLine("the last good reading", after: written) {
                    $0.contains("its last good reading stays (entries: 1)")
                }
                #expect(try daemon.ask(other).passes)
                #expect(try daemon.terminate() == .exited(0))
            }
        }
    }

    @Test("With Redis down it starts, lets mail pass, and connects by itself later")
    func downAtStart() async throws {
        try await withServer(.plain) { server in
            await server.stop()
            try await withLab { lab in
                let daemon = try lab.start(extra: Self.settings("redis://\(server.host):\(server.port)"))
                let request = PolicyRequest(sender: "a@sender.example")
                #expect(try daemon.ask(request) == PolicyReply(description: "DUNNO"))
                try daemon.waitForLine("the fault") { $0.contains("refused") }
                try await server.restart()
                try eventually("it is greylisted", every: 0.2) { try daemon.ask(request).isGreylisted ? () : nil }
                #expect(try daemon.terminate() == .exited(0))
            }
        }
    }

    @Test("However slow Redis is, every answer comes in time")
    func latency() async throws {
        try await withServer(.plain) { server in
            try await withProxy(to: server) { proxy in
                try withLab { lab in
                    let daemon = try lab.start(extra: Self.settings("redis://\(proxy.host):\(proxy.port)"))
                    let warm = PolicyRequest(sender: "warm@sender.example")
                    try eventually("it is connected", every: 0.2) { try daemon.ask(warm).isGreylisted ? () : nil }
                    proxy.latency = .seconds(3)
                    let endpoint = lab.unixEndpoint
                    let longest = try onThreads(10) { thread in
                        let client = try PolicyClient(to: endpoint)
                        defer { client.close() }
                        return try (0..<20).map { number in
                            let start = uptime()
                            let reply = try client.ask(.numbered(number, series: "t\(thread)x"))
                            if !reply.passes, !reply.isGreylisted { throw TestError("\(reply)") }
                            return uptime() - start
                        }.max() ?? 0
                    }
                    #expect(try #require(longest.max()) < 5)
                    proxy.latency = .zero
                    let request = PolicyRequest(sender: "b@sender.example")
                    try eventually("Redis is asked again", every: 0.2) {
                        try daemon.ask(request).isGreylisted ? () : nil
                    }
                }
            }
        }
    }

    @Test("Two servers that share a Redis never both find a triplet new, or see it pass the first time")
    func twoServers() async throws {
        try await withServer(.plain) { server in
            try withLab { lab in
                let count = 100
                let endpoints = [lab.unixEndpoint, Endpoint.unix(lab.directory.file("second.sock"))]
                let daemons = try endpoints.map { endpoint in
                    let arguments = lab.arguments(at: endpoint, delay: 1)
                    let url = "redis://\(server.host):\(server.port)"
                    return try lab.launch(arguments + Self.settings(url), listeningAt: [endpoint])
                }
                for daemon in daemons {
                    try daemon.waitUntilReady()
                    let warm = PolicyRequest(sender: "warm@sender.example")
                    try eventually("it is connected", every: 0.2) {
                        try daemon.ask(warm) != PolicyReply(description: "DUNNO") ? () : nil
                    }
                }
                func round() throws -> [[PolicyReply]] {
                    try onThreads(2) { thread in
                        let client = try PolicyClient(to: endpoints[thread])
                        defer { client.close() }
                        return try (0..<count).map { number in
                            var request = PolicyRequest.numbered(number)
                            request.instance = "message \(number)"
                            return try client.ask(request)
                        }
                    }
                }
                let first = try round()
                #expect(first.joined().allSatisfy { $0.isGreylisted || $0.passes })
                let found = try daemons.map { daemon in
                    _ = try daemon.waitForDecision { $0["recipient"] == "r\(count - 1)@test.invalid" }
                    return daemon.decisions.count { $0["reason"] == "new" && $0["sender"]?.hasPrefix("s") == true }
                }
                #expect(found.reduce(0, +) == count)
                Thread.sleep(forTimeInterval: 2.5)
                let second = try round()
                #expect(second.allSatisfy { $0.allSatisfy { $0.passes } })
                let headers = (0..<count).map { number in (first + second).count { $0[number].addsHeader } }
                #expect(headers == Array(repeating: 1, count: count))
            }
        }
    }

    @Test("Where Redis takes no more, mail passes, even if a store that fails defers it")
    func full() async throws {
        try await withServer(.plain) { server in
            try await withLab { lab in
                let url = "redis://\(server.host):\(server.port)"
                let daemon = try lab.start(extra: Self.settings(url, ["service.on_store_error=defer"]))
                let known = PolicyRequest(sender: "known@sender.example")
                #expect(try daemon.ask(known).isGreylisted)
                _ = try await server.command("CONFIG", "SET", "maxmemory", "1")
                let request = PolicyRequest(sender: "a@sender.example")
                #expect(try daemon.ask(request) == PolicyReply(description: "DUNNO"))
                try daemon.waitForLine("the fault") { $0.contains("OOM") }
                _ = try await server.command("CONFIG", "SET", "maxmemory", "0")
                try eventually("it is greylisted", every: 0.2) { try daemon.ask(request).isGreylisted ? () : nil }
            }
        }
    }

    @Test("A password is read from its file, and shown nowhere")
    func password() async throws {
        let rules = "~tprt:* +get +set +del +eval +evalsha +scan +ttl +ping +select +role +info +client|setname"
        try await withServer(.plain.acl("tprt", password: "s3cret pass", rules: rules)) { server in
            try await withLab { lab in
                let file = lab.directory.file("password")
                try Data("s3cret pass\n".utf8).write(to: URL(fileURLWithPath: file))
                let prefix = ["service.key_prefix=tprt:"]
                let url = "redis://tprt@\(server.host):\(server.port)?password_file=\(file)"
                let daemon = try lab.start(extra: Self.settings(url, prefix))
                #expect(try daemon.ask(PolicyRequest(sender: "a@sender.example")).isGreylisted)
                #expect(try daemon.terminate() == .exited(0))
                #expect(try await server.command("KEYS", "*").hasPrefix("tprt:"))

                let wrong = "redis://tprt:wr0ng@\(server.host):\(server.port)"
                let stranger = try lab.start(extra: Self.settings(wrong, prefix))
                #expect(try stranger.ask(PolicyRequest(sender: "a@sender.example")).passes)
                try stranger.waitForLine("the fault") { $0.contains("WRONGPASS") }
                #expect(try stranger.terminate() == .exited(0))
                #expect(stranger.lines.count { $0.contains("WRONGPASS") } <= 2)
                #expect(!stranger.lines.contains { $0.contains("wr0ng") })
                #expect(!daemon.lines.contains { $0.contains("s3cret") })
            }
        }
    }
}
