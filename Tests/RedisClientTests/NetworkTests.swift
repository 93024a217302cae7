import NIOCore
import NIOPosix
import RedisLab
import TestSupport
import Testing

@testable import RedisClient

/// What networks and servers do to connections.
struct NetworkTests {
    /// A server behind a proxy, and a client that is connected through it.
    private final class Scene: Sendable {
        let server: RedisServer
        let proxy: RedisProxy
        let client: LiveClient

        init(limits: RedisLimits = .patient) async throws {
            server = try await RedisServer.start()
            proxy = try RedisProxy.start(to: server)
            client = try await LiveClient("redis://127.0.0.1:\(proxy.port)", limits: limits)
            try await client.untilServed("SET", "k", "v")
        }
    }

    private static var impatient: RedisLimits {
        var limits = RedisLimits()
        limits.connect = .seconds(1)
        limits.reply = .seconds(1)
        return limits
    }

    @Test func whatIsInFlightFailsWithTheConnection() async throws {
        let scene = try await Scene()
        let (proxy, client) = (scene.proxy, scene.client)
        proxy.blackhole = true
        async let replies = client.ask(all: (0..<1_000).map { ["ECHO", "\($0)"] })
        try await Task.sleep(for: .seconds(1))
        // Cut before anything may pass: no reply shall come first.
        try await proxy.cut()
        proxy.blackhole = false
        let faults = try await replies.filter { $0.fault?.kind == .unavailable(.unreachable) }
        #expect(faults.count == 1_000)
        let duration = try await client.untilServed("GET", "k")
        #expect(duration < .seconds(40))
        await proxy.stop()
    }

    @Test func aReplyThatIsCutOffReachesNobody() async throws {
        let scene = try await Scene()
        let (proxy, client) = (scene.proxy, scene.client)
        _ = try await client.ask("SET", "long", String(repeating: "x", count: 1_000))
        proxy.truncateNextReply(then: .cut)
        let replies = try await client.ask(all: [["GET", "long"], ["GET", "k"]])
        #expect(replies[0].isUnavailable && replies[1].isUnavailable)
        try await client.untilServed("PING")
        #expect(try await client.ask("GET", "k").value == .bulk("v"))
        await proxy.stop()
    }

    @Test func aReplyThatComesTooLateReachesNobody() async throws {
        let scene = try await Scene(limits: Self.impatient)
        let (proxy, client) = (scene.proxy, scene.client)
        proxy.truncateNextReply(after: 3, then: .wait)
        #expect(try await client.ask("ECHO", "late").fault?.message.contains("did not answer within 1.0 s") == true)
        try await proxy.release()
        try await client.untilServed("PING")
        let replies = try await client.ask(all: (0..<100).map { ["ECHO", "\($0)"] })
        #expect(replies.indices.allSatisfy { replies[$0].value == .bulk("\($0)") })
        await proxy.stop()
    }

    @Test func repliesMayTrickleIn() async throws {
        let scene = try await Scene()
        let (proxy, client) = (scene.proxy, scene.client)
        proxy.dribble = .milliseconds(1)
        let replies = try await client.ask(all: [["ECHO", "a\r\nb"], ["GET", "none"], ["INCR", "n"], ["KEYS", "k"]])
        #expect(replies[0].value == .bulk("a\r\nb"))
        #expect(replies[1].value == .null)
        #expect(replies[2].value == .integer(1))
        #expect(replies[3].value == .array([.bulk("k")]))
        await proxy.stop()
    }

    @Test func aSlowServerIsNotADeadOne() async throws {
        let scene = try await Scene(limits: RedisLimits())
        let (proxy, client) = (scene.proxy, scene.client)
        proxy.latency = .milliseconds(2_000)
        #expect(try await client.ask("GET", "k").value == .bulk("v"))
        await proxy.stop()
    }

    /// Nobody waits for a server of which it is known that it doesn't answer.
    @Test func aSilentServerIsWaitedForOnce() async throws {
        let scene = try await Scene(limits: Self.impatient)
        let (proxy, client) = (scene.proxy, scene.client)
        proxy.blackhole = true
        #expect(try await client.ask("GET", "k").isUnavailable)
        let start = ContinuousClock.now
        for _ in 0..<60 { #expect(try await client.ask("GET", "k").isUnavailable) }
        #expect(ContinuousClock.now - start < .seconds(40), "60 that waited would take a minute")
        proxy.blackhole = false
        try await client.untilServed("GET", "k", within: .seconds(60))
        await proxy.stop()
    }

    @Test func aDeadPeerIsNoticedWithoutACommand() async throws {
        var limits = Self.impatient
        limits.idle = .milliseconds(300)
        let scene = try await Scene(limits: limits)
        let (proxy, client) = (scene.proxy, scene.client)
        try await Task.sleep(for: .seconds(1))
        #expect(try await client.isReady(), "silence alone is no fault")
        proxy.blackhole = true
        try await waitUntil("it is noticed", within: .seconds(60)) { try await !client.isReady() }
        await proxy.stop()
    }

    @Test func aServerMayComeLater() async throws {
        let server = try await RedisServer.start()
        await server.stop()
        let client = try await LiveClient("redis://127.0.0.1:\(server.port)")
        let fault = try await client.ask("GET", "k").fault
        #expect(fault?.kind == .unavailable(.unreachable))
        #expect(fault?.message == "127.0.0.1:\(server.port): the connection was refused")
        try await server.restart()
        let duration = try await client.untilServed("GET", "k")
        #expect(duration < .seconds(40))
        await server.kill()
        try await waitUntil("it is noticed") { try await !client.isReady() }
        try await server.restart()
        try await client.untilServed("GET", "k")
        #expect(client.warnings == [], "that is nothing to fix")
    }

    @Test(arguments: [
        ("redis://127.0.0.1:1", "the connection was refused"), ("redis-unix:///none/s", "socket does not exist"),
        ("redis-unix:///\(String(repeating: "x", count: 200))", "/x"),
        ("redis://name.invalid", "name.invalid:6379: the name of the server can't be resolved"),
    ])
    func whatCannotBeReachedFails(_ url: String, _ message: String) async throws {
        let client = try await LiveClient(url)
        let fault = try await client.ask("GET", "k").fault
        #expect(fault?.kind == .unavailable(.unreachable))
        #expect(fault?.message.contains(message) == true, "\(String(describing: fault))")
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n+OK\r\n+OK\r\n", "\0\0\0", "-DENIED no\r\n"])
    func whatIsNoRedisIsLeft(_ text: String) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.writeAndFlush(ByteBuffer(string: text))
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let client = try await LiveClient("redis://127.0.0.1:\(port)", limits: Self.impatient)
        #expect(try await client.ask("GET", "k").fault != nil)
        #expect(try await client.ask("GET", "k").fault != nil)
        try await listener.close()
    }
}
