import Engine
import Foundation
import Greylist
import LogOutput
import NIOCore
import ScenarioFiles
import Server
import Storage
import Testing
import Whitelists

/// The protocol on the socket: framing, order, limits, deadlines, and the end.
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

    @Test func aRequestInOneByteSteps() async throws {
        try await ServerStage.run(try Self.engine()) { stage in
            let client = try Client(path: stage.path)
            for byte in Self.request() { try client.send([byte]) }
            #expect(try await client.reply() == Self.deferral)
        }
    }

    @Test func severalRequestsInOneReadAreAnsweredInOrder() async throws {
        try await ServerStage.run(try Self.engine()) { stage in
            let client = try Client(path: stage.path)
            let data = Self.request(["protocol_state": "DATA"])
            try client.send(Self.request(["sender": "a@b"]) + data + Self.request(["sender": "a@b"]) + data)
            for expected in [Self.deferral, Self.dunno, Self.deferral, Self.dunno] {
                #expect(try await client.reply() == expected)
            }
        }
    }

    @Test func carriageReturnsAreTakenAndNotSent() async throws {
        try await ServerStage.run(try Self.engine()) { stage in
            let client = try Client(path: stage.path)
            let text = String(decoding: Self.request(), as: UTF8.self).replacingOccurrences(of: "\n", with: "\r\n")
            try client.send(Array(text.utf8))
            #expect(try await client.reply() == Self.deferral)
        }
    }

    @Test("an empty line too many gets no reply, and isn't logged", arguments: ["\n", "\r\n", "\n\n\r\n"])
    func emptyLines(_ blank: String) async throws {
        try await ServerStage.run(try Self.engine()) { stage in
            let client = try Client(path: stage.path)
            let data = Self.request(["protocol_state": "DATA"])
            try client.send(Array(blank.utf8) + Self.request() + Array(blank.utf8))
            #expect(try await client.reply() == Self.deferral)
            for byte in blank.utf8 { try client.send([byte]) }
            try client.send(data)
            #expect(try await client.reply() == Self.dunno)
            try client.send(Array(blank.utf8))
            client.finish()
            #expect(try await client.reply() == nil)
            #expect(await stage.logged("action=", times: 2))
            #expect(stage.log.count { $0.contains("action=") } == 2)
            #expect(!stage.log.contains { $0.hasPrefix("warning: ") })
        }
    }

    @Test func aStrayLineBeforeTheFirstRequestIsSkippedWithOneWarning() async throws {
        try await ServerStage.run(try Self.engine()) { stage in
            let client = try Client(path: stage.path)
            try client.send(Array("<<EOF\nhello\n".utf8) + Self.request())
            #expect(try await client.reply() == Self.deferral)
            try client.send(Self.request(["protocol_state": "DATA"]))
            #expect(try await client.reply() == Self.dunno)
            #expect(await stage.logged("skipped"))
            #expect(stage.log.count { $0.hasPrefix("warning: ") } == 1)
        }
    }

    @Test func whatManyClientsCauseIsNotLoggedEachTime() async throws {
        try await ServerStage.run(try Self.engine()) { stage in
            for _ in 0..<200 {
                let client = try Client(path: stage.path)
                try client.send(Array("QUIT\n".utf8))
                #expect(try await client.reply() == nil)
            }
            #expect(await stage.logged("disconnected without a reply"))
            #expect(stage.log.count { $0.contains("disconnected without a reply") } <= 20)
        }
    }

    @Test func aClientThatHasFinishedSendingGetsItsReply() async throws {
        let store = SlowStore()
        try await ServerStage.run(try Self.engine(), store: store) { stage in
            let client = try Client(path: stage.path)
            try client.send(Self.request())
            client.finish()
            while store.count == 0 { try await Task.sleep(for: .milliseconds(2)) }
            store.release()
            #expect(try await client.reply() == Self.deferral)
            #expect(try await client.reply() == nil)
        }
    }

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
    func aBrokenStreamIsClosedWithoutAReply(_ violation: Violation) async throws {
        try await ServerStage.run(try Self.engine()) { stage in
            let client = try Client(path: stage.path)
            try client.send(violation.bytes)
            #expect(try await client.reply() == nil)
            #expect(await stage.logged(violation.testDescription))
            #expect(stage.log.count { $0.hasPrefix("warning: ") } == 1)
        }
    }

    @Test func anEndInsideARequestIsWarnedOf() async throws {
        try await ServerStage.run(try Self.engine()) { stage in
            let client = try Client(path: stage.path)
            try client.send(Self.request(["protocol_state": "DATA"]) + Array("sender=a\n".utf8))
            client.finish()
            #expect(try await client.reply() == Self.dunno)
            #expect(try await client.reply() == nil)
            #expect(await stage.logged("ended inside a request"))
        }
    }

    @Test func aGoodRequestBeforeABrokenOneIsAnswered() async throws {
        let store = SlowStore()
        try await ServerStage.run(try Self.engine(), store: store) { stage in
            let client = try Client(path: stage.path)
            try client.send(Self.request() + Array("nonsense\n\n".utf8))
            while store.count == 0 { try await Task.sleep(for: .milliseconds(2)) }
            store.release()
            #expect(try await client.reply() == Self.deferral)
            #expect(try await client.reply() == nil)
        }
    }

    /// Requests of four bytes, each of which gets a reply of fourteen.
    private static func shortRequests(_ count: Int) -> [UInt8] {
        Array(String(repeating: "a=\n\n", count: count).utf8)
    }

    @Test func everyRequestBeforeTheEndOfInputGetsItsReply() async throws {
        try await ServerStage.run(try Self.engine(), level: .none) { stage in
            let client = try Client(path: stage.path)
            let count = 60_000
            async let received = client.countToTheEnd()
            let sent = try await client.flood(Self.shortRequests(250), limit: Self.shortRequests(count).count)
            #expect(sent == Self.shortRequests(count).count)
            client.finish()
            #expect(try await received == count * Self.dunno.utf8.count)
        }
    }

    @Test func repliesThatAreReadLateAreAllThere() async throws {
        try await ServerStage.run(try Self.engine(), level: .none) { stage in
            let client = try Client(path: stage.path)
            let count = 30_000
            let requests = Self.shortRequests(count)
            #expect(try await client.flood(requests, limit: requests.count) == requests.count)
            client.finish()
            // By now the server has seen the end, and can't have sent everything.
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await client.countToTheEnd() == count * Self.dunno.utf8.count)
        }
    }

    @Test func halfRequestsDoNotShutOthersOut() async throws {
        try await ServerStage.run(try Self.engine(), options: .with(\.maxConnections, 4)) { stage in
            let hostile = try (0..<4).map { _ in try Client(path: stage.path) }
            for client in hostile { try client.send(Array("r".utf8)) }
            for number in 0..<8 {
                let client = try Client(path: stage.path)
                try client.send(Self.request(["sender": "s\(number)@example.org"]))
                #expect(try await client.reply() == Self.deferral)
            }
        }
    }

    @Test func whatAStoreDoesNotAnswerIsAnsweredAtTheEndAllTheSame() async throws {
        let store = SlowStore()
        let client = try await ServerStage.run(
            try Self.engine(), store: store, options: .with(\.grace, .milliseconds(50))
        ) { stage in
            let client = try Client(path: stage.path)
            try client.send(Self.request())
            while store.count == 0 { try await Task.sleep(for: .milliseconds(2)) }
            return client
        }
        #expect(try await client.reply() == Self.dunno)
        #expect(try await client.reply() == nil)
    }

    @Test func theLongestSilentConnectionMakesRoom() async throws {
        try await ServerStage.run(try Self.engine(), options: .with(\.maxConnections, 4)) { stage in
            let early = try (0..<4).map { _ in try Client(path: stage.path) }
            for client in early {
                try client.send(Self.request())
                #expect(try await client.reply() == Self.deferral)
            }
            let late = try Client(path: stage.path)
            try late.send(Self.request())
            #expect(try await late.reply() == Self.deferral)
            #expect(await stage.logged("connection limit (4) reached"))
            // One of the early ones is gone, three are served.
            var gone = 0
            for client in early {
                try? client.send(Self.request())
                if try await client.reply() == nil { gone += 1 }
            }
            #expect(gone == 1)
        }
    }

    @Test func aClientThatDoesNotReadIsNotReadFromEither() async throws {
        try await ServerStage.run(try Self.engine(), level: .none) { stage in
            let client = try Client(path: stage.path)
            let limit = 2 << 20
            let sent = try await client.flood(Self.shortRequests(1_024), limit: limit)
            #expect(sent < limit)
            client.finish()
            for _ in 0..<100 { #expect(try await client.reply() == Self.dunno) }
        }
    }

    @Test func aSilentConnectionIsClosedInTheEnd() async throws {
        try await ServerStage.run(try Self.engine(), options: .with(\.idleTimeout, .milliseconds(200))) { stage in
            let client = try Client(path: stage.path)
            try client.send(Self.request() + Array("half=".utf8))
            #expect(try await client.reply() == Self.deferral)
            #expect(try await client.reply() == nil)
        }
    }

    /// What makes no request keeps no connection open.
    @Test(arguments: ["\n", "\r\n", "x"])
    func aConnectionThatNeverAsksIsClosedInTheEnd(_ bytes: String) async throws {
        try await ServerStage.run(try Self.engine(), options: .with(\.idleTimeout, .milliseconds(400))) { stage in
            let client = try Client(path: stage.path)
            // Nobody takes any more once the connection is closed: that ends long before the limits of the decoder do.
            var sent = 0
            while sent < 400, (try? client.send(Array(bytes.utf8))) != nil {
                sent += 1
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(sent < 400)
            #expect(!stage.log.contains { $0.hasPrefix("warning: ") })
        }
    }

    @Test func whatIsInFlightIsFinishedAtTheEnd() async throws {
        let store = SlowStore()
        let (waiting, halfway, idle) = try await ServerStage.run(
            try Self.engine(), store: store, options: .with(\.grace, .seconds(60))
        ) { stage in
            let clients = (try Client(path: stage.path), try Client(path: stage.path), try Client(path: stage.path))
            try clients.0.send(Self.request())
            try clients.1.send(Array("request=smtpd_access_policy\nsend".utf8))
            while store.count == 0 { try await Task.sleep(for: .milliseconds(2)) }
            Task {
                try await Task.sleep(for: .milliseconds(100))
                store.release()
            }
            return clients
        }
        #expect(try await waiting.reply() == Self.deferral)
        #expect(try await waiting.reply() == nil)
        #expect(try await halfway.reply() == nil)
        #expect(try await idle.reply() == nil)
    }

    /// What was sent before the server was told to stop, on connections that were accepted.
    @Test(arguments: [1, 3])
    func whatWasAskedBeforeTheEndIsAnswered(_ threads: Int) async throws {
        let clients = try await ServerStage.run(try Self.engine(), options: .with(\.threads, threads)) { stage in
            let clients = try (0..<100).map { _ in try Client(path: stage.path) }
            for client in clients {
                try client.send(Self.request())
                #expect(try await client.reply() == Self.deferral)
            }
            for client in clients { try client.send(Self.request()) }
            return clients
        }
        for client in clients {
            #expect(try await client.reply() == Self.deferral)
            #expect(try await client.reply() == nil)
        }
    }

    @Test func theWhitelistIsSwappedForTheNextRequest() async throws {
        try await ServerStage.run(try Self.engine(), options: .with(\.threads, 2)) { stage in
            let clients = try (0..<4).map { _ in try Client(path: stage.path) }
            for client in clients {
                try client.send(Self.request())
                #expect(try await client.reply() == Self.deferral)
            }
            let literal = try #require(AddressLiteral(Scenario.plain["recipient"] ?? ""))
            await stage.server.change { $0.change(whitelist: Whitelist([.init(.recipient(literal))], source: "x")) }
            for client in clients {
                try client.send(Self.request())
                #expect(try await client.reply() == Self.dunno)
            }
        }
    }

    @Test(arguments: [1, 2])
    func manyConnectionsAreServedAtOnce(_ threads: Int) async throws {
        try await ServerStage.run(try Self.engine(), level: .none, options: .with(\.threads, threads)) { stage in
            let clients = try (0..<300).map { _ in try Client(path: stage.path) }
            for round in 0..<3 {
                for (number, client) in clients.enumerated() {
                    try client.send(Self.request(["sender": "s\(number).\(round)@example.org"]))
                }
                for client in clients { #expect(try await client.reply() == Self.deferral) }
            }
        }
    }

    @Test(arguments: [(LogLevel.none, 0), (.warnings, 0), (.info, 1), (.debug, 2)])
    func theLevelDecidesWhatIsLogged(_ level: LogLevel, _ lines: Int) async throws {
        let count = try await ServerStage.run(try Self.engine(), level: level) { stage in
            let client = try Client(path: stage.path)
            try client.send(Self.request() + Self.request(["protocol_state": "DATA"]))
            _ = try await client.reply()
            _ = try await client.reply()
            if lines > 0 { #expect(await stage.logged("action=greylist")) }
            if lines > 1 {
                #expect(await stage.logged("not asked at RCPT"))
                for step in ["request", "envelope", "whitelist", "store", "reply"] {
                    #expect(stage.log.contains { $0.hasPrefix("debug: step=\(step), ") })
                }
            }
            return stage.log.count { $0.hasPrefix("action=") }
        }
        #expect(count == lines)
    }
}
