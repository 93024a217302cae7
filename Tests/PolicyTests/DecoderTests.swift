import NIOCore
import Policy
import Testing

/// The decoder gives the same requests, or the same message, however the stream is cut into pieces.
struct DecoderTests {
    struct Stream: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        /// The sender and recipient of each request that must come out.
        let requests: [[String]]
        var violation: PolicyError?

        var testDescription: String { name }

        init(_ name: String, _ text: String, _ requests: [[String]] = [], _ violation: PolicyError? = nil) {
            self.init(name, Array(text.utf8), requests, violation)
        }

        init(_ name: String, _ bytes: [UInt8], _ requests: [[String]] = [], _ violation: PolicyError? = nil) {
            self.name = name
            self.bytes = bytes
            self.requests = requests
            self.violation = violation
        }
    }

    static let limits = PolicyLimits(line: 40, attributes: 4, request: 100, strayLine: 16, emptyLines: 6)

    static let streams = [
        Stream("nothing", ""),
        Stream("one request", "request=smtpd_access_policy\nsender=a\nrecipient=b\n\n", [["a", "b"]]),
        Stream("two requests", "sender=a\nrecipient=b\n\nsender=c\nrecipient=d\n\n", [["a", "b"], ["c", "d"]]),
        Stream("CRLF", "sender=a\r\nrecipient=b\r\n\r\n", [["a", "b"]]),
        Stream("CR inside a value", "sender=a\rb\n\n", [["a\rb", ""]]),
        Stream("a value with =", "sender=a=b=c\n\n", [["a=b=c", ""]]),
        Stream("an empty value", "sender=\nrecipient=b\n\n", [["", "b"]]),
        Stream("the last of two", "sender=a\nsender=b\n\n", [["b", ""]]),
        Stream("unknown names", "tls_sni=x\nsender=a\nsendery=b\n\n", [["a", ""]]),
        Stream("an empty request attribute", "request=\nsender=a\n\n", [["a", ""]]),
        Stream(
            "the longest line", "sender=" + String(repeating: "x", count: 33) + "\n\n",
            [[String(repeating: "x", count: 33), ""]]),
        Stream("too long a line", "sender=" + String(repeating: "x", count: 34) + "\n\n", [], .lineTooLong(limit: 40)),
        Stream("a line without end", String(repeating: "x", count: 41), [], .lineTooLong(limit: 40)),
        Stream("the most attributes", "a=1\nb=2\nc=3\nd=4\n\n", [["", ""]]),
        Stream("too many attributes", "a=1\nb=2\nc=3\nd=4\ne=5\n\n", [], .tooManyAttributes(limit: 4)),
        Stream("the longest request", longRequest(100), [["", ""]]),
        Stream("too long a request", longRequest(101), [], .requestTooLong(limit: 100)),
        Stream("no name", "=x\n\n", [], .notAnAttribute),
        Stream("no equals sign", "sender=a\nGET / HTTP/1.1\n\n", [], .notAnAttribute),
        Stream("another request", "request=junk_mail_policy\n\n", [], .unknownRequest),
        Stream("a good one, then a bad one", "sender=a\n\nrequest=x\n\n", [["a", ""]], .unknownRequest),
        Stream("end inside a request", "sender=a\n", [], .endInsideRequest),
        Stream("end inside a line", "sender=a\n\nsend", [["a", ""]], .endInsideRequest),
    ]

    /// An empty request is none; lines that are no attributes may stand before the first one of a connection.
    static let strays =
        [
            Stream("an empty line alone", "\n"),
            Stream("an empty line with CR LF alone", "\r\n"),
            Stream("the most empty lines", "\n\r\n\n\n\nsender=a\n\n\n\n\n\n\n\n", [["a", ""]]),
            Stream("too many empty lines", "\n\r\n\n\n\n\nsender=a\n\n", [], .tooManyEmptyLines(limit: 6)),
            Stream(
                "too many empty lines after a request", "sender=a\n\n\n\n\n\n\n\n\n", [["a", ""]],
                .tooManyEmptyLines(limit: 6)),
            Stream("an empty line before a request", "\nsender=a\n\n", [["a", ""]]),
            Stream("an empty line too many", "sender=a\n\n\nsender=b\n\n", [["a", ""], ["b", ""]]),
            Stream(
                "CR LF and an empty line too many", "sender=a\r\n\r\n\r\nsender=b\r\n\r\n\r\n",
                [["a", ""], ["b", ""]]),
            Stream("an empty line after the last request", "sender=a\n\n\n", [["a", ""]]),
            Stream("half an empty line at the end", "sender=a\n\n\r", [["a", ""]]),
            Stream("a CR that ends no line", "\r\r\n", [], .notAnAttribute),
            Stream("a blank in the line", "sender=a\n\n \n", [["a", ""]], .notAnAttribute),
            Stream("a stray line", "hello\nsender=a\n\nsender=b\n\n", [["a", ""], ["b", ""]]),
            Stream("a stray line of a shell", "<<EOF\r\nsender=a\r\n\r\n", [["a", ""]]),
            Stream("an empty line, then a stray one", "\nhello\nsender=a\n\n", [["a", ""]]),
            Stream("words that only look like verbs", "mailbox\ndatabase\nhelper me\nsender=a\n\n", [["a", ""]]),
            Stream("the most stray lines", "1\n2\n3\n4\nsender=a\n\n", [["a", ""]]),
            Stream("too many stray lines", "1\n2\n3\n4\n5\nsender=a\n\n", [], .notAnAttribute),
            Stream("the longest stray line", String(repeating: "~", count: 16) + "\nsender=a\n\n", [["a", ""]]),
            Stream("too long a stray line", String(repeating: "~", count: 17) + "\nsender=a\n\n", [], .notAnAttribute),
            Stream("a stray line after an attribute", "sender=a\nhello\n\n", [], .notAnAttribute),
            Stream(
                "a stray line before the second request", "sender=a\n\nhello\nsender=b\n\n", [["a", ""]],
                .notAnAttribute),
            Stream("stray lines, then an empty one", "hello\n\nsender=a\n\n", [], .notAnAttribute),
            Stream("stray lines, then an empty one with CR", "hello\n\r\nsender=a\n\n", [], .notAnAttribute),
            Stream("stray lines, then the end", "hello\n", [], .notAnAttribute),
            Stream("stray lines, then the end inside a line", "hello\nsend", [], .endInsideRequest),
            Stream("no name before the first attribute", "=x\nsender=a\n\n", [], .notAnAttribute),
        ]
        + ["GET / HTTP/1.1", "HEAD HTTP/1.0", "get http/1.1", "GET HTTP/2.0", "GET HTTP/1.1 "].map {
            Stream("HTTP: \($0)", "\($0)\nsender=a\n\n", [], .notAnAttribute)
        }
        + [
            "EHLO x", "HELO x", "LHLO x", "MAIL FROM:x", "RCPT TO:x", "DATA", "BDAT 5", "QUIT", "STARTTLS", "RSET",
            "NOOP",
            "VRFY x", "EXPN x", "ETRN x", "AUTH x", "XCLIENT x", "ehlo x", "Data", " QUIT",
        ].map { Stream("SMTP: \($0)", "\($0)\nsender=a\n\n", [], .notAnAttribute) }
        + [0x00, 0x09, 0x0d, 0x1b, 0x7f, 0x80, 0xff].map { byte in
            Stream(
                "a stray line with the byte \(byte)",
                [UInt8(ascii: "a"), byte, UInt8(ascii: "b")] + Array("\nsender=a\n\n".utf8),
                [], .notAnAttribute)
        }

    /// A request of exactly that many bytes, in three attributes.
    static func longRequest(_ count: Int) -> String {
        let line = "x=" + String(repeating: "y", count: 30) + "\n"
        return line + line + "z=" + String(repeating: "y", count: count - 2 * line.count - 4) + "\n\n"
    }

    @Test(arguments: streams + strays)
    func inOnePiece(_ stream: Stream) {
        check(stream, pieces: [stream.bytes])
    }

    @Test(arguments: streams + strays)
    func byteByByte(_ stream: Stream) {
        check(stream, pieces: stream.bytes.map { [$0] })
    }

    @Test(arguments: streams + strays)
    func cutAnywhere(_ stream: Stream) {
        for cut in stream.bytes.indices {
            check(stream, pieces: [Array(stream.bytes[..<cut]), Array(stream.bytes[cut...])])
        }
    }

    private func check(_ stream: Stream, pieces: [[UInt8]]) {
        var decoder = PolicyDecoder(limits: Self.limits)
        var buffer = ByteBuffer()
        var requests: [[String]] = []
        var violation: PolicyError?
        do throws(PolicyError) {
            for piece in pieces {
                buffer.writeBytes(piece)
                while let request = try decoder.next(in: &buffer) {
                    requests.append(
                        [PolicyAttribute.sender, .recipient].map { String(decoding: request.copy($0), as: UTF8.self) })
                }
            }
            try decoder.end(leaving: buffer)
        } catch {
            violation = error
        }
        #expect(requests == stream.requests)
        #expect(violation == stream.violation)
    }

    /// Sixteen bytes are looked at at a time: whatever stands beside them, only a line feed ends a line.
    @Test(arguments: 0..<32)
    func onlyALineFeedEndsALine(after padding: Int) throws {
        let near: [UInt8] = [0x00, 0x09, 0x0b, 0x0c, 0x3c, 0x3d, 0x3e, 0x80, 0x8a, 0x8b, 0xbd, 0xf5, 0xff]
        for byte in near {
            let value = [UInt8](repeating: UInt8(ascii: "x"), count: padding) + [byte, UInt8(ascii: "y"), byte]
            var buffer = ByteBuffer(bytes: Array("sender=".utf8) + value + Array("\nrecipient=b\n\n".utf8))
            var decoder = PolicyDecoder()
            let request = try #require(try decoder.next(in: &buffer))
            #expect(request.copy(.sender) == value)
            #expect(request.value(of: .recipient, is: "b"))
        }
    }

    @Test func bytesThatAreNoUTF8AreCarriedThrough() throws {
        var buffer = ByteBuffer(bytes: Array("sender=".utf8) + [0xff, 0x00, 0xc3, 0x1b] + Array("\n\n".utf8))
        var decoder = PolicyDecoder()
        let request = try #require(try decoder.next(in: &buffer))
        #expect(request.copy(.sender) == [0xff, 0x00, 0xc3, 0x1b])
    }

    @Test func theDaemonsLimitsAreThoseOfTheManual() throws {
        func violation(_ text: String) -> PolicyError? {
            var buffer = ByteBuffer(string: text)
            var decoder = PolicyDecoder()
            do throws(PolicyError) { _ = try decoder.next(in: &buffer) } catch { return error }
            return nil
        }
        let line = "a=" + String(repeating: "x", count: 8_190)
        #expect(violation(line + "\n\n") == nil)
        #expect(violation(line + "x\n\n") == .lineTooLong(limit: 8_192))
        #expect(violation(String(repeating: "a=b\n", count: 200) + "\n") == nil)
        #expect(violation(String(repeating: "a=b\n", count: 201) + "\n") == .tooManyAttributes(limit: 200))
        let lines = String(repeating: line + "\n", count: 7)
        let rest = 65_536 - lines.utf8.count - 4
        #expect(violation(lines + "b=" + String(repeating: "x", count: rest) + "\n\n") == nil)
        #expect(
            violation(lines + "b=" + String(repeating: "x", count: rest + 1) + "\n\n") == .requestTooLong(limit: 65_536)
        )
        let stray = String(repeating: "x", count: 128) + "\n"
        #expect(violation(String(repeating: stray, count: 4) + "a=b\n\n") == nil)
        #expect(violation(String(repeating: stray, count: 5) + "a=b\n\n") == .notAnAttribute)
        #expect(violation("x" + stray + "a=b\n\n") == .notAnAttribute)
        #expect(violation(String(repeating: "\n", count: 1_024) + "a=b\n\n") == nil)
        #expect(violation(String(repeating: "\n", count: 1_025) + "a=b\n\n") == .tooManyEmptyLines(limit: 1_024))
    }

    @Test(arguments: PolicyAttribute.allCases)
    func everyAttributeIsFoundByItsName(_ attribute: PolicyAttribute) throws {
        let value = attribute == .request ? "smtpd_access_policy" : "value of \(attribute.name)"
        var buffer = ByteBuffer(string: "\(attribute.name)=\(value)\n\n")
        var decoder = PolicyDecoder()
        let request = try #require(try decoder.next(in: &buffer))
        #expect(String(decoding: request.copy(attribute), as: UTF8.self) == value)
        for other in PolicyAttribute.allCases where other != attribute {
            #expect(!request.has(other))
            #expect(request.isEmpty(other))
        }
    }

    @Test func postfixSendsWhatWeExpect() throws {
        let names = [
            "request", "protocol_state", "protocol_name", "client_address", "client_name", "client_port",
            "reverse_client_name", "server_address", "server_port", "helo_name", "sender", "recipient",
            "recipient_count", "queue_id", "instance", "size", "etrn_domain", "stress", "sasl_method", "sasl_username",
            "sasl_sender", "ccert_subject", "ccert_issuer", "ccert_fingerprint", "ccert_pubkey_fingerprint",
            "encryption_protocol", "encryption_cipher", "encryption_keysize", "policy_context",
        ]
        let lines = names.map { $0 == "request" ? "request=smtpd_access_policy" : "\($0)=\($0) value" }
        var buffer = ByteBuffer(string: lines.joined(separator: "\n") + "\n\n")
        var decoder = PolicyDecoder()
        let request = try #require(try decoder.next(in: &buffer))
        for attribute in PolicyAttribute.allCases where attribute != .request {
            #expect(String(decoding: request.copy(attribute), as: UTF8.self) == "\(attribute.name) value")
        }
        #expect(buffer.readableBytes == 0)
    }
}

extension PolicyRequest {
    /// The bytes of a value.
    fileprivate func copy(_ attribute: PolicyAttribute) -> [UInt8] {
        read(attribute) { value in value.indices.map { value[$0] } }
    }
}
