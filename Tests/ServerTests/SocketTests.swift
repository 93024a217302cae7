import Engine
import Greylist
import LogOutput
import NIOCore
import ScenarioFiles
import Storage
import Testing
import Whitelists

@testable import Server

/// What only a real server shows: sockets that are full, several loops, and the end of the server.
struct SocketTests {
    private static let deferral = ServingTests.deferral
    private static let dunno = ServingTests.dunno

    /// Requests of four bytes, each of which gets a reply of fourteen.
    private static func shortRequests(_ count: Int) -> [UInt8] {
        Array(String(repeating: "a=\n\n", count: count).utf8)
    }

    @Test func everyRequestBeforeTheEndOfInputGetsItsReply() async throws {
        try await ServerStage.run(try ServingTests.engine(), level: .none) { stage in
            let client = try Client(path: stage.path)
            let count = 60_000
            async let received = client.countToTheEnd()
            try await client.sendAll(Self.shortRequests(count))
            client.finish()
            #expect(try await received == count * Self.dunno.utf8.count)
        }
    }

    @Test func repliesThatAreReadLateAreAllThere() async throws {
        try await ServerStage.run(try ServingTests.engine(), level: .none) { stage in
            let client = try Client(path: stage.path)
            let count = 30_000
            try await client.sendAll(Self.shortRequests(count))
            client.finish()
            // By the last of these the server has seen the end, and can't have sent everything.
            var check = try await stage.server.livenessProbe()
            for _ in 0..<100 { #expect(await check.passes(within: .seconds(60))) }
            check.close()
            #expect(try await client.countToTheEnd() == count * Self.dunno.utf8.count)
        }
    }

    @Test func aClientThatDoesNotReadIsNotReadFromEither() async throws {
        try await ServerStage.run(try ServingTests.engine(), level: .none) { stage in
            let client = try Client(path: stage.path)
            let requests = Self.shortRequests(1_024)
            let limit = 2 << 20
            var check = try await stage.server.livenessProbe()
            var (sent, vain) = (0, 0)
            while sent < limit, vain < 100 {
                // Always from the beginning of a round, so that what was sent is whole rounds and a piece of one.
                let count = client.sendWhatFits(requests[(sent % requests.count)...])
                sent += count
                vain = count > 0 ? 0 : vain + 1
                // A server that reads does so before it answers this.
                #expect(await check.passes(within: .seconds(60)))
            }
            check.close()
            #expect(sent < limit)
            client.finish()
            for _ in 0..<100 { #expect(try await client.reply() == Self.dunno) }
        }
    }

    @Test func whatAStoreDoesNotAnswerIsAnsweredAtTheEndAllTheSame() async throws {
        let store = FickleStore(.holds)
        let client = try await ServerStage.run(
            try ServingTests.engine(), store: store, options: .with(\.grace, .milliseconds(50))
        ) { stage in
            let client = try Client(path: stage.path)
            try client.send(ServingTests.request())
            for await _ in store.batches { break }
            return client
        }
        #expect(try await client.reply() == Self.dunno)
        #expect(try await client.reply() == nil)
    }

    /// What was sent before the server was told to stop, on connections that were accepted.
    @Test(arguments: [1, 3])
    func whatWasAskedBeforeTheEndIsAnswered(_ threads: Int) async throws {
        let clients = try await ServerStage.run(try ServingTests.engine(), options: .with(\.threads, threads)) {
            stage in
            let clients = try (0..<100).map { _ in try Client(path: stage.path) }
            for client in clients {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.deferral)
            }
            for client in clients { try client.send(ServingTests.request()) }
            return clients
        }
        for client in clients {
            #expect(try await client.reply() == Self.deferral)
            #expect(try await client.reply() == nil)
        }
    }

    @Test func theWhitelistIsSwappedForTheNextRequest() async throws {
        try await ServerStage.run(try ServingTests.engine(), options: .with(\.threads, 2)) { stage in
            let clients = try (0..<4).map { _ in try Client(path: stage.path) }
            for client in clients {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.deferral)
            }
            let literal = try #require(AddressLiteral(Scenario.plain["recipient"] ?? ""))
            await stage.server.change { $0.change(whitelist: Whitelist([.init(.recipient(literal))], source: "x")) }
            for client in clients {
                try client.send(ServingTests.request())
                #expect(try await client.reply() == Self.dunno)
            }
        }
    }

    @Test(arguments: [1, 2])
    func manyConnectionsAreServedAtOnce(_ threads: Int) async throws {
        try await ServerStage.run(try ServingTests.engine(), level: .none, options: .with(\.threads, threads)) {
            stage in
            let clients = try (0..<300).map { _ in try Client(path: stage.path) }
            for round in 0..<3 {
                for (number, client) in clients.enumerated() {
                    try client.send(ServingTests.request(["sender": "s\(number).\(round)@example.org"]))
                }
                for client in clients { #expect(try await client.reply() == Self.deferral) }
            }
        }
    }
}
