import NIOCore
import RedisLab
import Storage
import TestSupport
import Testing

@testable import RedisClient

@Suite(.serialized)
struct ClusterTests {
    private static func url(_ servers: [RedisServer]) -> String {
        "redis+cluster://" + servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    }

    /// A client that doesn't ask by itself who has which slots, but for the first time.
    private static var uninformed: RedisLimits {
        var limits = RedisLimits.patient
        limits.clusterPace = .hours(1)
        // A slot takes its time to move on a busy machine.
        limits.redirections = 10_000
        return limits
    }

    @Test func commandsGoToTheNodesThatHaveTheirSlots() async throws {
        let cluster = try await RedisCluster.start(password: "secret")
        // One of the seeds is nobody.
        let url = "redis+cluster://:secret@127.0.0.1:1,127.0.0.1:\(cluster.servers[3].port)"
        let client = try await LiveClient(url)
        let sets = try await client.ask(all: (0..<500).map { ["SET", "key\($0)", "\($0)"] })
        #expect(sets.allSatisfy { $0.value == .simple("OK") })
        let gets = try await client.ask(all: (0..<500).map { ["GET", "key\($0)"] })
        #expect(gets.indices.allSatisfy { gets[$0].value == .bulk("\($0)") })
        #expect(try await client.isReady())
        let masters = try await client.masters()
        #expect(masters.count == 3)
        var keys = 0
        for master in masters { keys += try await client.ask("DBSIZE", on: master).value?.number ?? 0 }
        #expect(keys == 500)
        let nobody = RedisClient.Master.node(.tcp(.init(host: "127.0.0.1", port: 1)))
        #expect(try await client.ask("DBSIZE", on: nobody).isUnavailable)
        #expect(try await client.ask(all: [["PING"]])[0].value == .simple("PONG"), "no key, any node")
        #expect(client.warnings == [])
        await cluster.remove()
    }

    @Test func aSlotIsFollowedWhereItMoves() async throws {
        let cluster = try await RedisCluster.start()
        let client = try await LiveClient(Self.url(cluster.servers), limits: Self.uninformed)
        let slot = Int(KeySlot.of(Array("k".utf8).span))
        try await client.untilServed("SET", "k", "v")
        // The old place says ASK for what has gone, and answers for what is still there.
        let migration = try await cluster.migration(of: slot)
        try await migration.begin()
        #expect(try await client.ask("GET", "k").value == .bulk("v"))
        #expect(try await client.ask("GET", "{k}none").value == .null)
        #expect(try await client.ask("SET", "{k}new", "w").value == .simple("OK"))
        #expect(try await migration.target.command("CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == "1")
        // The keys are on two sides: it is asked again and again until they are not.
        async let both = client.ask("MGET", "k", "{k}new", slot: UInt16(slot))
        try await migration.moveKeys()
        #expect(try await both.value == .array([.bulk("v"), .bulk("w")]))
        // The old place says MOVED.
        try await migration.finish()
        let replies = try await client.ask(all: (0..<100).map { _ in ["GET", "k"] })
        #expect(replies.allSatisfy { $0.value == .bulk("v") })
        try await cluster.moveSlot(slot)
        #expect(try await client.ask("GET", "k").value == .bulk("v"))
        #expect(try await client.ask("GET", "{k}new").value == .bulk("w"))
        await cluster.remove()
    }

    @Test func whatIsTornApartFailsInTheEnd() async throws {
        let cluster = try await RedisCluster.start()
        let client = try await LiveClient(Self.url(cluster.servers))
        _ = try await client.ask("SET", "{k}1", "v")
        let migration = try await cluster.migration(of: Int(KeySlot.of(Array("k".utf8).span)))
        try await migration.begin()
        _ = try await client.ask("SET", "{k}2", "w")
        let reply = try await client.ask("MGET", "{k}1", "{k}2")
        #expect(reply.fault?.kind == .unavailable(.clusterDown))
        #expect(reply.fault?.message.contains("too often") == true)
        await cluster.remove()
    }

    @Test func theReplicaIsUsedAfterAMasterDied() async throws {
        let cluster = try await RedisCluster.start()
        let client = try await LiveClient(Self.url([cluster.servers[0]]), limits: RedisLimits())
        let keys = (0..<100).map { "key\($0)" }
        try await waitUntil("all slots are served") {
            try await client.ask(all: keys.map { ["SET", $0, "v"] }).allSatisfy { $0.fault == nil }
        }
        // The only seed.
        let fallen = cluster.servers[0]
        async let promotion = cluster.killMaster(fallen)
        try await waitUntil("the master is dead") { !fallen.isRunning }
        let replies = try await client.ask(all: keys.map { ["GET", $0] })
        #expect(replies.contains { $0.isUnavailable })
        #expect(replies.allSatisfy { $0.isUnavailable || $0.value == .bulk("v") })
        _ = try await promotion
        let start = ContinuousClock.now
        try await waitUntil("all slots are served") {
            try await client.ask(all: keys.map { ["SET", $0, "w"] }).allSatisfy { $0.fault == nil }
        }
        #expect(ContinuousClock.now - start < .seconds(40))
        #expect(client.warnings == [])
        await cluster.remove()
    }

    @Test func theReplicaIsUsedWhileAMasterHangs() async throws {
        let cluster = try await RedisCluster.start()
        let client = try await LiveClient(Self.url(cluster.servers), limits: RedisLimits())
        let master = try await cluster.master(of: Int(KeySlot.of(Array("k".utf8).span)))
        try await client.untilServed("SET", "k", "v")
        try await master.pause()
        #expect(try await client.ask("SET", "k", "w").isUnavailable)
        let duration = try await client.untilServed("SET", "k", "w")
        #expect(duration < .seconds(60))
        try master.resume()
        #expect(try await client.ask("GET", "k").value == .bulk("w"))
        await cluster.remove()
    }

    @Test func aClusterThatIsNotThereFails() async throws {
        let client = try await LiveClient("redis+cluster://127.0.0.1:1,127.0.0.1:2")
        #expect(try await client.ask("GET", "k").isUnavailable)
        #expect(try await !client.isReady())
        await #expect(throws: RedisError.self) { try await client.masters() }
        let server = try await RedisServer.start(.plain.adding("cluster-enabled yes"))
        let empty = try await LiveClient(Self.url([server]))
        #expect(try await empty.ask("GET", "k").fault?.message.contains("has given no slots") == true)
    }
}
