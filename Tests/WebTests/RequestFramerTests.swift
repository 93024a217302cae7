import NIOCore
import Testing

@testable import Web

@Suite("The end of a head")
struct RequestFramerTests {
    private static let heads = ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD /b HTTP/1.0\r\n\r\n"]

    /// All heads in what comes in these pieces, and the error at their end.
    private func heads(in pieces: [String], limit: Int = 8_192) -> (heads: [String], error: HeadError?) {
        var scanner = HeadScanner(limit: limit)
        var buffer = ByteBuffer()
        var heads: [String] = []
        do throws(HeadError) {
            for piece in pieces {
                buffer.writeString(piece)
                while let head = try scanner.next(in: &buffer) { heads.append(String(buffer: head)) }
            }
        } catch {
            return (heads, error)
        }
        return (heads, nil)
    }

    @Test("heads are found, wherever what comes is cut, and empty lines in front of them are left out")
    func cuts() {
        let text = "\r\n" + Self.heads[0] + "\r\n\r\n" + Self.heads[1]
        #expect(heads(in: [text]).heads == Self.heads)
        #expect(heads(in: text.utf8.map { String(UnicodeScalar($0)) }).heads == Self.heads)
        for cut in 0...text.utf8.count {
            let pieces = [
                String(decoding: text.utf8.prefix(cut), as: UTF8.self),
                String(decoding: text.utf8.dropFirst(cut), as: UTF8.self),
            ]
            let found = heads(in: pieces)
            #expect(found.heads == Self.heads && found.error == nil, "cut at \(cut)")
        }
    }

    @Test(
        "lines end with CR LF and nothing else",
        arguments: [
            "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n",
            "GET / HTTP/1.1\r\r\n\r\n", "\nGET / HTTP/1.1\r\n\r\n", "\rGET / HTTP/1.1\r\n\r\n", "\n", "\r\r",
            "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", " GET / HTTP/1.1\r\n\r\n",
        ])
    func malformed(text: String) {
        #expect(heads(in: [text]).error == .malformed)
        #expect(heads(in: [text]).heads == [])
    }

    @Test("a head has no more bytes than the limit, the empty line among them")
    func limits() {
        let head = Self.heads[0]
        #expect(heads(in: [head], limit: head.utf8.count).heads == [head])
        #expect(heads(in: [head], limit: head.utf8.count - 1).error == .tooLarge)
        #expect(heads(in: [String(repeating: "a", count: 100)], limit: 100).error == nil)
        #expect(heads(in: [String(repeating: "a", count: 101)], limit: 100).error == .tooLarge)
    }
}
