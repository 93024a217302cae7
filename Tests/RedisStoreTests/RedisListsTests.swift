import NIOCore
import NIOPosix
import RedisClient
import RedisLab
import Storage
import StoreURLs
import TestSupport
import Testing

@testable import RedisStore

/// Whitelists as TPRT 0.9.3 kept them in Redis.
struct RedisListsTests {
    private func read(_ url: String, connect: Int64 = 60) async throws -> RedisLists.Contents {
        guard case .redis(let location) = try StoreLocation(url: url) else { throw TestError("no redis URL: \(url)") }
        var limits = RedisLimits.patient
        limits.connect = .seconds(connect)
        let lists = try RedisLists(location, limits: limits) { _ in }
        return try await NIOThreadPool.singleton.runIfActive { try lists.read() }
    }

    private func fill(_ run: ([String]) async throws -> Void) async throws {
        for command in [
            ["RPUSH", "whitelists", "alice", "bob", "none", "text"],
            ["RPUSH", "alice", "home", "office", "home", "missing", "plain"],
            ["RPUSH", "bob", "home"],
            ["HSET", "home", "type", "ipv4_net", "net", "192.0.2.0", "mask", "24"],
            ["HSET", "office", "type", "recipient_literal", "recipient", "é@test.example"],
            ["SET", "plain", "x"], ["SET", "text", "x"],
        ] { try await run(command) }
    }

    private func check(_ contents: RedisLists.Contents) {
        #expect(contents.lists.map(\.name) == ["alice", "bob", "none"])
        #expect(contents.lists.map { $0.entries.map(\.key) } == [["home", "office"], ["home"], []])
        let home = contents.lists.first?.entries.first?.fields ?? []
        #expect(home.sorted { $0.name < $1.name }.map(\.value) == ["24", "192.0.2.0", "ipv4_net"])
        let messages = contents.messages.map { "\($0.list) \($0.key ?? "-"): \($0.message)" }
        #expect(
            messages == [
                "alice missing: key does not exist", "alice plain: the key is not a hash",
                "text -: the key is not a list",
            ])
    }

    @Test func listsAreReadAndWhatIsOfAnotherKindIsNamed() async throws {
        let server = try await RedisServer.start()
        try await fill { _ = try await server.command($0) }
        check(try await read("redis-tcp://127.0.0.1:\(server.port)/?db=0"))
        let other = try await read("redis://127.0.0.1:\(server.port)/3")
        #expect(other.lists.isEmpty && other.messages.isEmpty)
    }

    @Test func inACluster() async throws {
        try await withCluster { cluster in
            let seed = try #require(cluster.servers.first)
            let url = "redis+cluster://\(seed.host):\(seed.port)"
            let client = try await LiveClient(url)
            try await client.untilServed("GET", "k")
            try await fill { words in
                let reply = try await client.ask(all: [words])[0]
                guard reply.fault == nil else { throw TestError("\(words): \(reply)") }
            }
            check(try await read(url))
        }
    }

    @Test func moreThanABatchKeepsItsOrder() async throws {
        let server = try await RedisServer.start()
        let keys = (0..<2_345).map { "entry\($0)" }
        for start in stride(from: 0, to: keys.count, by: 500) {
            let some = Array(keys[start..<min(start + 500, keys.count)])
            _ = try await server.command(["RPUSH", "many"] + some)
        }
        _ = try await server.command(["RPUSH", "whitelists", "many"])
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        try await client.untilServed("PING")
        _ = try await client.ask(all: keys.map { ["HSET", $0, "type", $0] })
        let contents = try await read("redis://127.0.0.1:\(server.port)")
        #expect(contents.lists.first?.entries.map(\.key) == keys)
        #expect(contents.lists.first?.entries.last?.fields.first?.value == "entry2344")
    }

    @Test func whatCanNotBeReadIsAFault() async throws {
        let server = try await RedisServer.start(.plain.requirepass("secret"))
        let (port, cases) = (server.port, [("", StoreError.Code.misconfigured), (":wrong@", .misconfigured)])
        for (login, code) in cases {
            let error = await #expect(throws: StoreError.self) { try await read("redis://\(login)127.0.0.1:\(port)") }
            #expect(error?.code == code)
            #expect(error?.description.contains("wrong") == false)
        }
        await server.stop()
        let error = await #expect(throws: StoreError.self) {
            try await read("redis://:secret@127.0.0.1:\(port)", connect: 1)
        }
        #expect(error?.code == .unavailable)
        #expect(error?.description.contains("secret") == false)
    }

    @Test func whitelistsThatIsNoListIsAFault() async throws {
        let server = try await RedisServer.start()
        _ = try await server.command(["SET", "whitelists", "x"])
        let error = await #expect(throws: StoreError.self) { try await read("redis://127.0.0.1:\(server.port)") }
        #expect(error?.description.contains("the key whitelists is not a list") == true)
    }
}
