import NIOCore
import Resolver
import SPF
import ScriptedDNS
import Testing

/// What servers do that are broken or mean harm: no crash, and always an answer in time.
@Suite("A server that misbehaves", .timeLimit(.minutes(1)))
struct HostileServerTests {
    struct Misbehaviour: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var type = DNSRecordType.a
        let expected: DNSAnswer
        /// Whether libunbound takes the answer, and our reader doesn't.
        let isUnusable: Bool
        let answer: @Sendable (DNSRequest) -> DNSResponse?

        init(
            _ name: String, type: DNSRecordType = .a, expects expected: DNSAnswer = .temporaryError,
            isUnusable: Bool = false,
            _ answer: @escaping @Sendable (DNSRequest) -> DNSResponse?
        ) {
            (testDescription, self.type, self.expected, self.answer) = (name, type, expected, answer)
            self.isUnusable = isUnusable
        }
    }

    private static let name = "host.example"
    private static let address = DNSRecord.address(name, "192.0.2.1")
    /// 255 bytes on the wire.
    private static let longName =
        (0..<3).map { _ in String(repeating: "x", count: 63) }.joined(separator: ".")
        + "." + String(repeating: "y", count: 61)

    static let misbehaviours = [
        Misbehaviour("says nothing") { _ in nil },
        Misbehaviour("answers under another id") { _ in DNSResponse([address]).with { $0.hasOtherID = true } },
        Misbehaviour("answers another question") { _ in
            DNSResponse([.address("other.example", "192.0.2.1")]).with {
                $0.question = DNSRecord.wire("other.example") + [0, 1, 0, 1]
            }
        },
        Misbehaviour("answers for another name", expects: .noData) { _ in
            DNSResponse([.address("other.example", "192.0.2.1")])
        },
        Misbehaviour("says SERVFAIL") { _ in DNSResponse(code: 2) },
        Misbehaviour("says REFUSED") { _ in DNSResponse(code: 5) },
        Misbehaviour("cuts its answer, and has the rest over TCP", expects: .addresses([.ipv4(0xc000_0201)])) {
            $0.isTCP ? DNSResponse([address]) : DNSResponse().with { $0.isTruncated = true }
        },
        Misbehaviour("cuts its answer, and says nothing over TCP") {
            $0.isTCP ? nil : DNSResponse().with { $0.isTruncated = true }
        },
        Misbehaviour("sends a message that ends too early") { _ in
            DNSResponse([address]).with { $0.body = [4, UInt8(ascii: "h"), UInt8(ascii: "o")] }
        },
        Misbehaviour("points a name at itself") { _ in
            DNSResponse([address]).with { $0.body = [0xc0, 12, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 0] }
        },
        Misbehaviour("gives an address of five bytes", isUnusable: true) { _ in
            DNSResponse([DNSRecord(name, type: 1, data: [192, 0, 2, 1, 0])])
        },
        Misbehaviour("gives an address of three bytes", isUnusable: true) { _ in
            DNSResponse([DNSRecord(name, type: 1, data: [192, 0, 2])])
        },
        Misbehaviour("gives a text that reaches beyond its end", type: .txt, isUnusable: true) { _ in
            DNSResponse([DNSRecord(name, type: 16, data: [200, 65])])
        },
        Misbehaviour("gives a text without a string", type: .txt) { _ in
            DNSResponse([DNSRecord(name, type: 16, data: [])])
        },
        Misbehaviour("gives a name whose labels reach beyond its end", type: .ptr) { _ in
            DNSResponse([DNSRecord(name, type: 12, data: [60, 65, 0])])
        },
        Misbehaviour("gives a name that points at itself", type: .mx) { request in
            DNSResponse([DNSRecord(name, type: 15, data: [0, 10, 0xc0, UInt8(12 + name.utf8.count + 6 + 14)])])
        },
        Misbehaviour("gives a name of 255 bytes", type: .ptr, expects: .names([Array(longName.utf8)])) { _ in
            DNSResponse([.pointer(name, longName)])
        },
        Misbehaviour("gives a name of 256 bytes", type: .ptr) { _ in DNSResponse([.pointer(name, longName + "z")]) },
        Misbehaviour("gives nearly 64 KiB of texts over TCP", type: .txt, expects: .texts(texts)) { request in
            guard request.isTCP else { return DNSResponse().with { $0.isTruncated = true } }
            return DNSResponse(texts.map { .text(name, String(decoding: $0, as: UTF8.self)) })
        },
        Misbehaviour("gives 2,000 exchangers with long names, compressed", type: .mx, isUnusable: true) { request in
            guard request.isTCP else { return DNSResponse().with { $0.isTruncated = true } }
            let question = DNSRecord.wire(name) + [0, 15, 0, 1]
            // The first record has a long name in full, the others point to it.
            var body = question
            let target = 12 + question.count + 14
            for index in 0..<2_000 {
                let data =
                    [0, 10, 1, UInt8(index >> 8), 2, UInt8(index & 0xff), 7]
                    + (index == 0 ? Array(DNSRecord.wire(longName).dropFirst(64)) : [0xc0, UInt8(target + 5)])
                body += [0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 9, 0, UInt8(data.count)] + data
            }
            return DNSResponse((0..<2_000).map { _ in address }).with { $0.body = body }
        },
        Misbehaviour("has a name that is an alias of itself") { request in
            DNSResponse([.alias(request.name, request.name)])
        },
        Misbehaviour("leads from alias to alias") { request in DNSResponse([.alias(request.name, "x." + request.name)])
        },
    ]

    static let texts = (0..<250).map { Array("v=spf1 \($0) \(String(repeating: "x", count: 235))".utf8) }

    @Test("An answer comes in time", arguments: misbehaviours)
    func misbehave(_ misbehaviour: Misbehaviour) async throws {
        let server = try ScriptedDNS(misbehaviour.answer)
        let live = try await LiveResolver([server.address], timeout: .milliseconds(1_500))
        let clock = ContinuousClock()
        let began = clock.now
        let answer = try await live.look(up: Self.name, misbehaviour.type)
        #expect(clock.now - began < .seconds(60))
        let isExpected = answer == misbehaviour.expected
        #expect(isExpected, "\("\(answer)".prefix(200))")
        #expect(live.resolver.counts.questions(.unusable) == (misbehaviour.isUnusable ? 1 : 0))
        await live.resolver.close()
    }
}
