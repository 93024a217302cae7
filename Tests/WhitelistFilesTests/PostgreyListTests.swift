import TestSupport
import Testing
import WhitelistFiles
import Whitelists

@Suite("postgrey's lists")
struct PostgreyListTests {
    @Test(
        "every kind of line",
        arguments: [
            (WhitelistDocument.Form.postgreyClients, "Mx.Example.org", "name mx.example.org"),
            (.postgreyClients, "\t example.org   # why # not", "name example.org"),
            (.postgreyClients, "192.0.2.7", "client 192.0.2.7/32"),
            (.postgreyClients, "192.0.2.7/25", "client 192.0.2.0/25"),
            (.postgreyClients, "192.0.2", "client 192.0.2.0/24"),
            (.postgreyClients, "192.0.2/28", "client 192.0.2.0/28"),
            (.postgreyClients, "2001:db8::1", "client 2001:db8::1/128"),
            (.postgreyClients, "2001:db8::1/32", "client 2001:db8::/32"),
            (.postgreyClients, #"/^mx\d+\.example\.org$/"#, #"the client's name has /^mx\d+\.example\.org$/"#),
            (.postgreyRecipients, "Postmaster@", "recipient postmaster@"),
            (.postgreyRecipients, "user@test.example", "recipient user@test.example"),
            (.postgreyRecipients, "test.example", "recipient in test.example"),
            (.postgreyRecipients, "/^list-.*@/", "the recipient has /^list-.*@/"),
        ])
    func lines(form: WhitelistDocument.Form, line: String, expected: String) throws {
        let read = try whitelist("# comment\n\n\(line)\r\n", form, SourceOptions(allowsPatterns: true))
        #expect(read.entries == ["/wl:3 \(expected)"])
        #expect(read.skipped.isEmpty)
    }

    @Test(
        "what can't be taken is skipped with its line, and the rest stand",
        arguments: [
            (WhitelistDocument.Form.postgreyClients, "a b", "more than one word"),
            (
                .postgreyClients, "10.1",
                "postgrey takes \"10.1\" for one /24 network: write the network with its prefix length"
            ),
            (
                .postgreyClients, "10.1/\u{1b}]0;x\u{7}",
                "postgrey takes \"10.1/\\u001b]0;x\\u0007\" for one /24 network"
            ),
            (.postgreyClients, "192.0.2.300", #""192.0.2.300" is not an address or network"#),
            (.postgreyClients, "192.0.2.0/33", #""192.0.2.0/33" has no prefix length up to 32"#),
            (.postgreyClients, "2001:db8::g", #""2001:db8::g" is not an address or network"#),
            (.postgreyClients, "0.0.0.0/0", "0.0.0.0/0 is wider than /8"),
            (.postgreyClients, "com", "com is a top-level domain"),
            (.postgreyClients, "a@b", #""a@b" is a mail address, which belongs in a list of recipients"#),
            (.postgreyClients, "/(/", #""(": the parentheses are not balanced (RE2): missing ): ("#),
            (.postgreyRecipients, "@test.example", #""@test.example": write "test.example" for all addresses in it"#),
            (.postgreyRecipients, "postmaster", #""postmaster": write "postmaster@" for that user in every domain"#),
            (.postgreyRecipients, "a..b", #""a..b" is not a domain or address"#),
            (.postgreyRecipients, "/./", "the regular expression matches everything"),
        ])
    func malformed(form: WhitelistDocument.Form, line: String, message: String) throws {
        let read = try whitelist("one.example\n\(line)\ntwo.example", form, SourceOptions(allowsPatterns: true))
        #expect(read.entries.count == 2)
        #expect(read.skipped.count == 1)
        #expect(read.skipped.first?.hasPrefix("/wl:2 was skipped: \(message)") == true, "\(read.skipped)")
    }

    @Test("bytes that are no UTF-8 harm nothing else")
    func noText() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/clients"
            try write([0x61, 0xff, 0xfe, 0x2e, 0x62, 0x0a] + Array("mx.example.org\n".utf8), to: path)
            let reading = try WhitelistDocument(.postgreyClients, path: path).entries(SourceOptions())
            #expect(reading.entries.count == 1)
            #expect(reading.messages == ["\(path):1 was skipped: it is not UTF-8"])
            try write([0xef, 0xbb, 0xbf] + Array("mx.example.org\n".utf8), to: path)
            let marked = try WhitelistDocument(.postgreyClients, path: path).entries(SourceOptions())
            #expect(marked.entries.map(\.condition) == Domain("mx.example.org").map { [.clientName($0)] })
        }
    }

    @Test("regular expressions need permission")
    func permission() throws {
        let read = try whitelist("/x[0-9]/\n", .postgreyClients)
        #expect(
            read.skipped == [
                "/wl:1 was skipped: regular expressions are off (service.allow_wl_regex turns them on)"
            ])
    }
}
