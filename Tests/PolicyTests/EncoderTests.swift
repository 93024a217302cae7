import NIOCore
import Policy
import Testing

struct EncoderTests {
    static let replies: [(PolicyReply, String)] = [
        (.dunno, "action=DUNNO\n\n"),
        (.action(Array("DEFER_IF_PERMIT Greylisted".utf8)), "action=DEFER_IF_PERMIT Greylisted\n\n"),
        (.action(Array("451 a\nb\r\u{1b}[1m\u{7f}ü".utf8)), "action=451 a?b??[1m???\n\n"),
    ]

    @Test(arguments: replies)
    func isOneActionAndAnEmptyLine(_ reply: PolicyReply, _ expected: String) {
        #expect(PolicyEncoder().bytes(of: reply) == ByteBuffer(string: expected))
    }
}
