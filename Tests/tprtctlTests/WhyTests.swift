import Domains
import Engine
import Greylist
import History
import JSONText
import Programs
import SampleOptions
import Testing

@testable import tprtctl

@Suite("tprtctl why")
struct WhyTests {
    private func answer(
        _ history: RecordedHistory, _ sender: String, _ recipient: String, client: String? = nil, limit: Int = 5,
        after seconds: Int64 = 7_200
    ) throws -> WhyAnswer {
        try WhyAnswer(
            MailQuestion(sender: sender, recipient: recipient, client: client), in: history.source, limit: limit,
            at: RecordedHistory.at(seconds), shared: SharedIdentities())
    }

    @Test("a story as it is printed, no line but commands wider than 78 columns")
    func story() throws {
        var history = try RecordedHistory()
        try history.addPool()
        let answer = try answer(history, "Anna@Partner.example", "you@example.com")
        #expect(!answer.isEmpty)
        #expect(
            answer.text == """
                Mail from anna@partner.example to you@example.com waited 12 min 4 s, until
                2026-11-30 14:12 UTC. It might have passed after 5 min: the other 7 min 4 s
                were its sender's choice of when to try again.

                2026-11-30 14:00:00  192.0.2.7 (out1.pool.example) tried it first, and was
                                     told to wait 5 min: no mail of this sender to this
                                     recipient was known yet. The SPF record of
                                     partner.example names it.
                2026-11-30 14:02:49  Another client, 198.51.100.9 (out2.pool.example), tried
                                     again 2 min 49 s after the first attempt, too soon, and
                                     was told to wait 2 min 11 s more. The client was
                                     recognised since the SPF record of partner.example names
                                     it, too (proof spf, matched O).
                2026-11-30 14:12:04  Another client, 203.0.113.5 (out3.pool.example), tried
                                     again 12 min 4 s after the first attempt, and the mail
                                     passed. The client was recognised since the SPF record of
                                     partner.example names it, too (proof spf, matched O).

                From now on mail that is proven to come from partner.example passes at once to
                you@example.com.

                Let mail that is proven to come from partner.example pass at once:
                    tprtctl identity allow partner.example
                Put this sender on a whitelist:
                    tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --entry '{"type": \
                "identity", "domain": "partner.example"}'
                """)
    }

    @Test("while the daemon has the file open, and after it has closed it")
    func closed() throws {
        var history = try RecordedHistory()
        try history.addPool()
        let open = try answer(history, "anna@partner.example", "you@example.com").text
        history.close()
        #expect(try answer(history, "anna@partner.example", "you@example.com").text == open)
    }

    @Test("several cases are said to be, and how they may belong together")
    func cases() throws {
        var history = try RecordedHistory()
        for (number, network) in ["192.0.2.7", "198.51.100.7", "203.0.113.7"].enumerated() {
            try history.add(Int64(number) * 600, .judged(.new(wait: 300)), client: (network, "unknown"))
        }
        let answer = try answer(history, "anna@partner.example", "you@example.com", limit: 2)
        #expect(
            answer.text.hasPrefix(
                """
                The history has several cases of this mail; the newest 2 of them (--limit has
                more).

                The same mail may be in several of these cases: it was tried from several
                networks, and nothing proved that they send for the same organisation. The
                sender can help that with an SPF record that names its servers; a whitelist
                entry helps at once.

                Mail from anna@partner.example to you@example.com is waiting
                """))
        #expect(answer.text.ranges(of: "tried it first").count == 2)
    }

    @Test("a client that isn't known of the mail is said not to be")
    func client() throws {
        var history = try RecordedHistory()
        try history.addPool()
        let mail = ("anna@partner.example", "you@example.com")
        for client in ["192.0.2.7", "203.0.113.5", "out2."] {
            #expect(try !answer(history, mail.0, mail.1, client: client).text.contains("doesn't know that"))
        }
        let other = try answer(history, mail.0, mail.1, client: "192.0.2.99").text
        #expect(other.hasPrefix("The history doesn't know that 192.0.2.99 tried it.\n\nMail from"))
    }

    @Test("nothing found is said with what was searched, since when, and other mail that may be meant")
    func nothing() throws {
        var history = try RecordedHistory()
        let path = history.source.path
        let empty = try answer(history, "", "x@example.com")
        #expect(empty.isEmpty)
        #expect(empty.text.hasPrefix("Nothing is known of mail from the null sender to x@example.com.\n"))
        #expect(empty.text.contains("is empty: has tprtd run"))
        try history.addPool()
        let bySender = try answer(history, "anna@partner.example", "x@example.com").text
        #expect(bySender.contains(path) && bySender.contains("goes back to 2026-11-30 14:00 UTC"))
        #expect(
            bySender.hasSuffix(
                "\nIt knows of:\n    2026-11-30T14:12:04Z  anna@partner.example to you@example.com"))
        #expect(try answer(history, "bob@partner.example", "you@example.com").text.contains("anna@partner.example to"))
        #expect(try answer(history, "x@other.example", "you@example.com").text.contains("anna@partner.example to"))
        #expect(try !answer(history, "x@other.example", "x@example.com").text.contains("It knows of"))
    }

    @Test(
        "what is kept less of is told by the addresses that were asked for", arguments: [KeptAddresses.domain, .hashed])
    func kept(addresses: KeptAddresses) throws {
        var history = try RecordedHistory(keeping: addresses)
        try history.add(0, .judged(.new(wait: 300)))
        let text = try answer(history, "anna@partner.example", "you@example.com", after: 60).text
        #expect(text.hasPrefix("Mail from anna@partner.example to you@example.com is waiting"))
        #expect(text.contains("\n    tprtctl release anna@partner.example you@example.com\n"))
    }

    @Test("JSON has the case, its decisions and its story")
    func json() throws {
        var history = try RecordedHistory()
        try history.addPool()
        guard case .object(let members) = try answer(history, "anna@partner.example", "you@example.com").json,
            case .array(let stories)? = members["stories"], case .object(let story)? = stories.first,
            case .array(let decisions)? = story["decisions"], case .object(let last)? = decisions.last
        else {
            Issue.record("another shape")
            return
        }
        #expect(Set(members.keys) == ["searched", "history", "stories", "more", "notes", "others"])
        #expect(members["more"] == .bool(false) && stories.count == 1 && decisions.count == 3)
        #expect(story["state"] == .string("passed after waiting") && story["waited"] == .int(724))
        #expect(story["beyond_delay"] == .int(424) && story["proof"] == .string("spf"))
        #expect(last["reason"] == .string("triplet found") && last["first_pass"] == .bool(true))
        #expect(last["action"] == .string("pass") && last["matched"] == .string("O"))
        guard case .array(let advice)? = story["advice"], case .object(let first)? = advice.first else {
            Issue.record("no advice")
            return
        }
        #expect(first["command"] == .string("tprtctl identity allow partner.example"))
    }

    @Test("what senders say can't steer a terminal, or pass for lines of ours")
    func hostile() throws {
        var history = try RecordedHistory()
        let name = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}"
        let sender = "\(name)'; rm -rf /; echo '@partner.example"
        try history.add(
            0, .judged(.new(wait: 300)), client: ("192.0.2.7", name), sender: sender, recipient: "\(name)@example.com",
            identity: .init(proof: .host, organisation: name))
        let answer = try answer(history, sender, "\(name)@example.com", after: 60)
        #expect(!answer.isEmpty)
        for text in [answer.text, answer.json.text] {
            let isPlain = printable(text).unicodeScalars.allSatisfy { $0 == "\n" || (0x20..<0x7f).contains($0.value) }
            #expect(isPlain, "\(text)")
        }
        #expect(answer.text.contains(#"'; rm -rf /; echo '"#) == false || answer.text.contains(#"'\''"#))
    }
}
