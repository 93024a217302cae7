import Engine
import Foundation
import Greylist
import LogOutput
import NIOCore
import ScenarioFiles
import Storage
import Testing

@testable import Server

/// The protocol on one event loop, without a socket: framing, order and replies, broken streams, the end.
struct ServingTests {
    static let deferral = "action=DEFER_IF_PERMIT Greylisted, please retry in 300 seconds\n\n"
    static let dunno = "action=DUNNO\n\n"

    static func engine(_ change: (inout PolicyEngine.Options) -> Void = { _ in }) throws -> PolicyEngine {
        var engine = try Scenario(name: "plain", text: "").engine()
        var options = engine.options
        change(&options)
        engine.change(options: options)
        return engine
    }

    static func request(_ changes: [String: String] = [:]) -> [UInt8] {
        Scenario.bytes(of: Scenario.plain.merging(changes) { $1 })
    }

    /// A request that the store has no say in.
    private static let data = request(["protocol_state": "DATA"])

    // MARK: Framing

    @Test func aRequestInOneByteSteps() throws {
        let client = try LoopStage(try Self.engine()).connect()
        for byte in Self.request() {
            #expect(try client.reply() == nil)
            try client.send([byte])
        }
        #expect(try client.reply() == Self.deferral)
    }

    @Test func carriageReturnsAreTakenAndNotSent() throws {
        let client = try LoopStage(try Self.engine()).connect()
        let text = String(decoding: Self.request(), as: UTF8.self).replacingOccurrences(of: "\n", with: "\r\n")
        #expect(try client.ask(Array(text.utf8)) == Self.deferral)
    }

    @Test("an empty line too many gets no reply, and isn't logged", arguments: ["\n", "\r\n", "\n\n\r\n"])
    func emptyLines(_ blank: String) throws {
        let stage = LoopStage(try Self.engine())
        let client = try stage.connect()
        #expect(try client.ask(Array(blank.utf8) + Self.request() + Array(blank.utf8)) == Self.deferral)
        for byte in blank.utf8 { try client.send([byte]) }
        #expect(try client.ask(Self.data) == Self.dunno)
        try client.send(Array(blank.utf8))
        client.finish()
        #expect(try client.reply() == nil)
        #expect(client.isClosed)
        #expect(stage.log.count { $0.contains("action=") } == 2)
        #expect(!stage.log.contains { $0.hasPrefix("warning: ") })
    }

    @Test func aStrayLineBeforeTheFirstRequestIsSkippedWithOneWarning() throws {
        let stage = LoopStage(try Self.engine())
        let client = try stage.connect()
        #expect(try client.ask(Array("<<EOF\nhello\n".utf8) + Self.request()) == Self.deferral)
        #expect(try client.ask(Self.data) == Self.dunno)
        #expect(stage.log.count { $0.contains("skipped") } == 1)
        #expect(stage.log.count { $0.hasPrefix("warning: ") } == 1)
    }

    // MARK: Order and replies

    @Test("with close_after_reply a connection gets one reply, and is closed", arguments: [request(), data])
    func closesAfterReply(_ first: [UInt8]) throws {
        let stage = LoopStage(try Self.engine(), options: .with(\.closesAfterReply, true))
        let client = try stage.connect()
        try client.send(first + Self.request(["sender": "other@example.org"]))
        #expect(try client.reply() == (first == Self.data ? Self.dunno : Self.deferral))
        #expect(try client.reply() == nil)
        #expect(client.isClosed)
        #expect(stage.log.count { $0.contains("action=") } == 1)
    }

    @Test func severalRequestsInOneReadAreAnsweredInOrder() throws {
        let client = try LoopStage(try Self.engine()).connect()
        try client.send(Self.request(["sender": "a@b"]) + Self.data + Self.request(["sender": "a@b"]) + Self.data)
        for expected in [Self.deferral, Self.dunno, Self.deferral, Self.dunno] {
            #expect(try client.reply() == expected)
        }
        #expect(try client.reply() == nil)
    }

    /// What comes while a request is with the store waits for its reply, in one read or in many.
    @Test(arguments: [false, true])
    func nothingOvertakesARequestThatIsWithTheStore(_ isOneRead: Bool) throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(try Self.engine(), store: store)
        let client = try stage.connect()
        let requests = [Self.request(), Self.data, Self.request(["sender": "a@b"]), Self.data]
        for part in isOneRead ? [requests.flatMap { $0 }] : requests { try client.send(part) }
        #expect(try client.reply() == nil)
        #expect(store.held == 1)
        // The third one goes to the store in turn.
        store.releaseOne()
        stage.endTurn()
        for expected in [Self.deferral, Self.dunno, nil] { #expect(try client.reply() == expected) }
        #expect(store.held == 1)
        store.releaseOne()
        for expected in [Self.deferral, Self.dunno, nil] { #expect(try client.reply() == expected) }
        #expect(store.asked == 2)
    }

    /// All that was asked in one turn of the loop goes to the store together.
    @Test func whatComesInOneTurnIsOneBatch() throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(try Self.engine(), store: store)
        let clients = try (0..<10).map { _ in try stage.connect() }
        for (number, client) in clients.enumerated() {
            try client.send(Self.request(["sender": "s\(number)@example.org"]), endsTurn: false)
        }
        #expect(store.asked == 0)
        stage.endTurn()
        #expect(store.asked == 1)
        for client in clients { #expect(try client.reply() == nil) }
        store.release()
        for client in clients { #expect(try client.reply() == Self.deferral) }
    }

    /// A later batch may be answered first.
    @Test func batchesAreAnsweredInAnyOrder() throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(try Self.engine(), store: store)
        let (first, second) = (try stage.connect(), try stage.connect())
        try first.send(Self.request())
        stage.pass(.seconds(1))
        try second.send(Self.request(["sender": "a@b"]))
        store.releaseOne(at: 1)
        #expect(try first.reply() == nil)
        #expect(try second.reply() == Self.deferral)
        store.releaseOne()
        #expect(try first.reply() == Self.deferral)
        #expect(try second.reply() == nil)
    }

    @Test func aClientThatIsGoneTakesNoOtherOnesReply() throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(try Self.engine(), store: store)
        let (gone, client) = (try stage.connect(), try stage.connect())
        try gone.send(Self.request(), endsTurn: false)
        try client.send(Self.request(["sender": "a@b"]))
        gone.breaks(IOError(errnoCode: ECONNRESET, reason: "read"))
        #expect(gone.isClosed)
        store.release()
        #expect(try gone.reply() == nil)
        #expect(try client.reply() == Self.deferral)
    }

    // MARK: Broken streams

    struct Violation: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]

        init(_ message: String, _ text: String) {
            testDescription = message
            bytes = Array(text.utf8)
        }
    }

    static let violations = [
        Violation("is longer than 8192 bytes", "sender=" + String(repeating: "x", count: 9_000)),
        Violation("more than 200 attributes", String(repeating: "a=b\n", count: 201)),
        Violation(
            "longer than 65536 bytes",
            String(repeating: "a=" + String(repeating: "x", count: 4_000) + "\n", count: 17)),
        Violation("malformed attribute (expected name=value)", "GET / HTTP/1.1\r\n\r\n"),
        Violation("not smtpd_access_policy", "request=other\n\n"),
    ]

    @Test(arguments: violations)
    func aBrokenStreamIsClosedWithoutAReply(_ violation: Violation) throws {
        let stage = LoopStage(try Self.engine())
        let client = try stage.connect()
        #expect(try client.ask(violation.bytes) == nil)
        #expect(client.isClosed)
        #expect(stage.log.count { $0.contains(violation.testDescription) } == 1)
        #expect(stage.log.count { $0.hasPrefix("warning: ") } == 1)
    }

    @Test func aGoodRequestBeforeABrokenOneIsAnswered() throws {
        let store = FickleStore(.holds)
        let client = try LoopStage(try Self.engine(), store: store).connect()
        #expect(try client.ask(Self.request() + Array("nonsense\n\n".utf8)) == nil)
        #expect(!client.isClosed)
        store.release()
        #expect(try client.reply() == Self.deferral)
        #expect(client.isClosed)
    }

    @Test func whatManyClientsCauseIsNotLoggedEachTime() throws {
        let stage = LoopStage(try Self.engine())
        for _ in 0..<200 {
            let client = try stage.connect()
            #expect(try client.ask(Array("QUIT\n".utf8)) == nil)
            #expect(client.isClosed)
        }
        #expect(stage.log.count { $0.contains("disconnected without a reply") } == 10)
        stage.pass(.seconds(60))
        #expect(stage.log.last == "warning: 190 similar messages suppressed: clients disconnected without a reply")
    }

    // MARK: The end of a client, and of the server

    @Test func aClientThatHasFinishedSendingGetsItsReply() throws {
        let store = FickleStore(.holds)
        let client = try LoopStage(try Self.engine(), store: store).connect()
        try client.send(Self.request())
        client.finish()
        #expect(!client.isClosed)
        store.release()
        #expect(try client.reply() == Self.deferral)
        #expect(client.isClosed)
    }

    @Test func anEndInsideARequestIsWarnedOf() throws {
        let stage = LoopStage(try Self.engine())
        let client = try stage.connect()
        try client.send(Self.data + Array("sender=a\n".utf8))
        client.finish()
        #expect(try client.reply() == Self.dunno)
        #expect(try client.reply() == nil)
        #expect(client.isClosed)
        #expect(stage.log.count { $0.contains("ended inside a request") } == 1)
    }

    @Test func whatIsInFlightIsFinishedAtTheEnd() throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(try Self.engine(), store: store)
        let (waiting, halfway, idle) = (try stage.connect(), try stage.connect(), try stage.connect())
        try waiting.send(Self.request())
        try halfway.send(Array("request=smtpd_access_policy\nsend".utf8))
        stage.registry.end()
        stage.endTurn()
        #expect(halfway.isClosed && idle.isClosed && !waiting.isClosed)
        let late = try stage.connect()
        stage.endTurn()
        #expect(late.isClosed)
        store.release()
        #expect(try waiting.reply() == Self.deferral)
        #expect(waiting.isClosed)
        #expect(try halfway.reply() == nil)
        #expect(stage.registry.count == 0)
    }

    @Test func whatAStoreDoesNotAnswerIsAnsweredAtTheEndAllTheSame() throws {
        let store = FickleStore(.holds)
        let stage = LoopStage(try Self.engine(), store: store)
        let client = try stage.connect()
        #expect(try client.ask(Self.request()) == nil)
        stage.registry.end()
        stage.pipeline.settleAll()
        #expect(try client.reply() == Self.dunno)
        #expect(client.isClosed)
        store.release()
        #expect(try client.reply() == nil)
    }

    // MARK: The log

    @Test(arguments: [(LogLevel.none, 0), (.warnings, 0), (.info, 1), (.debug, 2)])
    func theLevelDecidesWhatIsLogged(_ level: LogLevel, _ lines: Int) throws {
        let stage = LoopStage(try Self.engine(), level: level)
        let client = try stage.connect()
        try client.send(Self.request() + Self.data)
        #expect(try client.reply() == Self.deferral)
        #expect(try client.reply() == Self.dunno)
        #expect(stage.log.count { $0.hasPrefix("action=") } == lines)
        #expect(stage.log.contains { $0.contains("action=greylist") } == (lines > 0))
        #expect(stage.log.contains { $0.contains("not asked at RCPT") } == (lines > 1))
        for step in ["request", "envelope", "whitelist", "store", "reply"] {
            #expect(stage.log.contains { $0.hasPrefix("debug: step=\(step), ") } == (lines > 1))
        }
    }
}
