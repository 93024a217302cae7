import NIOCore
import TestSupport
import Testing

@testable import Web

@Suite("A connection of the page", .timeLimit(.minutes(2)))
struct WebConnectionTests {
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

    @Test("every response has the headers that keep a browser from more than showing it, and a length")
    func headers() async throws {
        let requests = [
            ("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 200), ("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
            ("POST /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
            ("GET /echo HTTP/1.1\r\nHost: a.example\r\n\r\n", 421),
            ("GET /echo HTTP/1.1\r\n\r\n", 400), ("GET /echo HTTP/3.1\r\n\r\n", 505), ("nonsense\r\n\r\n", 400),
            ("GET /\(String(repeating: "x", count: 9_000))", 431),
            ("GET /?code=x HTTP/1.1\r\nHost: localhost\r\n\r\n", 401),
        ]
        try await WebStage.run([.echo]) { stage in
            for (request, status) in requests {
                let client = try await stage.connect()
                try await client.send(request)
                let answer = try await client.answer()
                #expect(answer.status == status)
                #expect(answer.values("Content-Security-Policy") == [Self.policy])
                #expect(answer.values("X-Content-Type-Options") == ["nosniff"])
                #expect(answer.values("Referrer-Policy") == ["no-referrer"])
                #expect(answer.values("Cache-Control") == ["no-store"])
                #expect(answer.values("Content-Length") == ["\(answer.body.count)"])
                #expect(answer.values("Content-Type") == ["text/plain; charset=utf-8"])
                #expect(answer.values("Server") == [])
                #expect(answer.values("Transfer-Encoding") == [])
                #expect(answer.values("Access-Control-Allow-Origin") == [])
            }
        }
    }

    @Test("a route gets what was asked, decoded, and its response is sent, however large")
    func routes() async throws {
        try await WebStage.run([.echo, .large(300_000)]) { stage in
            let client = try await stage.connect()
            try await client.ask("/e%63ho?b=x+y%26&a=%c3%a4")
            #expect(try await client.answer().text == "/echo a=ä,b=x y&\n")
            try await client.ask("http://localhost:10923/echo?q=1")
            #expect(try await client.answer().text == "/echo q=1\n")
            try await client.ask("/large")
            #expect(try await client.answer().body == [UInt8](repeating: 0x78, count: 300_000))
        }
    }

    @Test("HEAD says what GET would, but for the body, and a request follows")
    func head() async throws {
        try await WebStage.run([.echo]) { stage in
            let client = try await stage.connect()
            try await client.ask("/echo?q=12345", method: "HEAD")
            let answer = try await client.answer(hasBody: false)
            #expect(answer.status == 200)
            #expect(answer.values("Content-Length") == ["14"])
            try await client.ask("/nothing", method: "HEAD")
            #expect(try await client.answer(hasBody: false).status == 404)
            try await client.ask("/echo")
            #expect(try await client.answer().text == "/echo \n")
            #expect(try await client.rest().isEmpty)
        }
    }

    @Test("requests that come at once are answered one after the other")
    func pipelining() async throws {
        let gate = Gate()
        try await WebStage.run([.echo, .gated(gate)]) { stage in
            let client = try await stage.connect()
            let requests = ["/gated", "/echo?n=1", "/nothing", "/echo?n=2"].map {
                "GET \($0) HTTP/1.1\r\nHost: localhost\r\n\r\n"
            }
            try await client.send(requests.joined() + "GET /echo?n=3 HT")
            #expect(try await client.rest().isEmpty, "nothing overtakes the first")
            gate.open()
            #expect(try await client.answer().text == "passed\n")
            #expect(try await client.answer().text == "/echo n=1\n")
            #expect(try await client.answer().status == 404)
            #expect(try await client.answer().text == "/echo n=2\n")
            try await client.send("TP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await client.answer().text == "/echo n=3\n")
        }
    }

    @Test("a client that closes its side after asking gets all its answers")
    func halfClosed() async throws {
        let gate = Gate()
        try await WebStage.run([.echo, .gated(gate)]) { stage in
            let client = try await stage.connect()
            try await client.ask("/gated")
            try await client.ask("/echo")
            await client.finish()
            #expect(client.isOpen)
            gate.open()
            #expect(try await client.answer().text == "passed\n")
            #expect(try await client.answer().text == "/echo \n")
            await #expect(throws: WebClient.Closed.self) { try await client.answer() }
            let silent = try await stage.connect()
            try await silent.send("GET / HTT")
            await silent.finish()
            #expect(!silent.isOpen)
            #expect(try await silent.rest().isEmpty)
        }
    }

    @Test(
        "the connection stays or not, as version and client say",
        arguments: [
            ("1.1", [], "[]", true), ("1.1", ["Connection: close"], "[close]", false),
            ("1.1", ["Connection: keep-alive"], "[]", true), ("1.0", [], "[close]", false),
            ("1.0", ["Connection: keep-alive"], "[keep-alive]", true),
            ("1.1", ["Connection: upgrade", "Upgrade: h2c"], "[close]", false),
            ("1.1", ["Upgrade: websocket"], "[close]", false),
        ])
    func keepAlive(version: String, fields: [String], expected: String, stays: Bool) async throws {
        try await WebStage.run([.echo]) { stage in
            let client = try await stage.connect()
            let lines = ["GET /echo HTTP/\(version)", "Host: localhost"] + fields
            try await client.send(lines.map { $0 + "\r\n" }.joined() + "\r\n")
            let answer = try await client.answer()
            #expect(answer.status == 200)
            #expect("\(answer.values("Connection").joined())" == expected.trimmingPrefix("[").dropLast())
            #expect(client.isOpen == stays)
        }
    }

    @Test("a connection serves 100 requests")
    func manyRequests() async throws {
        try await WebStage.run([.echo]) { stage in
            let client = try await stage.connect()
            let request = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
            for _ in 0..<10 { try? await client.send(String(repeating: request, count: 11)) }
            for number in 1...100 {
                let answer = try await client.answer()
                #expect(answer.values("Connection") == (number == 100 ? ["close"] : []))
            }
            await #expect(throws: WebClient.Closed.self) { try await client.answer() }
        }
    }

    @Test("what a request has behind its head is not taken for a request")
    func smuggling() async throws {
        let hidden = "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"
        let bodies = [
            "Content-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)", "Content-Length: 0\r\n\r\n\(hidden)",
            "Content-Length: 5\r\nContent-Length: 6\r\n\r\n\(hidden)", "Content-Length: -1\r\n\r\n\(hidden)",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\(hidden)",
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n\(hidden)", "Transfer-Encoding: x\r\n\r\n\(hidden)",
            "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n\(hidden)", "X: y\n\r\n\(hidden)",
            "X: y\r\n z: a\r\n\r\n\(hidden)",
            "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n\(hidden)",
        ]
        try await WebStage.run([.echo]) { stage in
            for body in bodies {
                for method in ["GET", "HEAD"] {
                    let client = try await stage.connect()
                    try await client.send("\(method) /echo HTTP/1.1\r\nHost: localhost\r\n\(body)")
                    let answer = try await client.answer(hasBody: method == "GET")
                    #expect(answer.status == 400, "\(method) \(body)")
                    #expect(answer.values("Connection") == ["close"])
                    #expect(!client.isOpen)
                }
            }
        }
    }
}
