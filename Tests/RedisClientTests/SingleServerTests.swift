import NIOCore
import RedisLab
import Storage
import TestSupport
import Testing

@testable import RedisClient

struct SingleServerTests {
    @Test func commandsOfATurnAreAnsweredInOrder() async throws {
        let server = try await RedisServer.start()
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)/2")
        let replies = try await client.ask(all: [
            ["SET", "k", "v"], ["GET", "k"], ["GET", "none"], ["INCR", "n"], ["LRANGE", "none", "0", "1"],
            ["INCR", "k"], ["EVALSHA", String(repeating: "0", count: 40), "0"], ["LPOP", "k"],
        ])
        #expect(replies[0].value == .simple("OK"))
        #expect(replies[1].value == .bulk("v"))
        #expect(replies[2].value == .null)
        #expect(replies[3].value == .integer(1))
        #expect(replies[4].value == .array([]))
        #expect(replies[5].fault?.kind == .other)
        #expect(replies[6].fault?.kind == .noScript)
        #expect(replies[7].fault?.kind == .wrongType)
        #expect(try await client.isReady())
        #expect(try await client.masters() == [.only])
        #expect(try await client.ask("CLIENT", "GETNAME", on: .only).value == .bulk("tprt"))
        #expect(try await server.command("-n", "2", "GET", "k") == "v")
    }

    @Test func aUnixSocketServes() async throws {
        let server = try await RedisServer.start(.unix)
        let path = try #require(server.socketPath)
        let client = try await LiveClient("redis-unix://\(path)?db=1")
        #expect(try await client.ask("SET", "k", "v").value == .simple("OK"))
        #expect(try await server.command("-n", "1", "GET", "k") == "v")
    }

    @Test func manyCommandsMayWait() async throws {
        let server = try await RedisServer.start()
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        let replies = try await client.ask(all: (0..<10_000).map { ["ECHO", "\($0)"] })
        #expect(replies.indices.allSatisfy { replies[$0].value == .bulk("\($0)") })
        var limits = RedisLimits.patient
        limits.waiting = 100
        let bounded = try await LiveClient("redis://127.0.0.1:\(server.port)", limits: limits)
        // Both those that wait for the connection and those on it.
        for _ in 0..<2 {
            let replies = try await bounded.ask(all: (0..<101).map { ["ECHO", "\($0)"] })
            #expect(replies[..<100].indices.allSatisfy { replies[$0].value == .bulk("\($0)") })
            #expect(replies[100].fault?.kind == .unavailable(.busy))
        }
    }

    @Test(arguments: ["user:pa%3Ass@", ""])
    func aUserLogsIn(_ login: String) async throws {
        let server = try await RedisServer.start(.plain.acl("user", password: "pa:ss"))
        let file = try server.directory.write("pa:ss\nmore\n", to: "password")
        let url =
            login.isEmpty
            ? "redis://user@127.0.0.1:\(server.port)?password_file=\(file)"
            : "redis://\(login)127.0.0.1:\(server.port)"
        let client = try await LiveClient(url)
        #expect(try await client.ask("ACL", "WHOAMI").value == .bulk("user"))
    }

    @Test func aPasswordAloneLogsIn() async throws {
        let server = try await RedisServer.start(.plain.requirepass("secret"))
        let client = try await LiveClient("redis://:secret@127.0.0.1:\(server.port)")
        #expect(try await client.ask("SET", "k", "v").value == .simple("OK"))
    }

    static let wrong: [(String, String)] = [
        ("redis://:wrong@127.0.0.1:PORT", "WRONGPASS"), ("redis://nobody:wrong@127.0.0.1:PORT", "WRONGPASS"),
        ("redis://127.0.0.1:PORT", "NOAUTH"), ("redis://127.0.0.1:PORT/9", "NOAUTH"),
        ("redis://:secret@127.0.0.1:PORT/99", "database 99"),
        ("redis+cluster://:secret@127.0.0.1:PORT", "cluster support disabled"),
        ("redis+cluster://:wrong@127.0.0.1:PORT", "WRONGPASS"),
        ("redis+sentinel://:secret@127.0.0.1:PORT/x", "NOAUTH"),
    ]

    @Test(arguments: wrong)
    func wrongSettingsAreReportedOnceAndNotTriedAgain(_ url: String, _ message: String) async throws {
        let server = try await RedisServer.start(.plain.requirepass("secret"))
        let proxy = try RedisProxy.start(to: server)
        let client = try await LiveClient(url.replacing("PORT", with: "\(proxy.port)"))
        for _ in 0..<3 {
            let fault = try #require(try await client.ask("GET", "k").fault)
            #expect(fault.kind == .misconfigured)
            #expect(fault.message.contains(message), "\(fault)")
            #expect(!fault.message.contains("wrong"))
            try await Task.sleep(for: .milliseconds(300))
        }
        #expect(client.warnings.count == 1, "\(client.warnings)")
        #expect(client.warnings.first?.contains(message) == true)
        #expect(proxy.connectionsSeen == 1)
        #expect(try await !client.isReady())
        await proxy.stop()
    }

    @Test func whatWasMendedIsNoticed() async throws {
        let server = try await RedisServer.start(.plain.requirepass("secret"))
        var limits = RedisLimits.patient
        limits.misconfigured = .milliseconds(200)
        let client = try await LiveClient("redis://:other@127.0.0.1:\(server.port)", limits: limits)
        #expect(try await client.ask("GET", "k").fault?.kind == .misconfigured)
        try await server.command("CONFIG", "SET", "requirepass", "other")
        try await client.untilServed("GET", "k")
        #expect(client.warnings.count == 1)
        try await server.command("CONFIG", "SET", "requirepass", "secret")
        try await server.command("CLIENT", "KILL", "TYPE", "normal")
        try await waitUntil("it is reported again") { client.warnings.count == 2 }
    }

    /// What a script for greylisting needs is enough; the handshake may be forbidden.
    @Test func aUserOfFewRightsMayServe() async throws {
        let server = try await RedisServer.start(.plain.acl("few", password: "p", rules: "~* -@all +get +set"))
        let client = try await LiveClient("redis://few:p@127.0.0.1:\(server.port)")
        #expect(try await client.ask("SET", "k", "v").value == .simple("OK"))
        #expect(try await client.ask("DEL", "k").fault?.kind == .misconfigured)
        #expect(try await client.ask("GET", "k").value == .bulk("v"))
    }

    @Test func evictionIsRemarkedOnce() async throws {
        let server = try await RedisServer.start(.plain.adding("maxmemory 50mb", "maxmemory-policy allkeys-lru"))
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        #expect(try await client.ask("SET", "k", "v").value == .simple("OK"))
        try await server.command("CLIENT", "KILL", "TYPE", "normal")
        try await client.untilServed("SET", "k", "v")
        let warnings = client.warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("127.0.0.1:\(server.port): the server may evict") == true)
        #expect(warnings.first?.contains("set maxmemory-policy noeviction") == true)
    }

    @Test func aFullServerRefusesToWrite() async throws {
        let server = try await RedisServer.start(.plain.adding("maxmemory 1", "maxmemory-policy noeviction"))
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        #expect(try await client.ask("SET", "k", "v").fault?.kind == .writeRefused)
        let script = "return redis.call('SET', KEYS[1], 'v')"
        #expect(try await client.ask("EVAL", script, "1", "k", slot: 0).fault?.kind == .writeRefused)
        #expect(try await client.ask("GET", "k").value == .null)
        #expect(client.warnings == [])
    }

    @Test func aNodeOfAClusterIsNoSingleServer() async throws {
        let server = try await RedisServer.start(.plain.adding("cluster-enabled yes"))
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        #expect(try await client.ask("GET", "k").fault?.kind == .unavailable(.clusterDown))
    }

    @Test func aReplicaServesOnceItIsAMaster() async throws {
        let master = try await RedisServer.start()
        let server = try await RedisServer.start(.plain.adding("replicaof 127.0.0.1 \(master.port)"))
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        #expect(try await client.ask("SET", "k", "v").fault?.kind == .unavailable(.notServing))
        try await server.command("REPLICAOF", "NO", "ONE")
        try await client.untilServed("SET", "k", "v", within: .seconds(60))
    }

    @Test func aClosedClientAnswersNoMore() async throws {
        let server = try await RedisServer.start()
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        #expect(try await client.ask("SET", "k", "v").value == .simple("OK"))
        try await server.pause()
        async let waiting = client.ask(all: [["GET", "k"], ["GET", "k"]])
        try await Task.sleep(for: .milliseconds(100))
        try await client.close()
        #expect(try await waiting.allSatisfy { $0.isUnavailable })
        #expect(try await client.ask("GET", "k").isUnavailable)
        try server.resume()
        // Also before there was a connection.
        let other = try await LiveClient("redis://127.0.0.1:\(server.port)")
        try await other.close()
        #expect(try await other.ask("GET", "k").isUnavailable)
    }
}
