import ArgumentParser
import Testing

@testable import tprtctl

@Suite("Which mail is asked about")
struct MailQuestionTests {
    private static let mail = MailQuestion(sender: "a@a.example", recipient: "u@example.com", client: "192.0.2.7")
    private static let bounce = MailQuestion(sender: "", recipient: "u@example.com", client: "192.0.2.7")
    private static let odd = MailQuestion(
        sender: #"a\x22b\x2c\x20c\x5c@a.example"#, recipient: "u@example.com", client: "2001:db8::1")

    private static let lines: [(String, MailQuestion)] = [
        (
            "Nov 30 14:00:00 mx tprtd[812]: action=greylist, reason=new, client_name=mx.a.example, "
                + "client_address=192.0.2.7, sender=a@a.example, recipient=u@example.com", mail
        ),
        (
            "2026-11-30T14:00:00Z mx tprtd[812]: 4B1C2D: action=pass, reason=triplet found (identity=a.example; "
                + "proof=spf; matched=O; dns_ms=12), delay=412, client_name=mx.a.example, client_address=192.0.2.7, "
                + "recipient=u@example.com", bounce
        ),
        (
            "action=greylist, reason=early-retry (mode=observe) (12s missing), client_name=unknown, "
                + #"client_address=2001:db8::1, sender=a\x22b\x2c\x20c\x5c@a.example, recipient=u@example.com"#, odd
        ),
        (
            "time=2026-11-30T14:00:00Z level=info action=greylist reason=new wait=300 client_name=mx.a.example "
                + "client_address=192.0.2.7 helo_name=mx.a.example sender=a@a.example recipient=u@example.com "
                + "instance=1.2.3", mail
        ),
        (
            #"level=info action=pass reason="triplet found" client_address=192.0.2.7 sender="" recipient=u@example.com"#,
            bounce
        ),
        (
            #"action=greylist reason=new client_address=2001:db8::1 sender="a\"b, c\\x5c@a.example" "#
                + "recipient=u@example.com",
            MailQuestion(sender: #"a"b, c\x5c@a.example"#, recipient: "u@example.com", client: "2001:db8::1")
        ),
        (
            #"{"time":"2026-11-30T14:00:00Z","level":"info","action":"greylist","reason":"new","wait":300,"#
                + #""client_name":"mx.a.example","client_address":"192.0.2.7","sender":"a@a.example","#
                + #""recipient":"u@example.com"}"#, mail
        ),
        (
            #"Nov 30 mx tprtd: {"action":"greylist","client_address":"2001:db8::1","sender":"j\\xc3\\xbcrgen@a.example","#
                + #""recipient":"u@example.com"}"#,
            MailQuestion(sender: #"j\xc3\xbcrgen@a.example"#, recipient: "u@example.com", client: "2001:db8::1")
        ),
        (
            "Nov 30 14:00:00 mx postfix/smtpd[99]: NOQUEUE: reject: RCPT from mx.a.example[192.0.2.7]: 450 4.2.0 "
                + "<u@example.com>: Recipient address rejected: Greylisted, please retry in 300 seconds; "
                + "from=<a@a.example> to=<u@example.com> proto=ESMTP helo=<mx.a.example>", mail
        ),
        (
            "NOQUEUE: reject: RCPT from unknown[192.0.2.7]:4711: 450 4.2.0 <u@example.com>: Recipient address rejected: "
                + "Greylisted; from=<> to=<u@example.com> proto=ESMTP helo=<x>", bounce
        ),
    ]

    @Test("a line of a log, in each format", arguments: lines)
    func line(line: String, question: MailQuestion) {
        #expect(MailQuestion(logLine: line) == question)
    }

    @Test(
        "other lines are none",
        arguments: [
            "", "tprtd[1]: listening on unix:/run/tprt/policy.sock", "{}", #"{"level":"info","message":"x"}"#,
            "action=pass",
            "action=greylist, reason=new, client_name=a, client_address=b", #"action=pass sender="a recipient=b"#,
            "postfix/smtpd[1]: connect from mx.a.example[192.0.2.7]",
            "NOQUEUE: reject: RCPT from a[b]: 450 <c>; from=<d> to=<> proto=ESMTP",
        ])
    func otherLines(line: String) {
        #expect(MailQuestion(logLine: line) == nil)
    }

    @Test("addresses in angle brackets are as without")
    func brackets() {
        let question = MailQuestion(sender: "<>", recipient: "<u@example.com>", client: nil)
        #expect(question.sender.isEmpty && question.recipient == "u@example.com")
    }

    @Test(
        "what can't be asked is a usage error",
        arguments: [
            ["why"], ["why", "a@a.example"], ["why", "a@a.example", "<>"], ["why", "--log-line", "x"],
            ["why", "a@a.example", "u@example.com", "--limit", "0"],
            ["why", "a@a.example", "--log-line", "action=pass, client_address=a, recipient=b"],
            ["history", "--limit", "0"], ["history", "--since", "x"], ["history", "--reason", "x"],
            ["report", "--limit", "0"], ["report", "--csv", "--json"], ["list", "waiting", "--socket", "s"],
            ["list", "earned", "--history-db", "h"], ["list", "x"], ["list", "known", "--limit", "0"],
        ])
    func usage(words: [String]) throws {
        let error = try #require(throws: (any Error).self) { try Tprtctl.parseAsRoot(words) }
        #expect(Tprtctl.exitCode(for: error) == .validationFailure)
    }
}
