import NIOCore
import RedisLab
import TestSupport
import Testing

@testable import RedisClient

@Suite(.serialized)
struct SentinelTests {
    private static func url(_ sentinels: RedisSentinels, _ login: String = "", _ options: String = "") -> String {
        "redis+sentinel://\(login)\(sentinels.addresses.joined(separator: ","))/\(sentinels.service)\(options)"
    }

    @Test func theMasterThatTheSentinelsNameIsUsed() async throws {
        let sentinels = try await RedisSentinels.start(password: "secret", sentinelPassword: "other")
        let file = try sentinels.master.directory.write("other\n", to: "password")
        let url = Self.url(sentinels, ":secret@", "/3?sentinel_password_file=\(file)")
        let client = try await LiveClient(url, limits: RedisLimits())
        try await client.untilServed("SET", "k", "v")
        #expect(try await sentinels.master.command("-n", "3", "GET", "k") == "v")
        // Sentinels come and go; the connection to the master doesn't mind.
        await sentinels.sentinels[0].kill()
        #expect(try await client.ask("GET", "k").value == .bulk("v"))
        let second = try await LiveClient(url, limits: RedisLimits())
        // The first one is skipped.
        try await second.untilServed("GET", "k")
        for sentinel in sentinels.sentinels { await sentinel.kill() }
        try await Task.sleep(for: .seconds(2))
        #expect(try await client.ask("GET", "k").value == .bulk("v"))
        let third = try await LiveClient(url, limits: RedisLimits())
        #expect(try await third.ask("GET", "k").isUnavailable)
        #expect(client.warnings == [] && second.warnings == [] && third.warnings == [])
        await sentinels.remove()
    }

    @Test func aServiceThatNobodyKnowsIsReported() async throws {
        let sentinels = try await RedisSentinels.start()
        let client = try await LiveClient("redis+sentinel://\(sentinels.addresses[0])/other")
        let fault = try await client.ask("GET", "k").fault
        #expect(fault?.kind == .misconfigured)
        #expect(fault?.message == "\(sentinels.addresses[0]): this Sentinel knows no service \"other\"")
        #expect(client.warnings.count == 1)
        await sentinels.remove()
    }

    @Test func theNewMasterIsUsedAfterTheOldOneDied() async throws {
        let sentinels = try await RedisSentinels.start()
        let client = try await LiveClient(Self.url(sentinels), limits: RedisLimits())
        try await client.untilServed("SET", "k", "v")
        await sentinels.master.kill()
        let master = try await sentinels.waitForMaster(otherThan: sentinels.master)
        let duration = try await client.untilServed("SET", "k", "w")
        #expect(duration < .seconds(40))
        #expect(try await master.command("GET", "k") == "w")
        await sentinels.remove()
    }

    /// The old one never says a word: its connection is open, and commands on it wait.
    @Test func theNewMasterIsUsedWhileTheOldOneHangs() async throws {
        let sentinels = try await RedisSentinels.start()
        var limits = RedisLimits()
        limits.reply = .seconds(300)
        let client = try await LiveClient(Self.url(sentinels), limits: limits)
        try await client.untilServed("SET", "k", "v")
        try await sentinels.master.pause()
        async let waiting = client.ask("GET", "k")
        let master = try await sentinels.waitForMaster(otherThan: sentinels.master)
        let duration = try await client.untilServed("SET", "k", "w")
        #expect(duration < .seconds(40))
        #expect(try await waiting.isUnavailable)
        #expect(try await master.command("GET", "k") == "w")
        try sentinels.master.resume()
        try await sentinels.waitUntilReady()
        #expect(try await client.ask("GET", "k").value == .bulk("w"))
        await sentinels.remove()
    }

    /// Nobody died, but the roles have changed.
    @Test func aMasterThatStepsDownIsLeft() async throws {
        let sentinels = try await RedisSentinels.start()
        let client = try await LiveClient(Self.url(sentinels), limits: RedisLimits())
        try await client.untilServed("SET", "k", "v")
        try await sentinels.sentinels[0].command("SENTINEL", "FAILOVER", sentinels.service)
        try await sentinels.waitForMaster(otherThan: sentinels.master)
        // Until then the old one takes commands as well.
        try await sentinels.waitUntilReady()
        let duration = try await client.untilServed("SET", "k", "w")
        #expect(duration < .seconds(40))
        #expect(try await sentinels.replica.command("GET", "k") == "w")
        await sentinels.remove()
    }
}
