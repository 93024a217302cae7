import NIOPosix
import RedisClient
import RedisLab
import Storage
import StoreURLs
import TestSupport
import Testing

@testable import RedisStore

/// Whitelists that are written in the layout of TPRT 0.9.3.
struct RedisListsWriteTests {
    private typealias Entry = (key: String, fields: [(name: String, value: String)])

    private func lists(_ url: String) throws -> RedisLists {
        guard case .redis(let location) = try StoreLocation(url: url) else { throw TestError("no redis URL: \(url)") }
        return try RedisLists(location, limits: .patient) { _ in }
    }

    private func read(_ lists: RedisLists) async throws -> RedisLists.Contents {
        try await NIOThreadPool.singleton.runIfActive { try lists.read() }
    }

    private func write(_ changed: [RedisLists.List], _ lists: RedisLists, over contents: RedisLists.Contents)
        async throws
    {
        try await NIOThreadPool.singleton.runIfActive { try lists.write(changed, over: contents) { _, _ in } }
    }

    /// A list of entries that say what they are called.
    private func list(_ name: String, _ keys: [String]) -> RedisLists.List {
        RedisLists.List(
            name: name, entries: keys.map { ("whitelist:\($0)", [("type", "helo_name"), ("domain", "é\r\n \($0)")]) })
    }

    private func check(_ url: String, keys: () async throws -> Set<String>) async throws {
        let lists = try lists(url)
        let many = (0..<1_234).map { "m\($0)" }
        let (first, second) = (list("alice", ["a", "b"]), list("m{x}y", many))
        try await write([first, second, list("none", [])], lists, over: try await read(lists))
        let read = try await read(lists)
        #expect(read.messages.isEmpty)
        #expect(read.lists.map(\.name) == ["alice", "m{x}y", "none"])
        #expect(read.lists.prefix(2).map { $0.entries.map(\.key) } == [first, second].map { $0.entries.map(\.key) })
        #expect(read.lists[0].entries[1].fields.contains { $0.name == "domain" && $0.value == "é\r\n b" })

        let (other, fewer) = (list("alice", ["c", "a"]), list("m{x}y", []))
        try await write([other, fewer], lists, over: read)
        let after = try await self.read(lists)
        #expect(after.lists.map { $0.entries.map(\.key) } == [["whitelist:c", "whitelist:a"], [], []])
        // What nothing refers to any more is gone, and nothing else is there.
        #expect(try await keys() == ["whitelists", "alice", "whitelist:a", "whitelist:c", "stranger"])
    }

    @Test func listsAreWrittenAndWhatNobodyRefersToIsRemoved() async throws {
        for options in [RedisOptions.plain, .unix, .tls] {
            let server = try await RedisServer.start(options)
            _ = try await server.command("SET", "stranger", "x")
            let url =
                if let path = server.socketPath { "redis-unix://\(path)" } else if let files = server.certificates {
                    "rediss://localhost:\(server.port)?ca_file=\(files.authority)"
                } else { "redis://127.0.0.1:\(server.port)" }
            try await check(url) {
                Set(try await server.command("KEYS", "*").split(separator: "\n").map(String.init))
            }
            #expect(try await server.command("TTL", "alice") == "-1")
        }
    }

    @Test func inACluster() async throws {
        try await withCluster { cluster in
            let seed = try #require(cluster.servers.first)
            let url = "redis+cluster://\(seed.host):\(seed.port)"
            let client = try await LiveClient(url)
            try await client.untilServed("SET", "stranger", "x")
            try await check(url) {
                var keys: Set<String> = []
                for master in try await client.masters() {
                    let reply = try await client.ask("KEYS", "*", on: master)
                    keys.formUnion((reply.value?.elements ?? []).compactMap(\.string))
                }
                return keys
            }
            let lists = try lists(url)
            let contents = try await read(lists)
            let error = await #expect(throws: StoreError.self) {
                try await write([list("a}b", ["z"])], lists, over: contents)
            }
            #expect(error?.description.contains("can't be written in a cluster") == true)
        }
    }

    @Test func behindSentinels() async throws {
        try await withSentinels { sentinels in
            let lists = try lists(
                "redis+sentinel://\(sentinels.addresses.joined(separator: ","))/\(sentinels.service)/0")
            try await write([list("alice", ["a"])], lists, over: try await read(lists))
            #expect(try await read(lists).lists.map(\.name) == ["alice"])
        }
    }

    @Test func nothingChangesWhereSomebodyElseWasFaster() async throws {
        let server = try await RedisServer.start()
        let lists = try lists("redis://127.0.0.1:\(server.port)")
        try await write([list("alice", ["a"]), list("bob", ["b"])], lists, over: try await read(lists))
        for command in [
            ["RPUSH", "bob", "other"], ["DEL", "bob"], ["RPUSH", "whitelists", "carol"], ["DEL", "whitelists"],
        ] {
            let contents = try await read(lists)
            _ = try await server.command(command)
            let error = await #expect(throws: StoreError.self, "\(command)") {
                try await write(
                    [list("alice", ["z"]), list("bob", ["y"]), list("new", ["n"])], lists, over: contents)
            }
            #expect(error?.description.contains("the lists were changed meanwhile") == true)
            #expect(try await server.command("LRANGE", "alice", "0", "-1") == "whitelist:a")
            _ = try await server.command("DEL", "whitelists", "bob", "alice")
            let fresh = try await read(lists)
            try await write([list("alice", ["a"]), list("bob", ["b"])], lists, over: fresh)
        }
    }

    @Test(
        arguments: [
            (["SET", "new", "x"], "the key new is not a list"),
            (["RPUSH", "new", "x"], "there is a list new that whitelists"),
            (["SET", "whitelist:n", "x"], "the key whitelist:n is not a hash"),
            (["HSET", "whitelist:n", "type", "x"], "the key whitelist:n holds something else"),
            (["HSET", "whitelist:n", "type", "x", "domain", "x"], "the key whitelist:n holds something else"),
        ])
    func whatIsThereAndSomethingElseIsLeftAlone(_ command: [String], _ message: String) async throws {
        let server = try await RedisServer.start()
        let lists = try lists("redis://127.0.0.1:\(server.port)")
        try await write([list("alice", ["a"])], lists, over: try await read(lists))
        _ = try await server.command(command)
        let contents = try await read(lists)
        let error = await #expect(throws: StoreError.self) {
            try await write([list("alice", ["n"]), list("new", ["n"])], lists, over: contents)
        }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(try await read(lists).lists == [list("alice", ["a"])])
        if command[0] == "SET" { #expect(try await server.command("GET", command[1]) == "x") }
    }

    @Test func keysThatAreNoTextAreLeftAlone() async throws {
        let server = try await RedisServer.start()
        let lists = try lists("redis://127.0.0.1:\(server.port)")
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        try await client.untilServed("RPUSH", "whitelists", "alice")
        _ = try await server.command("EVAL", "return redis.call('RPUSH', 'alice', '\\255')", "0")
        let contents = try await read(lists)
        let error = await #expect(throws: StoreError.self) {
            try await write([list("alice", ["a"])], lists, over: contents)
        }
        #expect(error?.description.contains("keys that are no UTF-8") == true)
    }

    @Test func readersHaveAllOfTheOldOrAllOfTheNewState() async throws {
        let server = try await RedisServer.start()
        let url = "redis://127.0.0.1:\(server.port)"
        let states = ["old", "new"].map { state in
            ["alice", "bob"].map { name in list(name, (0..<400).map { "\(name)-\(state)-\($0)" }) }
        }
        let (writer, reader) = (try lists(url), try lists(url))
        try await write(states[0], writer, over: try await read(writer))
        async let writing: Void = {
            for round in 1...12 {
                try await write(states[round % 2], writer, over: try await read(writer))
            }
        }()
        for _ in 0..<12 {
            let contents = try await read(reader)
            #expect(contents.messages.isEmpty)
            let keys = contents.lists.map { $0.entries.map(\.key) }
            #expect(states.contains { $0.map { $0.entries.map(\.key) } == keys })
        }
        try await writing
    }
}
