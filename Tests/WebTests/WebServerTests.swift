import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import Web

@Suite("The web server on sockets", .timeLimit(.minutes(5)))
struct WebServerTests {
    /// Serves at a free port while `body` runs.
    private func serve(
        _ routes: [WebRoute] = [.echo], limits: WebLimits = WebLimits(),
        _ body: (Endpoint, WebServer) async throws -> Void
    ) async throws {
        let (port, descriptor) = try Ports.listening(blocks: false)
        let listener = WebListener(descriptor: descriptor, address: .inet("127.0.0.1", port: Int(port)))
        try await serve(listener, routes, limits: limits) { server in try await body(.inet(port), server) }
    }

    private func serve(
        _ listener: WebListener, _ routes: [WebRoute], limits: WebLimits = WebLimits(),
        _ body: (WebServer) async throws -> Void
    ) async throws {
        let server = WebServer(
            listeners: [listener], options: WebOptions(hosts: [], limits: limits),
            access: WebAccess(now: MovedClock().now), routes: routes, log: { _ in })
        try await server.start()
        do { try await body(server) } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    @Test("requests are answered, also all at once, and to one who has closed its side")
    func serving() async throws {
        try await serve { endpoint, _ in
            let client = try RawClient(endpoint)
            try client.ask("/echo?q=1", host: "127.0.0.1")
            #expect(try await client.answer().text == "/echo q=1\n")
            try client.ask("/echo?q=1", method: "HEAD")
            #expect(try await client.answer(hasBody: false).values("Content-Length") == ["10"])
            let requests = (1...5).map { "GET /echo?q=\($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }
            try client.send(requests.joined())
            client.finish()
            #expect(try await client.answers().map(\.text) == (1...5).map { "/echo q=\($0)\n" })
        }
    }

    @Test("100 requests at once from one who has closed its side are 100 answers")
    func manyAtOnce() async throws {
        try await serve { endpoint, _ in
            let client = try RawClient(endpoint)
            let rest = " HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "x", count: 400))\r\n\r\n"
            try client.send((1...100).map { "GET /echo?q=\($0)" + rest }.joined())
            client.finish()
            #expect(try await client.answers().map(\.text) == (1...100).map { "/echo q=\($0)\n" })
        }
    }

    @Test("a large response comes whole")
    func large() async throws {
        try await serve([.large(5_000_000)]) { endpoint, _ in
            let client = try RawClient(endpoint)
            try client.ask("/large")
            #expect(try await client.answer().body.count == 5_000_000)
        }
    }

    @Test("a unix socket answers by any name, and its file stays")
    func unix() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let endpoint = Endpoint.unix(directory.file("http"))
        let listener = WebListener(
            descriptor: try endpoint.listen(), address: .unix(directory.file("http")))
        try await serve(listener, [.echo]) { _ in
            let client = try RawClient(endpoint)
            try client.ask("/echo", host: "any.example")
            #expect(try await client.answer().status == 200)
        }
        #expect(directory.names == ["http"])
        #expect(throws: TestError.self) { try RawClient(endpoint) }
    }

    @Test("half a head is not waited for")
    func halfHead() async throws {
        var limits = WebLimits()
        limits.transfer = .milliseconds(50)
        try await serve(limits: limits) { endpoint, _ in
            let client = try RawClient(endpoint)
            try client.send("GET /echo HTTP/1.1\r\nHost: loc")
            #expect(try await client.answers().map(\.status) == [408])
        }
    }

    @Test("a client that is refused can read why, though it goes on sending")
    func refusal() async throws {
        try await serve { endpoint, _ in
            for _ in 0..<20 {
                let client = try RawClient(endpoint)
                let body = String(repeating: "x", count: 200_000)
                try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" + body)
                #expect(try await client.answers().map(\.status) == [405])
            }
        }
    }

    @Test("2,000 silent connections shut nobody out, and the server keeps 16")
    func crowd() async throws {
        var limits = WebLimits()
        // Silence must not see them off, and they come as fast as they can.
        limits.idle = .seconds(3_600)
        try await serve(limits: limits) { endpoint, _ in
            var crowd: [RawClient] = []
            for number in 1...2_000 {
                crowd.append(try RawClient(endpoint))
                // So many descriptors are to be had.
                if crowd.count > 300 { crowd.removeFirst() }
                if number % 500 == 250 {
                    let client = try RawClient(endpoint)
                    try client.ask("/echo")
                    #expect(try await client.answer().status == 200)
                }
            }
            try await waitUntil("all but 16 are closed") { crowd.count { !$0.isClosed } <= 16 }
            #expect(crowd.count { !$0.isClosed } == 16)
        }
    }

    @Test("a server that stops sends the answer that it is at, and doesn't listen any longer")
    func stopping() async throws {
        let gate = Gate()
        try await serve([.echo, .gated(gate)]) { endpoint, server in
            let (busy, idle) = (try RawClient(endpoint), try RawClient(endpoint))
            try idle.ask("/echo")
            _ = try await idle.answer()
            try busy.ask("/gated")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await server.stop() }
                #expect(try await idle.everything().isEmpty)
                gate.open()
                #expect(try await busy.answers().map(\.text) == ["passed\n"])
                try await group.waitForAll()
            }
            #expect(throws: TestError.self) { try RawClient(endpoint) }
        }
    }

    @Test("a server that was never started closes its listeners, and so does one that can't be")
    func neverStarted() async throws {
        func server(_ listeners: [WebListener]) -> WebServer {
            WebServer(
                listeners: listeners, options: WebOptions(hosts: []), access: WebAccess(now: MovedClock().now),
                routes: [], log: { _ in })
        }
        func listener() throws -> (Endpoint, WebListener) {
            let (port, descriptor) = try Ports.listening(blocks: false)
            return (.inet(port), WebListener(descriptor: descriptor, address: .inet("127.0.0.1", port: Int(port))))
        }
        let (endpoint, unused) = try listener()
        await server([unused]).stop()
        #expect(throws: TestError.self) { try RawClient(endpoint) }

        let (first, second) = (try listener(), try listener())
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let bad = WebListener(descriptor: file, address: .inet("127.0.0.1", port: 1))
        await #expect(throws: (any Error).self) { try await server([first.1, bad, second.1]).start() }
        #expect(throws: TestError.self) { try RawClient(first.0) }
        #expect(throws: TestError.self) { try RawClient(second.0) }
    }
}
