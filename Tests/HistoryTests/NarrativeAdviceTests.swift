import Engine
import Greylist
import Testing

@testable import History

/// What stories advise, and how they write what senders have said.
@Suite("Commands and entries of stories")
struct NarrativeAdviceTests {
    @Test(
        "each word of a command is one word to every shell",
        arguments: [
            (["a@example.org"], "a@example.org"), (["o'brien@example.org"], #"'o'\''brien@example.org'"#),
            (["$(reboot)@example.org", ";x"], "'$(reboot)@example.org' ';x'"), ([""], "''"), (["~root"], "'~root'"),
            (["a b", "`id`", "a\"b"], #"'a b' '`id`' 'a"b'"#),
            (["=ls", "a&b|c>d<e#f!g*h?[i]"], "'=ls' 'a&b|c>d<e#f!g*h?[i]'"),
            ([#"\x0a"#], #"'\x0a'"#),
        ])
    func quoting(words: [String], line: String) {
        #expect(ShellCommand(words)?.line == line)
    }

    @Test("a word that would break the line makes no command", arguments: ["a\nb", "a\u{1b}[2J", "\u{202e}", "ü"])
    func unprintable(word: String) {
        #expect(ShellCommand(["tprtctl", word]) == nil)
    }

    @Test("what looks like an option stands behind --")
    func options() {
        #expect(ShellCommand(["x"], arguments: ["--all", "a"])?.line == "x -- --all a")
        #expect(ShellCommand(["x"], arguments: ["a", "b"])?.line == "x a b")
    }

    @Test("hostile texts are quoted, cut, and make no entry")
    func hostile() {
        var sample = SampleStory(
            sender: "-x'$(reboot)\\x0a@" + String(repeating: "b", count: 500), recipient: "-r@example.com")
        sample.toldAfter = 10
        sample.add(0, .new, "192.0.2.7", String(repeating: "c", count: 500), wait: 300)
        let narrative = Narrative(of: sample.story, in: sample.context())
        #expect(narrative.headline.count < 250 && narrative.events[0].text.count < 400)
        let command = "tprtctl release -- '-x'\\''$(reboot)\\x0a@\(String(repeating: "b", count: 500))' -r@example.com"
        #expect(narrative.advice.first?.command == command)
        let last = "tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners --network 192.0.2.0/24"
        #expect(narrative.advice.map(\.command) == [command, last])
    }

    @Test("the null sender is <>, and what a history doesn't keep is taken from the question")
    func addresses() {
        func commands(_ kept: (String, String), _ sender: String?, _ recipient: String?) -> [String] {
            var sample = SampleStory(sender: kept.0, recipient: kept.1)
            sample.toldAfter = 10
            sample.add(0, .new, "192.0.2.7", wait: 300)
            let narrative = Narrative(of: sample.story, in: sample.context(sender: sender, recipient: recipient))
            return narrative.advice.map(\.command).filter { $0.hasPrefix("tprtctl release") }
        }
        #expect(commands(("", "u@example.com"), nil, nil) == ["tprtctl release '<>' u@example.com"])
        #expect(commands(("@a.example", "@example.com"), nil, nil).isEmpty)
        #expect(commands(("0123456789abcdef", "89abcdef01234567"), "0123456789abcdef", "u@example.com").isEmpty)
        #expect(
            commands(("@a.example", "@example.com"), "a@a.example", "u@example.com")
                == ["tprtctl release a@a.example u@example.com"])
    }

    private static let entries: [(Sample, String, String)] = [
        (
            Sample(proof: .spf, organisation: "a.example"), #"{"type": "identity", "domain": "a.example"}"#,
            #"--entry '{"type": "identity", "domain": "a.example"}'"#
        ),
        (
            Sample(proof: .name, organisation: "a.example"), #"{"type": "remote_name", "domain": "a.example"}"#,
            "--name a.example"
        ),
        (
            Sample(proof: .host, organisation: "provider.example"),
            #"{"type": "all", "of": [{"type": "remote_name", "domain": "provider.example"}, "#
                + #"{"type": "sender_domain", "domain": "mail.a.example"}]}"#,
            "--name provider.example --sender-domain mail.a.example"
        ),
        (
            Sample(proof: .host, organisation: "a.example"), #"{"type": "remote_name", "domain": "a.example"}"#,
            "--name a.example"
        ),
        (
            Sample(proof: .network, networks: ["2001:db8::/48"]),
            #"{"type": "all", "of": [{"type": "ipv6_net", "net": "2001:db8::/48"}, "#
                + #"{"type": "sender_domain", "domain": "mail.a.example"}]}"#,
            "--network 2001:db8::/48 --sender-domain mail.a.example"
        ),
        (
            Sample(sender: "", proof: nil, networks: ["192.0.2.0/24", "198.51.100.0/24"]),
            #"{"type": "any", "of": [{"type": "ipv4_net", "net": "192.0.2.0/24"}, "#
                + #"{"type": "ipv4_net", "net": "198.51.100.0/24"}]}"#,
            #"--entry '{"type": "any", "of": [{"type": "ipv4_net", "net": "192.0.2.0/24"}, "#
                + #"{"type": "ipv4_net", "net": "198.51.100.0/24"}]}'"#
        ),
        (
            Sample(proof: .name, organisation: "a.example", isShared: true),
            #"{"type": "all", "of": [{"type": "remote_name", "domain": "a.example"}, "#
                + #"{"type": "sender_literal", "sender": "x@mail.a.example"}]}"#,
            "--name a.example --sender x@mail.a.example"
        ),
    ]

    /// A case by what an entry goes by.
    struct Sample: Sendable {
        var sender = "x@mail.a.example"
        var proof: ClientIdentity.Proof?
        var organisation = ""
        var networks: [String] = []
        var isShared = false

        var mail: HistoryCase {
            var mail = SampleStory(sender: sender).mail
            (mail.proof, mail.organisation, mail.networks) = (proof, organisation, networks)
            return mail
        }
    }

    @Test("an entry is no wider than it needs to be", arguments: entries)
    func entry(sample: Sample, line: String, options: String) throws {
        let entry = try #require(SuggestedEntry(for: sample.mail, isShared: sample.isShared))
        #expect(entry.line == line)
        let start = "tprtctl whitelist add /etc/tprt/whitelist.d/partners.json --list partners "
        #expect(entry.command == start + options)
    }

    @Test(
        "what nothing tells from other mail, or what can't be written plainly, has no entry",
        arguments: [
            Sample(proof: .network), Sample(proof: nil, networks: [""]), Sample(proof: nil, networks: ["a'b"]),
            Sample(sender: "a\"b@a.example", proof: .spf, organisation: "a.example", isShared: true),
            Sample(proof: .spf, organisation: "a.example\", \"x\": \""),
        ])
    func noEntry(sample: Sample) {
        #expect(SuggestedEntry(for: sample.mail, isShared: sample.isShared) == nil)
    }

    @Test("an entry for a sender that suffered")
    func sufferer() {
        func line(
            _ kind: Sufferer.Kind, _ name: String, _ names: [String], _ domains: [String], _ networks: [String] = []
        )
            -> String?
        {
            let sufferer = Sufferer(
                name: name, kind: kind, cases: 1, total: 1, median: 1, clientNames: names, senderDomains: domains)
            return SuggestedEntry(for: sufferer, networks: networks)?.line
        }
        #expect(
            line(.organisation, "a.example", ["mx.b.example"], ["a.example"])
                == #"{"type": "identity", "domain": "a.example"}"#)
        #expect(
            line(.organisation, "a.example", ["mx.a.example"], ["mail.a.example"])
                == #"{"type": "remote_name", "domain": "a.example"}"#)
        #expect(
            line(.organisation, "a.example", ["mx.a.example"], ["b.example", "c.example"])
                == #"{"type": "all", "of": [{"type": "remote_name", "domain": "a.example"}, {"type": "any", "of": ["#
                + #"{"type": "sender_domain", "domain": "b.example"}, {"type": "sender_domain", "domain": "c.example"}]}]}"#
        )
        // It sends for too many to name them.
        #expect(
            line(.organisation, "a.example", ["mx.a.example"], ["b.example", "c.example", "d.example", "e.example"])
                == #"{"type": "remote_name", "domain": "a.example"}"#)
        #expect(line(.domain, "a.example", [], ["a.example"]) == nil)
        #expect(
            line(.domain, "a.example", [], ["a.example"], ["192.0.2.0/24"])
                == #"{"type": "all", "of": [{"type": "ipv4_net", "net": "192.0.2.0/24"}, "#
                + #"{"type": "sender_domain", "domain": "a.example"}]}"#)
        #expect(line(.network, "192.0.2.0/24", [], []) == #"{"type": "ipv4_net", "net": "192.0.2.0/24"}"#)
        #expect(line(.domain, "=cmd|' /C calc'!A0", [], [], ["192.0.2.0/24"]) == nil)
    }

    @Test("several cases that may be one mail are said to be")
    func parted() {
        func mail(_ id: Int64, _ seconds: Int64, _ network: String, _ organisation: String = "") -> HistoryCase {
            var mail = SampleStory().mail
            mail.id = id
            mail.firstAttempt = Timestamp(seconds: SampleStory.start.seconds + seconds)
            (mail.networks, mail.organisation, mail.deferrals) = ([network], organisation, 1)
            return mail
        }
        func remark(_ cases: [HistoryCase]) -> String? { Narrative.remark(on: cases, window: 172_800) }
        let first = mail(1, 0, "192.0.2.0/24")
        #expect(remark([mail(2, 600, "198.51.100.0/24"), first])?.hasPrefix("The same mail may be in several") == true)
        #expect(remark([first]) == nil)
        #expect(remark([first, mail(2, 600, "192.0.2.0/24")]) == nil)
        #expect(remark([first, mail(2, 172_801, "198.51.100.0/24")]) == nil)
        #expect(remark([mail(1, 0, "192.0.2.0/24", "a.example"), mail(2, 600, "198.51.100.0/24", "a.example")]) == nil)
    }
}
