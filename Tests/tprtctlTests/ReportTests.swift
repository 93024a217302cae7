import Domains
import Engine
import Greylist
import History
import JSONText
import Programs
import SampleOptions
import Testing

@testable import tprtctl

@Suite("tprtctl report")
struct ReportTests {
    private func report(_ history: RecordedHistory, since: Int64 = -86_400, until: Int64 = 300_000) throws -> SiteReport
    {
        try SiteReport(
            from: RecordedHistory.at(since), until: RecordedHistory.at(until), in: history.source, top: 10,
            shared: SharedIdentities())
    }

    /// Some of everything that a report tells of.
    private func sample() throws -> RecordedHistory {
        var history = try RecordedHistory()
        try history.addPool()
        try history.add(0, .judged(.new(wait: 300)), client: ("203.0.113.99", "unknown"), sender: "win@lottery.example")
        for sender in ["a@shop.example", "b@shop.example"] {
            try history.add(60, .judged(.new(wait: 300)), client: ("198.51.100.77", "unknown"), sender: sender)
            try history.add(
                3_660, .judged(.retried(delay: 3_600)), client: ("198.51.100.77", "unknown"), sender: sender,
                identity: .init(matched: .network))
        }
        try history.add(
            1_000, .judged(.spared(.earned)), sender: "bob@partner.example",
            identity: .init(proof: .name, organisation: "partner.example"))
        try history.add(
            1_000, .judged(.spared(.correspondent)), sender: "carl@partner.example",
            identity: .init(proof: .name, organisation: "partner.example"))
        try history.add(299_000, .judged(.new(wait: 300)), client: ("192.0.2.200", "unknown"), sender: "")
        history.count(0, .new, deferred: 1_204)
        history.count(60, .known, passed: 12_345)
        history.count(60, .retried, passed: 3)
        return history
    }

    @Test("tables for people")
    func text() throws {
        #expect(
            ReportText(try report(try sample()), wraps: false).text == """
                Mail from 2026-11-29 14:00 UTC to 2026-12-04 01:20 UTC (4 days 11 h)

                mails                 7  share
                passed at once        2   29 %
                passed after waiting  3   43 %
                never came back       1   14 %
                may still come back   1   14 %
                A mail is what one client, or its organisation, sends from one sender to one
                recipient.

                wait                          mails  median  95 % within
                until it passed                   3     1 h          1 h
                of it by the sender's choice      3  55 min       55 min

                requests by reason         passed  deferred
                triplet found              12,345         -
                new                             -     1,204
                triplet found, first pass       3         -

                deferred mail by proof  mails  never came back  share
                net                         4                1   25 %
                spf                         1                0    0 %

                never came back, by network  mails  senders
                203.0.113.0/24                   1        1

                senders whose mail waited  mails      median  all together
                shop.example                   2         1 h           2 h
                partner.example                1  12 min 4 s    12 min 4 s

                What would let them pass at once, as an entry of a whitelist and as a command:
                shop.example:
                    {"type": "all", "of": [{"type": "ipv4_net", "net": "198.51.100.0/24"}, {"type": "sender_domain", \
                "domain": "shop.example"}]}
                    tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network \
                198.51.100.0/24 --sender-domain shop.example
                partner.example:
                    {"type": "identity", "domain": "partner.example"}
                    tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --entry '{"type": \
                "identity", "domain": "partner.example"}'

                The fast lane let 2 mails pass at once: 1 by "identity earned", 1 by
                "correspondent". Otherwise each would have waited 5 min at least; half of the
                mail that waits does so for 1 h or more.
                """)
    }

    @Test("a mail: its subject first, and no line wider than 78 columns")
    func mail() throws {
        let mail = ReportText(try report(try sample()), wraps: true).mail(from: "mx.example.com")
        let lines = mail.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= 78 })
        #expect(
            mail.hasPrefix(
                """
                Subject: greylisting: 7 mails, 3 waited 1 h, 1 never came back
                         (mx.example.com)
                Auto-Submitted: auto-generated

                Mail from 2026-11-29 14:00 UTC
                """))
        #expect(
            mail.contains(
                #"""
                shop.example:
                    {"type": "all", "of": [{"type": "ipv4_net", "net": "198.51.100.0/24"},
                    {"type": "sender_domain", "domain": "shop.example"}]}
                    tprtctl whitelist add /etc/tprt/whitelist.d/partners.json \
                    --list partners \
                    --network 198.51.100.0/24 \
                    --sender-domain shop.example
                partner.example:
                    {"type": "identity", "domain": "partner.example"}
                    tprtctl whitelist add /etc/tprt/whitelist.d/partners.json \
                    --list partners \
                    --entry \
                    '{"type": "identity", "domain": "partner.example"}'
                """#))
        #expect(ReportText(try report(try sample()), wraps: true).mail(from: "mx").hasPrefix("Subject: greylisting: 7"))
    }

    @Test("hostile senders break neither columns nor lines, nor a spreadsheet")
    func hostile() throws {
        var history = try RecordedHistory()
        let long = "=cmd|'/C calc'!A0,\"x\"\u{1b}[2J" + String(repeating: "l", count: 300)
        for (number, domain) in [long, String(repeating: "d", count: 60) + ".example", "-x.example"].enumerated() {
            let client = ("198.51.\(number).7", "unknown")
            try history.add(0, .judged(.new(wait: 300)), client: client, sender: "a@\(domain)")
            try history.add(400, .judged(.retried(delay: 400)), client: client, sender: "a@\(domain)")
        }
        let site = try report(history)
        let mail = ReportText(site, wraps: true).mail(from: "")
        #expect(mail.split(separator: "\n").allSatisfy { $0.count <= 78 })
        #expect(mail.unicodeScalars.allSatisfy { $0 == "\n" || (0x20..<0x7f).contains($0.value) })
        let csv = ReportCSV(site).text
        #expect(csv.contains("\n" + #"sender,"'=cmd|'/c calc'!a0,""x""\x1b[2jlll"#))
        #expect(csv.contains("\nsender,'-x.example,mails,1\n"))
        #expect(!csv.contains(",=") && !csv.contains(",-"))
    }

    @Test("comma-separated values")
    func csv() throws {
        let csv = ReportCSV(try report(try sample())).text
        #expect(
            csv.hasPrefix(
                """
                section,name,measure,value
                period,,since,2026-11-29T14:00:00Z
                period,,until,2026-12-04T01:20:00Z
                mails,,all,7
                mails,,passed at once,2
                mails,,passed after waiting,3
                mails,,never came back,1
                mails,,waiting,1
                mails,,observed,0
                wait,,mails,3
                wait,,median seconds,3600
                wait,,95th percentile seconds,3600
                beyond delay,,mails,3
                """))
        #expect(csv.contains("\nreason,\"triplet found, first pass\",passed,3\n"))
        #expect(csv.contains("\nsender,partner.example,entry,\"{\"\"type\"\": \"\"identity\"\", \"\"domain\"\": "))
    }

    @Test("JSON has all of it")
    func json() throws {
        guard case .object(let members) = try report(try sample()).json, case .object(let mails)? = members["mails"],
            case .array(let senders)? = members["senders"], case .object(let first)? = senders.first
        else {
            Issue.record("another shape")
            return
        }
        #expect(
            Set(members.keys) == [
                "since", "until", "delay", "mails", "wait", "beyond_delay", "reasons", "proofs", "networks", "senders",
                "spared",
            ])
        #expect(mails["all"] == .int(7) && mails["waiting"] == .int(1) && members["delay"] == .int(300))
        #expect(first["name"] == .string("shop.example") && first["kind"] == .string("domain"))
        #expect(first["total"] == .int(7_200) && first["mails"] == .int(2))
    }

    @Test("nothing to report")
    func nothing() throws {
        let site = try report(try RecordedHistory())
        #expect(site.isEmpty)
        let period = "from 2026-11-29 14:00 UTC to 2026-12-04 01:20 UTC (4 days 11 h)"
        #expect(ReportText(site, wraps: false).text == "Nothing is recorded of mail \(period).")
    }
}
