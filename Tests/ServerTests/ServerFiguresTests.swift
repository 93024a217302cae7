import Engine
import Glibc
import LogOutput
import NIOCore
import NIOEmbedded
import Policy
import Storage
import Testing
import Whitelists

@testable import Resolver
@testable import Server

/// What event loops count of connections and of the store, and their sum.
struct ServerFiguresTests {
    private static let gone = StoreError(.unavailable, "no disk")
    private static let full = StoreError(.writeRefused, "no room")

    private func rejected(_ counts: [ConnectionFigures.Rejection: Int]) -> [Int] {
        ConnectionFigures.Rejection.allCases.map { counts[$0] ?? 0 }
    }

    private func errors(_ counts: [PolicyError.Kind: Int]) -> [Int] {
        PolicyError.Kind.allCases.map { counts[$0] ?? 0 }
    }

    @Test func connectionsAreCountedByTheirEnd() throws {
        let stage = LoopStage(
            try ServingTests.engine(), options: .with(\.maxConnections, 4).and(\.idleTimeout, .seconds(1_200)))
        let clients = try (0..<6).map { _ in try stage.connect() }
        var figures = stage.registry.figures
        #expect(figures.open == 4 && figures.accepted == 6 && figures.rejected == rejected([.limit: 2]))
        #expect(figures.idle == 0)
        stage.pass(.seconds(1_400))
        #expect(clients.map(\.isClosed) == [Bool](repeating: true, count: 6))
        figures = stage.registry.figures
        #expect(figures.open == 0 && figures.accepted == 6 && figures.idle == 4)
        #expect(figures.rejected == rejected([.limit: 2]))
        #expect(figures.errors == errors([:]))
    }

    @Test(
        arguments: [
            ("GET / HTTP/1.1\n", .notAnAttribute), ("EHLO mx.example\n", .notAnAttribute),
            ("request=junk\n\n", .unknownRequest), (String(repeating: "x", count: 9_000), .lineTooLong),
            (String(repeating: "a=b\n", count: 201), .tooManyAttributes),
            (String(repeating: "a=\(String(repeating: "b", count: 4_000))\n", count: 17), .requestTooLong),
            (String(repeating: "\n", count: 1_025), .tooManyEmptyLines), ("request=smtpd", .endInsideRequest),
        ] as [(String, PolicyError.Kind)])
    func whatCannotBeReadIsCountedByItsKind(_ bytes: String, _ kind: PolicyError.Kind) throws {
        let stage = LoopStage(try ServingTests.engine(), level: .none)
        let client = try stage.connect()
        try client.send(Array(bytes.utf8))
        if !client.isClosed { client.finish() }
        #expect(client.isClosed)
        #expect(stage.registry.figures.errors == errors([kind: 1]))
    }

    @Test func theServersOwnConnectionsAreNone() throws {
        let stage = LoopStage(try ServingTests.engine())
        let loop = EmbeddedEventLoop()
        let channel = EmbeddedChannel(handler: Connection(pipeline: stage.pipeline, registry: nil), loop: loop)
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/own"), promise: nil)
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\n"))
        #expect(stage.registry.figures == ConnectionFigures())
    }

    @Test(
        arguments: [(EMFILE, .descriptors), (ENFILE, .descriptors), (ENOBUFS, .failed)]
            as [(CInt, ConnectionFigures.Rejection)])
    func whatCannotBeAcceptedIsCounted(_ code: CInt, _ rejection: ConnectionFigures.Rejection) throws {
        let stage = LoopStage(try ServingTests.engine(), level: .none)
        let loop = EmbeddedEventLoop()
        let handler = AcceptErrorHandler(log: stage.pipeline.log, counting: stage.registry)
        let listener = EmbeddedChannel(handler: handler, loop: loop)
        for _ in 0..<3 { listener.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept")) }
        #expect(stage.registry.figures.rejected == rejected([rejection: 3]))
        try loop.syncShutdownGracefully()
    }

    @Test func requestsThatTheStoreHasNoSayInAreCountedByCause() throws {
        let store = FickleStore(.answers)
        let stage = LoopStage(
            try ServingTests.engine(), store: store,
            options: .with(\.requestDeadline, .milliseconds(100)).and(
                \.storePauses, .milliseconds(1)...TimeAmount.milliseconds(1)))
        let client = try stage.connect()
        func ask(_ sender: String) throws { _ = try client.ask(ServingTests.request(["sender": sender])) }
        try ask("a@example.org")
        #expect(stage.pipeline.withoutStore == [0, 0, 0])
        store.mood = .fails(Self.gone)
        try ask("b@example.org")
        #expect(stage.pipeline.withoutStore == [1, 0, 0])
        store.mood = .faults(Self.full)
        try ask("c@example.org")
        #expect(stage.pipeline.withoutStore == [1, 0, 1])
        store.mood = .loses
        try ask("d@example.org")
        stage.pass(.milliseconds(100))
        #expect(stage.pipeline.withoutStore == [1, 1, 1])
        #expect(stage.pipeline.gate.isOpen == false)
        // The breaker is open.
        try ask("e@example.org")
        #expect(stage.pipeline.withoutStore == [2, 1, 1])
        let batches = stage.pipeline.gate.figures
        #expect(batches.answered == 2 && batches.failed == 1 && batches.late == 1)
    }

    @Test func loopsAreAddedUp() async throws {
        let store = FickleStore(.answers)
        let options = OptionsChange.with(\.threads, 2).and(\.storePauses, .hours(1)...TimeAmount.hours(1))
        try await ServerStage.run(try ServingTests.engine(), store: store, options: options) { stage in
            let clients = try (0..<4).map { _ in try Client(path: stage.path) }
            for client in clients {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == ServingTests.deferral)
            }
            var figures = await stage.server.figures()
            #expect(figures.connections.open == 4 && figures.connections.accepted == 4)
            #expect(figures.whitelistEntries == 0)
            let literal = try #require(AddressLiteral("v@elsewhere.example"))
            await stage.server.change { $0.change(whitelist: Whitelist([.init(.recipient(literal))], source: "x")) }
            // Each loop has it.
            #expect(await stage.server.figures().whitelistEntries == 1)
            #expect(figures.batches.answered == 4 && figures.openBreakers == 0 && !figures.isStoreUnavailable)
            store.mood = .fails(Self.gone)
            for client in clients {
                for _ in 0..<5 {
                    try client.send(ServingTests.request())
                    #expect(try await client.reply() == ServingTests.dunno)
                }
            }
            figures = await stage.server.figures()
            // Connections are dealt out in turn: two loops, each with five failures.
            #expect(figures.batches.failed == 10 && figures.openBreakers == 2 && figures.isStoreUnavailable)
            #expect(figures.withoutStore == [20, 0, 0])
            #expect(await stage.server.counts() == ServerCounts(connections: 4, greylisted: 4, passed: 20))
        }
    }

    @Test func cachesOfLoopsAreAddedUp() {
        var (sum, other) = (ServerFigures(), ServerFigures())
        (sum.dnsCache.hits, sum.dnsCache.misses) = (1, 20)
        (other.dnsCache.hits, other.dnsCache.misses) = (300, 4_000)
        sum += other
        #expect(sum.dnsCache.hits == 301 && sum.dnsCache.misses == 4_020)
    }

    @Test func noTwoOfAKindHaveTheSameLabel() {
        #expect(Set(ServerFigures.WithoutStore.allCases.map { "\($0.text)" }).count == 3)
        #expect(Set(ConnectionFigures.Rejection.allCases.map { "\($0.text)" }).count == 3)
        #expect(Set(PolicyError.Kind.allCases.map { "\($0.text)" }).count == PolicyError.Kind.allCases.count)
        #expect(Set(IdentityFigures.Lookup.allCases.map { "\($0.text)" }).count == 3)
        #expect(Set(IdentityFigures.Class.allCases.map { "\($0.text)" }).count == 4)
        #expect(Set(ReloadFigures.Result.allCases.map { "\($0.text)" }).count == 2)
        #expect(Set(PendingFigures.Drop.allCases.map { "\($0.text)" }).count == 3)
    }
}
