import Domains
import Engine
import Greylist
import NIOConcurrencyHelpers
import NIOCore
import SampleOptions
import Storage
import Testing
import Whitelists

@testable import Resolver
@testable import SPF
@testable import Server

/// What whitelists need of the DNS: it is asked at once, for no longer than the budget, and only where it makes a difference.
struct FactTests {
    /// What a resolver was asked, to be answered when the test says so.
    private final class ScriptedResolver: Sendable {
        private struct Asked: Sendable {
            var checks: [@Sendable (SPFCheck, TimeAmount) -> Void] = []
            var lookups: [(name: String, reply: @Sendable (DNSAnswer, TimeAmount) -> Void)] = []
        }
        private let asked = NIOLockedValueBox(Asked())

        var resolver: DNSResolver {
            DNSResolver { [asked] request in
                asked.withLockedValue { asked in
                    switch request {
                    case .check(_, let reply): asked.checks.append(reply)
                    case .look(let question, let reply):
                        asked.lookups.append((String(decoding: question.name, as: UTF8.self), reply))
                    }
                }
            }
        }

        var names: [String] { asked.withLockedValue { $0.lookups.map(\.name) } }
        var checks: Int { asked.withLockedValue { $0.checks.count } }

        func answer(_ address: UInt32?, number: Int = 0) {
            let reply = asked.withLockedValue { $0.lookups.indices.contains(number) ? $0.lookups[number].reply : nil }
            reply?(address.map { .addresses([.ipv4($0)]) } ?? .noSuchName, .seconds(60))
        }

        func answer(_ result: SPFResult, _ grade: SPFGrade?) {
            let outcome = SPFOutcome(
                result: result, grade: grade, scope: .mailFrom, domain: Array("sender.example".utf8), path: [],
                problem: nil, dependencies: [])
            asked.withLockedValue { $0.checks.first }?(.outcome(outcome), .seconds(60))
        }
    }

    private let zone: DNSList.Zone

    init() throws {
        zone = try #require(Domain("list.example").flatMap(DNSList.Zone.init))
    }

    private var listed: Condition {
        get throws { .fact(.listed(DNSList(zone, answers: try #require(DNSList.Answers("127.0.*.3"))))) }
    }

    private func stage(_ entries: [WhitelistEntry], _ dns: ScriptedResolver?) throws -> LoopStage {
        var options = PolicyEngine.Options.sample()
        options.identity = .spf
        var engine = PolicyEngine(
            options: options,
            wording: try Wording(
                action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-G: {delay}", hostname: "mx"))
        engine.change(whitelist: Whitelist(entries, source: "here"))
        return LoopStage(engine, resolver: dns?.resolver)
    }

    private func request(_ address: String = "192.0.2.7", sender: String = "a@sender.example") -> [UInt8] {
        let lines = [
            "request=smtpd_access_policy", "protocol_state=RCPT", "client_address=\(address)", "client_name=unknown",
            "helo_name=x.example", "sender=\(sender)", "recipient=u@site.example",
        ]
        return Array((lines.joined(separator: "\n") + "\n\n").utf8)
    }

    private func isDeferred(_ reply: String?) -> Bool { reply?.contains("Greylisted") == true }

    @Test(
        "A client that a list has passes by it, as soon as the list answers",
        arguments: [0x7f00_0503, 0x7f00_0502, nil])
    func list(_ answer: UInt32?) throws {
        let dns = ScriptedResolver()
        let stage = try stage([WhitelistEntry(try listed)], dns)
        let client = try stage.connect()
        #expect(try client.ask(request()) == nil)
        #expect(dns.names == ["7.2.0.192.list.example"])
        #expect(dns.checks == 0)
        dns.answer(answer)
        stage.endTurn()
        if answer == 0x7f00_0503 {
            #expect(try client.reply() == "action=DUNNO\n\n")
            #expect(
                stage.log.contains { $0.hasPrefix("action=pass, reason=client whitelist (entry=here") }, "\(stage.log)")
        } else {
            // As if it weren't there: greylisted, and then SPF is asked.
            #expect(try client.reply() == nil)
            #expect(dns.checks == 1)
            dns.answer(.none, nil)
            stage.endTurn()
            #expect(isDeferred(try client.reply()))
        }
        // What the loop knows isn't asked again.
        #expect((try client.ask(request()) == "action=DUNNO\n\n") == (answer == 0x7f00_0503))
        #expect(dns.names.count == 1)
    }

    @Test("All is asked at once, and what SPF says counts for the identity, too")
    func together() throws {
        let dns = ScriptedResolver()
        let stage = try stage([WhitelistEntry(.all([try listed, .fact(.spf(.pass))]))], dns)
        let client = try stage.connect()
        #expect(try client.ask(request()) == nil)
        #expect(dns.names.count == 1 && dns.checks == 1)
        dns.answer(nil)
        stage.endTurn()
        #expect(try client.reply() == nil)
        dns.answer(.pass, .strong)
        stage.endTurn()
        #expect(isDeferred(try client.reply()))
        #expect(dns.checks == 1)
        let line = "action=greylist, reason=new (identity=sender.example; proof=spf; dns_ms=0)"
        #expect(stage.log.contains { $0.hasPrefix(line) }, "\(stage.log)")
    }

    @Test("What doesn't come within the budget isn't so, and isn't waited for twice")
    func late() throws {
        let dns = ScriptedResolver()
        let stage = try stage([WhitelistEntry(.any([try listed, .fact(.proof(.spf))]))], dns)
        let client = try stage.connect()
        try client.send(request())
        stage.pass(.milliseconds(999))
        #expect(try client.reply() == nil)
        stage.pass(.milliseconds(1))
        stage.endTurn()
        #expect(isDeferred(try client.reply()))
        #expect(dns.checks == 1)
        dns.answer(0x7f00_0503)
        dns.answer(.pass, .strong)
        stage.endTurn()
        #expect(try client.reply() == nil)
        // The list alone costs its time, and SPF gets what is left.
        let second = ScriptedResolver()
        let other = try self.stage([WhitelistEntry(try listed)], second)
        let late = try other.connect()
        try late.send(request())
        other.pass(.milliseconds(700))
        second.answer(nil)
        other.endTurn()
        #expect(second.checks == 1)
        other.pass(.milliseconds(299))
        #expect(try late.reply() == nil)
        other.pass(.milliseconds(1))
        other.endTurn()
        #expect(isDeferred(try late.reply()))
    }

    @Test("What makes no difference isn't asked; without a resolver, and at the end of the server, nothing is so")
    func unasked() throws {
        let dns = ScriptedResolver()
        let sender = WhitelistEntry(.sender(try #require(AddressLiteral("a@sender.example"))))
        let stage = try stage([sender, WhitelistEntry(try listed)], dns)
        #expect(try stage.connect().ask(request()) == "action=DUNNO\n\n")
        #expect(dns.names == [])
        #expect(isDeferred(try self.stage([WhitelistEntry(try listed)], nil).connect().ask(request())))
        let ending = try self.stage([WhitelistEntry(try listed)], dns)
        let client = try ending.connect()
        #expect(try client.ask(request()) == nil)
        ending.pipeline.settleAll()
        #expect(try client.reply() == "action=DUNNO\n\n")
    }
}
