import Control
import Testing

@Suite("The control socket's messages")
struct ControlTests {
    @Test(
        "what is written is read again",
        arguments: [
            ControlRequest("reload"), ControlRequest("accept", arguments: ["file:///a b", "\"\n\u{1b}é"]),
        ])
    func requests(request: ControlRequest) throws {
        let line = Array(request.line.utf8)
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(!line.dropLast().contains(UInt8(ascii: "\n")))
        #expect(try ControlRequest(line: line.dropLast()) == request)
    }

    @Test(
        "so are replies",
        arguments: [
            ControlReply(), ControlReply(status: 65, messages: ["a\nb"], warnings: ["\u{2028}", "\"\\"]),
        ])
    func replies(reply: ControlReply) throws {
        let line = Array(reply.line.utf8)
        #expect(!line.dropLast().contains(UInt8(ascii: "\n")))
        #expect(try ControlReply(line: line.dropLast()) == reply)
    }

    @Test("members that aren't known are ignored")
    func growth() throws {
        let request = try ControlRequest(line: #"{"verb": "reload", "since": 5, "arguments": []}"#.utf8)
        #expect(request == ControlRequest("reload"))
        let reply = try ControlReply(line: #"{"status": 0, "took": 1.5}"#.utf8)
        #expect(reply == ControlReply())
    }

    @Test(
        "what is no request is named",
        arguments: [
            ("", "not JSON: expected a value, found the end of the text at column 1"),
            ("5", "5 is not an object"),
            ("{}", "the request has no \"verb\""),
            (#"{"verb": ""}"#, "the request has no \"verb\""),
            (#"{"verb": 5}"#, "the request has no \"verb\""),
            (#"{"verb": "x", "arguments": 5}"#, "\"arguments\" is not a list"),
            (#"{"verb": "x", "arguments": ["a", {}]}"#, "\"arguments\" holds an object"),
        ])
    func faults(line: String, message: String) {
        let fault = #expect(throws: ControlError.self) { try ControlRequest(line: line.utf8) }
        #expect(fault?.description == message)
    }

    @Test(
        "what is no reply is named",
        arguments: [
            ("[]", "a list is not an object"), ("{}", "the reply has no \"status\""),
            (#"{"status": 256}"#, "the reply has no \"status\""),
            (#"{"status": 0, "messages": [1]}"#, "\"messages\" holds 1"),
        ])
    func replyFaults(line: String, message: String) {
        let fault = #expect(throws: ControlError.self) { try ControlReply(line: line.utf8) }
        #expect(fault?.description == message)
    }
}
