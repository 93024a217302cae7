import Domains
import Engine
import Greylist
import NIOConcurrencyHelpers
import NIOCore
import SampleOptions
import ScenarioFiles
import Storage
import Testing

@testable import Resolver
@testable import SPF
@testable import Server

/// What the DNS says of a sender, on the way of a request: when it is asked, how long that is waited for, what comes late.
struct IdentityTests {
    /// A resolver whose checks are answered when the test says so.
    private final class ScriptedResolver: Sendable {
        private typealias Reply = @Sendable (SPFCheck, TimeAmount) -> Void
        private let checks = NIOLockedValueBox<[(SPFSubject, Reply)]>([])

        var resolver: DNSResolver {
            DNSResolver { [checks] request in
                guard case .check(let subject, let reply) = request else { return }
                checks.withLockedValue { $0.append((subject, reply)) }
            }
        }

        var asked: Int { checks.withLockedValue { $0.count } }
        var clients: [SPFAddress] { checks.withLockedValue { $0.map(\.0.identity.client) } }

        /// Answers the first check, or that of another number.
        func answer(_ check: SPFCheck, number: Int = 0) {
            guard number < asked else {
                Issue.record("nobody asked for the \(number + 1). time")
                return
            }
            checks.withLockedValue { $0[number].1 }(check, .seconds(60))
        }
    }

    private static func outcome(_ result: SPFResult, _ grade: SPFGrade?, _ domain: String = "sender.example")
        -> SPFCheck
    {
        .outcome(
            SPFOutcome(
                result: result, grade: grade, scope: .mailFrom, domain: Array(domain.utf8), path: [], problem: nil,
                dependencies: []))
    }

    private static let pass = outcome(.pass, .strong)

    private func stage(
        _ methods: IdentityMethods = .spf, store: any Store = MemoryStore(), dns: ScriptedResolver? = nil
    ) throws -> LoopStage {
        var options = PolicyEngine.Options.sample()
        options.identity = methods
        options.keys = .plain
        let shared = SharedIdentities([
            SharedIdentityFile(path: "shared", text: Array("shared freemail.example\n".utf8))
        ])
        let engine = PolicyEngine(
            options: options,
            wording: try Wording(
                action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-Greylist: delayed {delay}", hostname: "mx"),
            organisations: Organisations(suffixes: .builtIn(), shared: shared))
        return LoopStage(engine, store: store, resolver: dns?.resolver)
    }

    private func request(
        _ address: String, name: String = "unknown", sender: String = "a@sender.example",
        recipient: String = "u@site.example"
    ) -> [UInt8] {
        let lines = [
            "request=smtpd_access_policy", "protocol_state=RCPT", "client_address=\(address)", "client_name=\(name)",
            "helo_name=mail.sender.example", "sender=\(sender)", "recipient=\(recipient)",
        ]
        return Array((lines.joined(separator: "\n") + "\n\n").utf8)
    }

    private func keys(of store: MemoryStore) async throws -> [String] {
        try await store.scan(.greylist, from: nil, limit: 100).entries
            .map { String(decoding: $0.key.bytes, as: UTF8.self) }.sorted()
    }

    @Test("A client whose name proves the sender is asked nothing, and is known from another address by it")
    func byName() async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        let client = try stage.connect()
        let name = "mx7.sender.example"
        #expect(try client.ask(request("192.0.2.1", name: name))?.contains("Greylisted") == true)
        let expected = [
            "192.0.2.0/24/a@sender.example/u@site.example", "org:sender.example/u@site.example",
            "ptr:sender.example/a@sender.example/u@site.example",
        ]
        #expect(try await keys(of: store) == expected)
        stage.pass(.seconds(400))
        let reply = try client.ask(request("2001:db8::1", name: name, sender: "other@sender.example"))
        #expect(reply?.hasPrefix("action=PREPEND") == true)
        #expect(dns.asked == 0)
    }

    @Test("A client that is known, or whose retry is due, is asked nothing")
    func knownWithoutDNS() throws {
        let dns = ScriptedResolver()
        let stage = try stage(dns: dns)
        let client = try stage.connect()
        try client.send(request("192.0.2.1"))
        dns.answer(Self.outcome(.none, nil))
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        stage.pass(.seconds(400))
        #expect(try client.ask(request("192.0.2.1"))?.hasPrefix("action=PREPEND") == true)
        #expect(try client.ask(request("192.0.2.1")) == "action=DUNNO\n\n")
        #expect(dns.asked == 1)
    }

    @Test(
        "What the DNS proves is known from another address, whatever the sender; and nothing is written before it answers"
    )
    func bySPF() async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        let client = try stage.connect()
        #expect(try client.ask(request("192.0.2.1")) == nil)
        #expect(dns.asked == 1)
        #expect(try await keys(of: store) == [])
        dns.answer(Self.pass)
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        #expect(
            try await keys(of: store) == [
                "192.0.2.0/24/a@sender.example/u@site.example", "org:sender.example/u@site.example",
            ])
        stage.pass(.seconds(400))
        #expect(try client.ask(request("198.51.100.1", sender: "b@sender.example")) == nil)
        dns.answer(Self.pass, number: 1)
        stage.endTurn()
        #expect(try client.reply()?.hasPrefix("action=PREPEND") == true)
        #expect(
            stage.log.last == """
                action=pass, reason=triplet found (identity=sender.example; proof=spf; matched=O; dns_ms=0), \
                delay=400, client_name=unknown, client_address=198.51.100.1, sender=b@sender.example, \
                recipient=u@site.example
                """)
    }

    @Test(
        "What proves nothing is as if there were no record",
        arguments: [
            outcome(.pass, .open), outcome(.fail, nil), outcome(.softfail, nil), outcome(.neutral, nil),
            outcome(.none, nil), outcome(.temperror, nil), outcome(.permerror, nil), .notAsked(.down),
            .notAsked(.tooManyAtOnce), .notAsked(.tooManyFromNetwork),
        ])
    func noProof(_ check: SPFCheck) async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        let client = try stage.connect()
        try client.send(request("192.0.2.1"))
        dns.answer(check)
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        #expect(try await keys(of: store) == ["192.0.2.0/24/a@sender.example/u@site.example"])
        stage.pass(.seconds(400))
        #expect(try client.ask(request("192.0.2.1"))?.hasPrefix("action=PREPEND") == true)
    }

    @Test("Behind a translator the IPv4 host is asked about")
    func translated() throws {
        let dns = ScriptedResolver()
        let stage = try stage(dns: dns)
        for address in ["64:ff9b::192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "2001:db8::1"] {
            try stage.connect().send(request(address))
        }
        #expect(
            dns.clients == [.ipv4(0xc000_0201), .ipv4(0xc000_0201), .ipv4(0xc000_0201), .ipv6(0x2001_0db8 << 96 | 1)])
    }

    @Test("A shared identity is known by its sender, too")
    func sharedIdentity() async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        let client = try stage.connect()
        try client.send(request("192.0.2.1", sender: "Some.One+tag@freemail.example"))
        dns.answer(Self.outcome(.pass, .strong, "freemail.example"))
        stage.endTurn()
        #expect(try await keys(of: store).last == "org:freemail.example/some.one@freemail.example/u@site.example")
    }

    @Test("A silent DNS costs the budget and no more; what it says afterwards counts for a retry from elsewhere")
    func lateProof() async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        let client = try stage.connect()
        #expect(try client.ask(request("192.0.2.1")) == nil)
        stage.pass(.milliseconds(999))
        #expect(try client.reply() == nil)
        stage.pass(.milliseconds(1))
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        #expect(try await keys(of: store) == ["192.0.2.0/24/a@sender.example/u@site.example"])
        stage.pass(.seconds(2))
        dns.answer(Self.pass)
        stage.endTurn()
        #expect(try await keys(of: store).last == "org:sender.example/u@site.example")
        let entries = try await store.scan(.greylist, from: nil, limit: 9).entries
        #expect(entries.count == 2 && entries[0].sighting == entries[1].sighting)
        // It is as old as the attempt.
        stage.pass(.seconds(288))
        try client.send(request("198.51.100.1"))
        dns.answer(Self.pass, number: 1)
        stage.endTurn()
        #expect(try client.reply()?.hasPrefix("action=PREPEND") == true)
    }

    @Test("A proof that comes after a short delay is no retry")
    func lateProofIsNoRetry() async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        var options = stage.pipeline.engine.options
        options.rules.delay = 1
        stage.pipeline.engine.change(options: options)
        let client = try stage.connect()
        try client.send(request("192.0.2.1"))
        stage.pass(.seconds(1))
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        stage.pass(.seconds(3))
        dns.answer(Self.pass)
        stage.endTurn()
        let pending = try await store.scan(.greylist, from: nil, limit: 9).entries.map(\.sighting.isPending)
        #expect(pending == [true, true])
    }

    @Test("A proof that comes late lets nothing pass that was deferred: the retry passes, and as one")
    func lateProofPassesNothing() async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        let client = try stage.connect()
        try client.send(request("192.0.2.1"))
        dns.answer(Self.pass)
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        stage.pass(.seconds(310))
        try client.send(request("198.51.100.1"))
        stage.pass(.seconds(1))
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        dns.answer(Self.pass, number: 1)
        stage.endTurn()
        let pending = try await store.scan(.greylist, from: nil, limit: 9).entries.map(\.sighting.isPending)
        #expect(pending == [true, true, true])
        #expect(try client.ask(request("198.51.100.1"))?.hasPrefix("action=PREPEND") == true)
    }

    @Test("An early retry without a proof asks again: its first attempt may have been under one")
    func earlyRetry() throws {
        let dns = ScriptedResolver()
        let stage = try stage(dns: dns)
        let client = try stage.connect()
        try client.send(request("192.0.2.1"))
        dns.answer(Self.pass)
        stage.endTurn()
        _ = try client.reply()
        stage.pass(.seconds(200))
        try client.send(request("198.51.100.1"))
        stage.pass(.seconds(1))
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        // The same attempt later, and now the DNS answers: it was early by its own network.
        stage.pass(.seconds(120))
        try client.send(request("198.51.100.1"))
        #expect(dns.asked == 3)
        dns.answer(Self.pass, number: 2)
        stage.endTurn()
        #expect(try client.reply()?.hasPrefix("action=PREPEND") == true)
    }

    @Test(
        "A record that lists too many networks is worth nothing, until one of them is let pass; late proofs count, too",
        arguments: [false, true])
    func manyNetworks(_ isLate: Bool) async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        func ask(_ address: String, _ recipient: String, sender: String = "a@sender.example") throws {
            let client = try stage.connect()
            try client.send(request(address, sender: sender, recipient: recipient))
            if isLate { stage.pass(.seconds(1)) }
            dns.answer(Self.pass, number: dns.asked - 1)
            stage.endTurn()
            #expect(try client.reply()?.contains("Greylisted") == true)
        }
        func organisations() async throws -> Int {
            try await keys(of: store).count { $0.hasPrefix("org:") }
        }
        for network in 0..<25 { try ask("10.0.\(network).1", "u\(network)@site.example") }
        #expect(try await organisations() == 24)
        try ask("10.0.3.2", "v@site.example")
        #expect(try await organisations() == 24)
        // What an earlier version has written of the network isn't taken for the organisation's.
        var lookups = StoreQuery.Lookups()
        let former = "10.0.4.0/24/list-4711-bounce@sender.example/x@site.example"
        lookups.append(.init(.triplet, Key(Array(former.utf8).span, isHashed: false)))
        _ = store.decide([StoreQuery(lookups, time: stage.clock.now(), rules: .sample())])
        try ask("10.0.4.2", "x@site.example", sender: "list-4711-bounce@sender.example")
        let found = isLate ? "early-retry" : "early-retry (identity=sender.example; proof=spf; matched=A;"
        #expect(stage.log.contains { $0.contains(found) })
        // It is known by its network, so nobody asks whether it is the domain's.
        let asked = dns.asked
        stage.pass(.seconds(400))
        let retry = try stage.connect().ask(request("10.0.3.1", recipient: "u3@site.example"))
        #expect(retry?.hasPrefix("action=PREPEND") == true)
        #expect(dns.asked == asked)
        try ask("10.0.30.1", "w@site.example")
        #expect(try await organisations() == 25)
    }

    @Test("A name proves nothing where the record of the domain said otherwise, within the hour")
    func contradiction() async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(store: store, dns: dns)
        let client = try stage.connect()
        try client.send(request("192.0.2.1"))
        dns.answer(Self.outcome(.softfail, nil))
        stage.endTurn()
        try client.send(request("192.0.2.1", name: "mx1.sender.example", recipient: "v@site.example"))
        stage.endTurn()
        let known = try await keys(of: store)
        #expect(known.count == 3 && known.allSatisfy { !$0.hasPrefix("org:") })
        stage.pass(.seconds(3_700))
        try stage.connect().send(request("192.0.2.1", name: "mx1.sender.example", recipient: "w@site.example"))
        #expect(dns.asked == 1)
        #expect(try await keys(of: store).contains("org:sender.example/w@site.example"))
    }

    @Test("Without a resolver, and at the end of the server, requests are answered")
    func withoutAnAnswer() throws {
        let stage = try stage()
        let client = try stage.connect()
        #expect(try client.ask(request("192.0.2.1"))?.contains("Greylisted") == true)
        let dns = ScriptedResolver()
        let ending = try self.stage(dns: dns)
        let last = try ending.connect()
        #expect(try last.ask(request("192.0.2.1")) == nil)
        ending.pipeline.settleAll()
        #expect(try last.reply() == "action=DUNNO\n\n")
        dns.answer(Self.pass)
        ending.endTurn()
        #expect(try last.reply() == nil)
    }

    @Test("By names alone the DNS isn't asked, and switched off nothing is made of names", arguments: [false, true])
    func otherMethods(_ isOff: Bool) async throws {
        let (store, dns) = (MemoryStore(), ScriptedResolver())
        let stage = try stage(isOff ? .off : .name, store: store, dns: dns)
        let client = try stage.connect()
        #expect(try client.ask(request("192.0.2.1", name: "host.other.example"))?.contains("Greylisted") == true)
        #expect(dns.asked == 0)
        let own = "192.0.2.0/24/a@sender.example/u@site.example"
        let host = "ptr:other.example/a@sender.example/u@site.example"
        #expect(try await keys(of: store) == (isOff ? [own] : [own, host]))
    }
}
