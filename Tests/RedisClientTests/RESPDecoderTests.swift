import NIOCore
import RedisLab
import Testing

@testable import RedisClient

struct RESPDecoderTests {
    static let values: [(String, RESPValue)] = [
        ("+OK\r\n", .simple("OK")), ("+\r\n", .simple("")),
        ("-ERR no\r\n", .error("ERR no")), ("-\r\n", .error("")),
        (":0\r\n", .integer(0)), (":-12\r\n", .integer(-12)), (":+7\r\n", .integer(7)), (":007\r\n", .integer(7)),
        (":9223372036854775807\r\n", .integer(.max)), (":-9223372036854775808\r\n", .integer(.min)),
        ("$0\r\n\r\n", .bulk("")), ("$3\r\nabc\r\n", .bulk("abc")), ("$4\r\n\r\n\r\n\r\n", .bulk("\r\n\r\n")),
        ("$-1\r\n", .null), ("*-1\r\n", .null), ("*0\r\n", .array([])),
        ("*1\r\n*0\r\n", .array([.array([])])),
        ("*3\r\n:1\r\n$-1\r\n+x\r\n", .array([.integer(1), .null, .simple("x")])),
        (
            "*2\r\n*2\r\n:1\r\n*1\r\n$1\r\na\r\n-E\r\n",
            .array([.array([.integer(1), .array([.bulk("a")])]), .error("E")])
        ),
        (String(repeating: "*1\r\n", count: 8) + ":1\r\n", nested(8)),
    ]

    private static func nested(_ depth: Int) -> RESPValue {
        (0..<depth).reduce(.integer(1)) { value, _ in .array([value]) }
    }

    @Test(arguments: values)
    func aValueIsReadAsAWhole(_ text: String, _ value: RESPValue) throws {
        #expect(try decode([Array(text.utf8)]) == [value])
    }

    @Test(arguments: values)
    func aValueIsReadByteByByte(_ text: String, _ value: RESPValue) throws {
        #expect(try decode(text.utf8.map { [$0] }) == [value])
    }

    @Test(arguments: values)
    func aValueIsReadWhereverItIsCut(_ text: String, _ value: RESPValue) throws {
        let bytes = Array(text.utf8)
        for cut in 1..<bytes.count {
            #expect(try decode([Array(bytes[..<cut]), Array(bytes[cut...])]) == [value])
            #expect(try decode([Array(bytes[..<cut])]) == [], "a part is no value")
        }
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1 << 20])
    func valuesThatComeTogetherAreReadOneByOne(_ size: Int) throws {
        let bytes = Self.values.flatMap { $0.0.utf8 }
        let pieces = bytes.chunks(of: size)
        #expect(try decode(pieces) == Self.values.map(\.1))
    }

    static let malformed: [(String, RESPError)] = [
        ("x", .unknownType), ("\r\n", .unknownType), ("\0", .unknownType), ("HTTP/1.1 400", .unknownType),
        ("%1\r\n", .unknownType), ("_\r\n", .unknownType),
        ("+a\n", .malformedLine), ("+\n", .malformedLine), (":1\n", .malformedLine), ("$1\n", .malformedLine),
        (":\r\n", .malformedNumber), (":x\r\n", .malformedNumber), (":1 \r\n", .malformedNumber),
        (":-\r\n", .malformedNumber), (":+\r\n", .malformedNumber), (":--1\r\n", .malformedNumber),
        (":9223372036854775808\r\n", .malformedNumber), (":-9223372036854775809\r\n", .malformedNumber),
        (":99999999999999999999999\r\n", .malformedNumber),
        ("$\r\n", .malformedLength), ("$x\r\n", .malformedLength), ("$-2\r\n", .malformedLength),
        ("$9223372036854775808\r\n", .malformedLength), ("*\r\n", .malformedLength), ("*-2\r\n", .malformedLength),
        ("*?\r\n", .malformedLength), ("$?\r\n", .malformedLength),
        ("$1\r\nabc", .bulkWithoutEnd), ("$1\r\na\n\r", .bulkWithoutEnd), ("$0\r\nab", .bulkWithoutEnd),
        ("*1\r\nx", .unknownType), ("*2\r\n:1\r\n\r\n", .unknownType),
    ]

    @Test(arguments: malformed)
    func whatIsNoRESPIsRefused(_ text: String, _ violation: RESPError) {
        #expect(throws: violation) { try decode([Array(text.utf8)]) }
        #expect(throws: violation) { try decode(text.utf8.map { [$0] }) }
        #expect(throws: violation) { try decode([Array("+OK\r\n".utf8), Array(text.utf8)]) }
    }

    private static let limits = RESPLimits(line: 20, bulk: 10, elements: 3, depth: 2, reply: 40)

    static let atTheLimit = [
        "+" + String(repeating: "a", count: 20) + "\r\n", "$10\r\n0123456789\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n",
        "*1\r\n*1\r\n:1\r\n", "*2\r\n$10\r\n0123456789\r\n$7\r\n0123456\r\n+\r\n",
    ]

    @Test(arguments: atTheLimit)
    func whatIsAtALimitIsRead(_ text: String) throws {
        #expect(try !decode([Array(text.utf8)], Self.limits).isEmpty)
        #expect(try !decode(text.utf8.map { [$0] }, Self.limits).isEmpty)
    }

    static let beyond: [(String, RESPError)] = [
        ("+" + String(repeating: "a", count: 21) + "\r\n", .lineTooLong(limit: 20)),
        ("+" + String(repeating: "a", count: 40), .lineTooLong(limit: 20)),
        ("-" + String(repeating: "a", count: 22) + "\n", .lineTooLong(limit: 20)),
        ("$11\r\n", .bulkTooLong(limit: 10)), ("*4\r\n", .tooManyElements(limit: 3)),
        ("*1\r\n*1\r\n*1\r\n", .tooDeep(limit: 2)), ("*1\r\n*1\r\n*0\r\n", .tooDeep(limit: 2)),
        ("*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n", .replyTooLong(limit: 40)),
    ]

    @Test(arguments: beyond)
    func whatIsBeyondALimitIsRefused(_ text: String, _ violation: RESPError) {
        #expect(throws: violation) { try decode([Array(text.utf8)], Self.limits) }
        #expect(throws: violation) { try decode(text.utf8.map { [$0] }, Self.limits) }
    }

    /// What a reply has at most counts for each, not for all of them.
    @Test func theLimitOfAReplyBeginsAnewWithEach() throws {
        let text = String(repeating: "$10\r\n0123456789\r\n", count: 20)
        #expect(try decode([Array(text.utf8)], Self.limits).count == 20)
    }

    /// Each of the bytes is looked at once, or this takes minutes.
    @Test(.timeLimit(.minutes(1)))
    func largeRepliesMayTrickleIn() throws {
        let count = 2_000
        let bulk = "$1000\r\n" + String(repeating: "a", count: 1_000) + "\r\n"
        let bytes = Array(("*\(count)\r\n" + String(repeating: bulk, count: count)).utf8)
        let pieces = bytes.chunks(of: 100)
        #expect(try decode(pieces).first?.elements?.count == count)
        let huge = Array("$8000000\r\n".utf8) + [UInt8](repeating: 7, count: 8_000_000) + Array("\r\n".utf8)
        #expect(try decode(huge.chunks(of: 200)).first?.text?.readableBytes == 8_000_000)
    }

    @Test func aValueTellsWhatItHolds() {
        #expect(RESPValue.bulk("12").number == 12)
        #expect(RESPValue.integer(-3).number == -3)
        #expect(RESPValue.bulk("x").number == nil)
        #expect(RESPValue.simple("a").string == "a")
        #expect(RESPValue.error("a").string == nil)
        #expect(RESPValue.null.elements == nil)
    }
}

/// All values in these pieces, as a connection would read them.
func decode(_ pieces: [[UInt8]], _ limits: RESPLimits = RESPLimits()) throws(RESPError) -> [RESPValue] {
    var decoder = RESPDecoder(limits: limits)
    var buffer = ByteBuffer()
    var values: [RESPValue] = []
    for piece in pieces {
        if buffer.readableBytes == 0 { buffer = ByteBuffer() } else { buffer.discardReadBytes() }
        buffer.writeBytes(piece)
        while let value = try decoder.next(in: &buffer) { values.append(value) }
    }
    return values
}

extension [UInt8] {
    func chunks(of size: Int) -> [[UInt8]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
