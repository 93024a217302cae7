import TestSupport
import Testing

@testable import Web

@Suite("Heads that are none", .timeLimit(.minutes(2)))
struct MalformedHeadTests {
    private static let good =
        "GET /echo?q=1 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n"

    private static let bad = [
        "\u{0}\r\n\r\n", "x\r\n\r\n", "GET\r\n\r\n", "GET \r\n\r\n", "GET /\r\n\r\n", "GET / \r\n\r\n",
        "GET / HTTP\r\n\r\n",
        "GET / HTTP/\r\n\r\n", "GET / HTTP/1\r\n\r\n", "GET / HTTP/1.\r\n\r\n", "GET / HTTP/1.10\r\n\r\n",
        "GET / HTTP/0.9\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/11\r\n\r\n",
        "GET / http/1.1\r\nHost: localhost\r\n\r\n", "GET / XTTP/1.1\r\nHost: localhost\r\n\r\n",
        "get / HTTP/1.1\r\nHost: localhost\r\n\r\n", "GETX / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n", "GET / a HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\n: localhost\r\n\r\n", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", "GET / HTTP/1.1\r\nHo st: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\u{0}: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: local\u{0}host\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: \u{1}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: \u{7f}\r\n\r\n",
        "GET /\u{0} HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /\u{7f} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /ä HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET echo HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http:// HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET https://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "EHLO client.example\r\n\r\n",
        "request=smtpd_access_policy\r\n\r\n",
    ]

    @Test("are refused, and the connection is closed")
    func table() async throws {
        try await WebStage.run([.echo]) { stage in
            for text in Self.bad {
                let client = try await stage.connect()
                // Each character is a byte.
                try await client.send(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
                let answer = try await client.answer()
                #expect([400, 505].contains(answer.status), "\(answer.status) \(text.debugDescription)")
                #expect(answer.values("Connection") == ["close"], "\(text.debugDescription)")
                #expect(!client.isOpen, "\(text.debugDescription)")
            }
        }
    }

    @Test("a head that is changed at random gets one whole response or none, wherever it is cut")
    func random() async throws {
        var random = SeededRandom(seed: 10_923)
        try await WebStage.run([.echo]) { stage in
            for _ in 0..<1_000 {
                var bytes = Array(Self.good.utf8)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: bytes.indices, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                    case 2: bytes.remove(at: place)
                    default:
                        bytes.insert(
                            contentsOf: bytes[place...].prefix(9), at: Int.random(in: 0...place, using: &random))
                    }
                }
                let client = try await stage.connect()
                let cut = Int.random(in: 0...bytes.count, using: &random)
                try await client.send(bytes[..<cut])
                if client.isOpen { try await client.send(bytes[cut...]) }
                await client.finish()
                // A route may be at work: then there is an answer.
                var answers: [HTTPAnswer] = []
                while let answer = try? await client.answer() { answers.append(answer) }
                #expect(try await client.rest().isEmpty, "no half responses: \(bytes)")
                #expect(answers.dropLast().allSatisfy { $0.values("Connection").isEmpty }, "\(bytes)")
            }
        }
    }
}
