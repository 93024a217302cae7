import LogOutput
import NIOCore
import Policy
import Storage
import Testing

@testable import Server

/// What one client can take from the others: connections, time and memory.
struct ConnectionLimitTests {
    private static let deferral = ServingTests.deferral
    private static let dunno = ServingTests.dunno

    // MARK: How many

    @Test func theLongestSilentConnectionMakesRoom() throws {
        let stage = LoopStage(try ServingTests.engine(), options: .with(\.maxConnections, 4))
        let early = try (0..<4).map { _ in try stage.connect() }
        for client in early { #expect(try client.ask(ServingTests.request()) == Self.deferral) }
        // Who asks again is no longer the longest silent.
        #expect(try early[0].ask(ServingTests.request()) == Self.deferral)
        let late = try stage.connect()
        #expect(try late.ask(ServingTests.request()) == Self.deferral)
        #expect(early.map(\.isClosed) == [false, true, false, false])
        for client in [early[0], early[2], early[3]] {
            #expect(try client.ask(ServingTests.request()) == Self.deferral)
        }
        #expect(stage.log.count { $0.contains("connection limit (4) reached") } == 1)
        #expect(stage.registry.count == 4)
    }

    @Test func halfRequestsDoNotShutOthersOut() throws {
        let stage = LoopStage(try ServingTests.engine(), options: .with(\.maxConnections, 4))
        for _ in 0..<4 { try stage.connect().send(Array("r".utf8)) }
        for number in 0..<8 {
            let request = ServingTests.request(["sender": "s\(number)@example.org"])
            #expect(try stage.connect().ask(request) == Self.deferral)
        }
        #expect(stage.registry.count == 4)
    }

    /// One whose request is with the store is not silent.
    @Test func whoWaitsForTheStoreKeepsItsPlace() throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(try ServingTests.engine(), store: store, options: .with(\.maxConnections, 2))
        let waiting = try stage.connect()
        try waiting.send(ServingTests.request())
        let silent = try stage.connect()
        _ = try stage.connect()
        #expect(silent.isClosed && !waiting.isClosed)
        store.release()
        #expect(try waiting.reply() == Self.deferral)
    }

    // MARK: How long

    @Test func aSilentConnectionIsClosedInTheEnd() throws {
        let stage = LoopStage(try ServingTests.engine(), options: .with(\.idleTimeout, .seconds(1_200)))
        let client = try stage.connect()
        #expect(try client.ask(ServingTests.request() + Array("half=".utf8)) == Self.deferral)
        stage.pass(.seconds(1_199))
        #expect(!client.isClosed)
        // It is looked at twenty times in that span.
        stage.pass(.seconds(121))
        #expect(client.isClosed)
        #expect(try client.reply() == nil)
    }

    @Test func whoAsksNowAndThenIsNotClosed() throws {
        let stage = LoopStage(try ServingTests.engine(), options: .with(\.idleTimeout, .seconds(1_200)))
        let client = try stage.connect()
        for number in 0..<10 {
            #expect(try client.ask(ServingTests.request(["sender": "s\(number)@example.org"])) == Self.deferral)
            stage.pass(.seconds(1_100))
        }
        #expect(!client.isClosed)
    }

    /// What makes no request keeps no connection open.
    @Test(arguments: ["\n", "\r\n", "x"])
    func aConnectionThatNeverAsksIsClosedInTheEnd(_ bytes: String) throws {
        let stage = LoopStage(try ServingTests.engine(), options: .with(\.idleTimeout, .seconds(1_200)))
        let client = try stage.connect()
        // That ends before the limits of the decoder do.
        for _ in 0..<100 where !client.isClosed {
            try client.send(Array(bytes.utf8))
            stage.pass(.seconds(15))
        }
        #expect(client.isClosed)
        #expect(!stage.log.contains { $0.hasPrefix("warning: ") })
    }

    // MARK: How much

    /// Requests of four bytes, each of which gets a reply of fourteen.
    private static func shortRequests(_ count: Int) -> [UInt8] {
        Array(String(repeating: "a=\n\n", count: count).utf8)
    }

    @Test func aClientThatDoesNotReadIsNotReadFromEither() throws {
        let client = try LoopStage(try ServingTests.engine(), level: .none).connect()
        #expect(client.isReadFrom)
        try client.send(Self.shortRequests(10))
        client.takesReplies(false)
        #expect(!client.isReadFrom)
        client.takesReplies(true)
        #expect(client.isReadFrom)
        for _ in 0..<10 { #expect(try client.reply() == Self.dunno) }
    }

    /// So much waits while a request is with the store, and no more.
    @Test func whatWaitsBehindARequestIsBounded() throws {
        let store = FickleStore(.holds)
        let client = try LoopStage(try ServingTests.engine(), store: store, level: .none).connect()
        try client.send(ServingTests.request())
        let most = PolicyLimits().request
        try client.send(Self.shortRequests(most / 4))
        #expect(client.isReadFrom)
        try client.send(Self.shortRequests(1))
        #expect(!client.isReadFrom)
        store.release()
        #expect(try client.reply() == Self.deferral)
        for _ in 0..<most / 4 + 1 { #expect(try client.reply() == Self.dunno) }
        #expect(try client.reply() == nil)
        #expect(client.isReadFrom)
    }
}
