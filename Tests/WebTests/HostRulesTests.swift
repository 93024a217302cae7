import Testing

@testable import Web

@Suite("By which names a listener may be asked")
struct HostRulesTests {
    private static let hosts = ["mail.example.com", "192.0.2.7", "[2001:db8::7]"]

    @Test(
        "localhost, the address that was reached, and the names of the setting",
        arguments: [
            ("localhost", .local), ("LocalHost:10923", .local), ("127.0.0.1", .local), ("127.0.0.1:1", .local),
            ("[::1]", .local), ("[::1]:65535", .local), ("[0:0::0:1]", .local),
            ("198.51.100.5", .local), ("198.51.100.5:10923", .local), ("[::ffff:198.51.100.5]", .local),
            ("mail.example.com", .named), ("MAIL.example.COM:443", .named), ("192.0.2.7", .named),
            ("[2001:db8:0::7]", .named),
            ("evil.example", .foreign), ("localhost.evil.example", .foreign), ("evil-localhost", .foreign),
            ("127.0.0.2", .foreign), ("127.1", .foreign), ("0.0.0.0", .foreign), ("[::]", .foreign),
            ("198.51.100.6", .foreign), ("mail.example.com.", .foreign), ("xmail.example.com", .foreign),
            ("", .malformed), (":10923", .malformed), ("localhost:", .malformed), ("localhost:0", .malformed),
            ("localhost:65536", .malformed), ("localhost:+80", .malformed), ("localhost:80:80", .malformed),
            ("localhost 10923", .malformed), ("localhost, localhost", .malformed), ("user@localhost", .malformed),
            ("localhost/", .malformed), ("::1", .malformed), ("[::1", .malformed), ("[::1]x", .malformed),
            ("[::1]]", .malformed), ("[127.0.0.1]", .malformed), ("[::1%25lo]", .malformed), ("[]", .malformed),
            ("[::1\u{0}]", .malformed), ("l%6fcalhost", .malformed), ("mäil.example.com", .malformed),
            (String(repeating: "a", count: 256), .malformed),
        ] as [(String, HostRules.Verdict)])
    func verdicts(host: String, expected: HostRules.Verdict) {
        let rules = HostRules(hosts: Self.hosts, address: .inet("0.0.0.0", port: 10_923))
        #expect(rules.verdict(on: host, reachedAt: "198.51.100.5") == expected)
    }

    @Test("a listener for both families is reached at mapped addresses")
    func mapped() {
        let rules = HostRules(hosts: [], address: .inet("::", port: 10_923))
        #expect(rules.verdict(on: "198.51.100.5", reachedAt: "::ffff:198.51.100.5") == .local)
        #expect(rules.verdict(on: "198.51.100.6", reachedAt: "::ffff:198.51.100.5") == .foreign)
    }

    @Test("a unix socket answers by any name, and knows those of the setting")
    func unix() {
        let rules = HostRules(hosts: Self.hosts, address: .unix("/run/tprt/http"))
        #expect(rules.verdict(on: "anything.example:80", reachedAt: nil) == .local)
        #expect(rules.verdict(on: "mail.example.com", reachedAt: nil) == .named)
        #expect(rules.verdict(on: "any thing", reachedAt: nil) == .malformed)
    }

    @Test(
        "what the setting may say",
        arguments: [
            ("mail.example.com", true), ("192.0.2.1", true), ("[2001:db8::1]", true), ("mail.example.com:443", false),
            ("https://mail.example.com", false), ("2001:db8::1", false), ("", false),
        ])
    func settings(text: String, isHost: Bool) {
        #expect(WebOptions.isHost(text) == isHost)
    }
}
