import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import Web

@Suite("What a client of the page may cost", .timeLimit(.minutes(2)))
struct WebLimitsTests {
    private static let request = "GET /echo HTTP/1.1\r\nHost: localhost\r\n"

    @Test("a silent connection is closed after 10 s, before its first request and between two")
    func idle() async throws {
        try await WebStage.run([.echo]) { stage in
            let (silent, active) = (try await stage.connect(), try await stage.connect())
            await stage.pass(.seconds(9))
            try await active.ask("/echo")
            _ = try await active.answer()
            #expect(silent.isOpen)
            await stage.pass(.seconds(1))
            #expect(!silent.isOpen)
            #expect(try await silent.rest().isEmpty)
            await stage.pass(.seconds(8))
            #expect(active.isOpen)
            await stage.pass(.seconds(1))
            #expect(!active.isOpen)
        }
    }

    @Test("half a head is waited for 10 s, however many bytes come meanwhile")
    func slowHead() async throws {
        try await WebStage.run([.echo]) { stage in
            let client = try await stage.connect()
            try await client.send("\r\n\r\n")
            await stage.pass(.seconds(5))
            try await client.send("GET /echo HTTP/1.1\r\nHost: localhost\r\nX: ")
            for _ in 0..<9 {
                await stage.pass(.seconds(1))
                try await client.send("x")
            }
            #expect(client.isOpen)
            await stage.pass(.seconds(1))
            #expect(try await client.answer().status == 408)
            #expect(!client.isOpen)
        }
    }

    @Test("a head of 8 KiB is served, and one byte more is not")
    func largeHead() async throws {
        try await WebStage.run([.echo]) { stage in
            let room = 8_192 - Self.request.utf8.count - "X: \r\n\r\n".utf8.count
            for (size, status) in [(room, 200), (room + 1, 431)] {
                let client = try await stage.connect()
                try await client.send(Self.request + "X: " + String(repeating: "y", count: size) + "\r\n\r\n")
                #expect(try await client.answer().status == status)
                #expect(client.isOpen == (status == 200))
            }
            // Neither names nor values: the decoder alone would wait for their end.
            let client = try await stage.connect()
            try await client.send(Self.request + "X:" + String(repeating: " ", count: 10_000))
            #expect(try await client.answer().status == 431)
        }
    }

    @Test("of what a client sends without waiting 64 KiB are kept; what is answered then is whole")
    func muchAtOnce() async throws {
        let gate = Gate()
        try await WebStage.run([.echo, .gated(gate)]) { stage in
            let client = try await stage.connect()
            try await client.ask("/gated")
            let rest = " HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "x", count: 2_000))\r\n\r\n"
            var (kept, waiting) = (0, 0)
            for number in 1...60 {
                let request = "GET /echo?q=\(number)" + rest
                if waiting <= 65_536 { (kept, waiting) = (number, waiting + request.utf8.count) }
                try await client.send(request)
            }
            gate.open()
            _ = try await client.answer()
            for number in 1...kept { #expect(try await client.answer().text == "/echo q=\(number)\n") }
            // What comes after a gap could be anything.
            try await client.ask("/echo")
            await client.finish()
            await #expect(throws: WebClient.Closed.self) { try await client.answer() }
            #expect(try await client.rest().isEmpty)
        }
    }

    @Test("a route that takes too long is cancelled, and the client told")
    func slowRoute() async throws {
        let (begun, cancelled) = (Gate(), Gate())
        try await WebStage.run([.endless(begun: begun, cancelled: cancelled)]) { stage in
            let client = try await stage.connect()
            try await client.ask("/endless")
            await begun.pass()
            await stage.pass(.seconds(9))
            #expect(try await client.rest().isEmpty)
            await stage.pass(.seconds(1))
            #expect(try await client.answer().status == 503)
            await cancelled.pass()
            #expect(!client.isOpen)
        }
    }

    @Test("a route is cancelled when its client goes")
    func goneClient() async throws {
        let (begun, cancelled) = (Gate(), Gate())
        try await WebStage.run([.endless(begun: begun, cancelled: cancelled)]) { stage in
            let client = try await stage.connect()
            try await client.ask("/endless")
            await begun.pass()
            try await client.close()
            await cancelled.pass()
        }
    }

    @Test("a client that takes nothing of its response is left after 10 s")
    func slowReader() async throws {
        try await WebStage.run([.echo]) { stage in
            let client = try await stage.connect(takes: false)
            try await client.ask("/nothing")
            await stage.pass(.seconds(9))
            #expect(client.isOpen)
            await stage.pass(.seconds(1))
            #expect(!client.isOpen)
        }
    }

    @Test("of too many connections the longest idle one gives way, and that is said once")
    func tooMany() async throws {
        try await WebStage.run([.echo]) { stage in
            var clients: [WebClient] = []
            for _ in 0..<16 {
                clients.append(try await stage.connect())
                await stage.pass(.milliseconds(1))
            }
            // The first one has got further than the second, and the third not: it has sent half a head.
            try await clients[0].ask("/echo")
            _ = try await clients[0].answer()
            try await clients[2].send("GET /")
            await stage.pass(.milliseconds(1))
            #expect(clients.allSatisfy { $0.isOpen })
            let newcomers = [try await stage.connect(), try await stage.connect()]
            let areOpen = (clients + newcomers).map(\.isOpen)
            #expect(areOpen == [true, false, false] + [Bool](repeating: true, count: 15))
            try await newcomers[1].ask("/echo")
            #expect(try await newcomers[1].answer().status == 200)
            #expect(stage.events.withLockedValue { $0 } == [.connectionLimit(16)])
        }
    }

    @Test("it is said again that there are too many only after they were few")
    func tooManyAgain() async throws {
        var limits = WebLimits()
        limits.connections = 4
        try await WebStage.run([.echo], limits: limits) { stage in
            for _ in 0..<2 {
                for _ in 0..<6 { _ = try await stage.connect() }
                await stage.pass(.seconds(10))
            }
            #expect(stage.events.withLockedValue { $0 } == [.connectionLimit(4), .connectionLimit(4)])
        }
    }

    @Test("while routes are at work for all, newcomers are closed; a route counts until it has ended")
    func allBusy() async throws {
        let gate = Gate()
        try await WebStage.run([.echo, .gated(gate)]) { stage in
            var clients: [WebClient] = []
            for _ in 0..<16 {
                let client = try await stage.connect()
                try await client.ask("/gated")
                clients.append(client)
            }
            #expect(try await !stage.connect().isOpen)
            // Those who ask and leave make no room for more routes.
            for client in clients.dropFirst() { try await client.close() }
            #expect(try await !stage.connect().isOpen)
            gate.open()
            #expect(try await clients[0].answer().text == "passed\n")
            try await waitUntil("the routes of those who left have ended") { try await stage.connect().isOpen }
        }
    }

    @Test("a listener that can't accept pauses, and says so once")
    func accepting() async throws {
        let events = NIOLockedValueBox<[WebEvent]>([])
        let loop = EmbeddedEventLoop()
        let channel = EmbeddedChannel(
            handler: WebAcceptErrorHandler { event in events.withLockedValue { $0.append(event) } }, loop: loop)
        func reads() -> [Bool] { channel.options.compactMap { $0.value as? Bool } }
        for _ in 0..<3 { channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept")) }
        #expect(reads() == [false])
        loop.advanceTime(by: .milliseconds(200))
        #expect(reads() == [true])
        for _ in 0..<2 { try channel.writeInbound(EmbeddedChannel(loop: loop) as any Channel) }
        let said = events.withLockedValue { $0 }
        #expect(said.count == 2 && said.last == .acceptsAgain)
        #expect(said.first?.description.contains("accept") == true)
        _ = try channel.finish()
    }

    @Test("at the end an answer that is being made is sent, and all else is closed")
    func ending() async throws {
        let gate = Gate()
        try await WebStage.run([.echo, .gated(gate)]) { stage in
            let (busy, idle) = (try await stage.connect(), try await stage.connect())
            try await busy.ask("/gated")
            let drained = try await stage.end(within: .seconds(1))
            #expect(!idle.isOpen)
            #expect(busy.isOpen)
            #expect(try await !stage.connect().isOpen)
            gate.open()
            let answer = try await busy.answer()
            #expect(answer.text == "passed\n")
            #expect(answer.values("Connection") == ["close"])
            #expect(try await drained.get())
        }
    }

    @Test("at the end what takes too long is cut off, and a route that doesn't see it isn't waited for")
    func endingLate() async throws {
        let (gate, begun, cancelled) = (Gate(), Gate(), Gate())
        try await WebStage.run([.gated(gate), .endless(begun: begun, cancelled: cancelled)]) { stage in
            let (deaf, endless) = (try await stage.connect(), try await stage.connect())
            try await deaf.ask("/gated")
            try await endless.ask("/endless")
            await begun.pass()
            let drained = try await stage.end(within: .seconds(1))
            await stage.pass(.milliseconds(999))
            #expect(deaf.isOpen && endless.isOpen)
            await stage.pass(.milliseconds(1))
            #expect(!deaf.isOpen && !endless.isOpen)
            await cancelled.pass()
            await stage.pass(.seconds(1))
            #expect(try await !drained.get())
            gate.open()
            try await waitUntil("the route has ended") { try await stage.isEmpty() }
        }
    }
}

extension WebStage {
    fileprivate func end(within grace: TimeAmount) async throws -> EventLoopFuture<Bool> {
        try await loop.executeInContext { [connections] in connections.value.end(within: grace) }
    }

    fileprivate func isEmpty() async throws -> Bool {
        try await end(within: .seconds(0)).get()
    }
}
