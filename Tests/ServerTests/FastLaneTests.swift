import Domains
import Engine
import Greylist
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SampleOptions
import Storage
import Testing

@testable import Resolver
@testable import SPF
@testable import Server

/// The fast lane on the way of a request: who need not wait, what is learnt, and what a table that fails costs.
struct FastLaneTests {
    /// The table of identities of a test, which answers at once or not at all.
    private final class Site: Sendable {
        let store: MemoryStore
        let clock = Clock()
        private let state = NIOLockedValueBox<(fails: Bool, isSilent: Bool, asked: Int)>((false, false, 0))
        private let made = NIOLockedValueBox<IdentityLedger?>(nil)

        init(_ store: MemoryStore = MemoryStore()) {
            self.store = store
        }

        var asked: Int { state.withLockedValue { $0.asked } }
        func fail(_ fails: Bool) { state.withLockedValue { $0.fails = fails } }
        func fallSilent() { state.withLockedValue { $0.isSilent = true } }
        var ledger: IdentityLedger {
            get throws { try #require(made.withLockedValue { $0 }) }
        }

        func makeLedger(_ now: @escaping @Sendable () -> Timestamp, _ options: IdentityLedger.Options) -> IdentityLedger
        {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let (store, state) = (store, state)
            let ledger = IdentityLedger(
                store: store, options: options, now: now, clock: EmbeddedEventLoop(), logger: logger
            ) { keys, done in
                let (fails, isSilent) = state.withLockedValue { state in
                    state.asked += 1
                    return (state.fails, state.isSilent)
                }
                if isSilent { return }
                if fails { return done(.failure(StoreError(.unavailable, "away"))) }
                done(.success(store.sightings(keys, in: .identity)))
            }
            made.withLockedValue { $0 = ledger }
            return ledger
        }
    }

    private static func options(
        _ lane: FastLaneRules = .sample(), perUser: Int = 500, perSite: Int = 50_000, localDomains: Set<[UInt8]> = []
    ) -> IdentityLedger.Options {
        IdentityLedger.Options(
            lane: lane, rules: .sample(), keys: .plain, bounds: .init(perUser: perUser, perSite: perSite),
            maxOrganisations: 1_000, localDomains: localDomains, interval: .seconds(3_600))
    }

    private func stage(
        _ site: Site, lane: FastLaneRules = .sample(), dns: DNSResolver? = nil, ledger: IdentityLedger.Options? = nil,
        change: (inout PolicyEngine.Options) -> Void = { _ in }
    ) throws -> LoopStage {
        var options = PolicyEngine.Options.sample()
        options.identity = dns == nil ? .name : .spf
        options.keys = .plain
        options.fastLane = lane
        change(&options)
        let shared = SharedIdentities([
            SharedIdentityFile(path: "shared", text: Array("shared freemail.example\n".utf8))
        ])
        let engine = PolicyEngine(
            options: options,
            wording: try Wording(
                action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-Greylist: delayed {delay}", hostname: "mx"),
            organisations: Organisations(suffixes: .builtIn(), shared: shared))
        return LoopStage(
            engine, store: site.store, resolver: dns,
            ledger: { now in site.makeLedger(now, ledger ?? Self.options(lane)) })
    }

    private func request(
        _ domain: String = "a.example", address: String = "192.0.2.1", name: String? = nil, sender: String? = nil,
        recipient: String = "u@site.example", more: [String] = []
    ) -> [UInt8] {
        let lines =
            [
                "request=smtpd_access_policy", "protocol_state=RCPT", "client_address=\(address)",
                "client_name=\(name ?? "mx1.\(domain)")", "helo_name=mx1.\(domain)",
                "sender=\(sender ?? "x@\(domain)")", "recipient=\(recipient)",
            ] + more
        return Array((lines.joined(separator: "\n") + "\n\n").utf8)
    }

    private func entry(_ text: String, _ count: UInt32, daysAgo: Int64 = 0, of stage: LoopStage) -> Entry {
        let moment = Timestamp(seconds: stage.clock.now().seconds - daysAgo * 86_400)
        return Entry(
            key: .text(Array(text.utf8)), sighting: Sighting(passes: count, first: moment, last: moment))
    }

    private func keep(_ entries: [Entry], in site: Site, _ stage: LoopStage) async throws {
        try await site.store.mergeIdentities(
            entries, at: stage.clock.now(), under: .sample(), ages: IdentityAges(.sample()))
    }

    private func identities(_ site: Site) async throws -> [String] {
        try await site.ledger.write()
        return try await site.store.scan(.identity, from: nil, limit: 1_000).entries
            .map { "\(String(decoding: $0.key.bytes, as: UTF8.self)) \($0.sighting.passes)" }.sorted()
    }

    @Test func whatHasEarnedItPassesAtOnceAndIsKnownByAllItsKeys() async throws {
        let site = Site()
        let stage = try stage(site)
        try await keep([entry("day:a.example", 4, of: stage), entry("rcp:a.example", 2, of: stage)], in: site, stage)
        let client = try stage.connect()
        #expect(try client.ask(request()) == "action=DUNNO\n\n")
        #expect(stage.log.last?.contains("reason=identity earned (identity=a.example; proof=name)") == true)
        #expect(site.asked == 1)
        #expect(try client.ask(request(address: "198.51.100.1", sender: "other@a.example")) == "action=DUNNO\n\n")
        #expect(stage.log.last?.contains("matched=O") == true)
        #expect(site.asked == 1)
        // Another recipient's first mail need not wait, either; another organisation's does.
        #expect(try client.ask(request(recipient: "v@site.example")) == "action=DUNNO\n\n")
        #expect(try client.ask(request("b.example"))?.contains("Greylisted") == true)
        // A name that proves nothing has no merit.
        #expect(
            try client.ask(request(name: "unknown", sender: "y@a.example", recipient: "w@site.example"))?.contains(
                "Greylisted") == true)
        #expect(
            try client.ask(request(name: "vps-7.a.example", recipient: "z@site.example"))?.contains("Greylisted")
                == true)
    }

    @Test func daysAreEarnedByWhatPasses() async throws {
        let site = Site()
        let stage = try stage(site)
        func ask(_ recipient: String) throws -> String? {
            try stage.connect().ask(request(recipient: "\(recipient)@site.example"))
        }
        for day in 1...4 {
            for name in day == 1 ? ["u", "v"] : ["u\(day)"] {
                #expect(try ask(name)?.contains("Greylisted") == true, "day \(day)")
                stage.pass(.seconds(400))
                #expect(try ask(name)?.hasPrefix("action=PREPEND") == true)
                #expect(try ask(name) == "action=DUNNO\n\n")
            }
            #expect(try await identities(site) == ["day:a.example \(day)", "rcp:a.example \(day + 1)"])
            stage.pass(.seconds(86_400))
        }
        #expect(try ask("new") == "action=DUNNO\n\n")
        #expect(try await identities(site) == ["day:a.example 5", "rcp:a.example 6"])
        // A known triplet counts a day, too, and no recipient.
        stage.pass(.seconds(86_400))
        #expect(try ask("new") == "action=DUNNO\n\n")
        #expect(try await identities(site) == ["day:a.example 6", "rcp:a.example 6"])
    }

    @Test func sharedIdentitiesEarnNothing() async throws {
        let site = Site()
        let stage = try stage(site)
        let keys = ["day:freemail.example", "rcp:freemail.example", "out:@freemail.example"]
        try await keep(
            keys.map { entry($0, 9, of: stage) } + [entry("lane:freemail.example", 2, of: stage)], in: site, stage)
        let before = try await identities(site)
        let client = try stage.connect()
        let question = request("freemail.example", sender: "ann@freemail.example")
        #expect(try client.ask(question)?.contains("Greylisted") == true)
        stage.pass(.seconds(400))
        #expect(try client.ask(question)?.hasPrefix("action=PREPEND") == true)
        #expect(try await identities(site) == before)
        // But the very address that was written to does.
        try await keep([entry("out:u@site.example/bob@freemail.example", 1, of: stage)], in: site, stage)
        #expect(
            try client.ask(request("freemail.example", sender: "Bob+x@freemail.example")) == "action=DUNNO\n\n")
        #expect(stage.log.last?.contains("reason=correspondent") == true)
        #expect(
            try client.ask(request("freemail.example", sender: "eve@freemail.example"))?.contains("Greylisted")
                == true)
    }

    private static let login = ["sasl_username=u"]

    @Test func aReplyPassesAtOnce() async throws {
        let site = Site()
        let stage = try stage(site, ledger: Self.options(localDomains: [Array("mine.example".utf8)]))
        let client = try stage.connect()
        func send(_ sender: String, _ recipient: String, _ more: [String]) throws {
            #expect(
                try client.ask(
                    request("home.example", name: "unknown", sender: sender, recipient: recipient, more: more))
                    == "action=DUNNO\n\n")
        }
        try send("U+news@Site.example", "Bob@A.example", Self.login)
        try send("u@site.example", "list@lists.b.example", ["ccert_subject=u", "policy_context=outgoing"])
        try send("u@site.example", "ann@freemail.example", Self.login)
        let learnt = [
            "out:@a.example 1", "out:@b.example 1", "out:u@site.example/@a.example 1",
            "out:u@site.example/@b.example 1", "out:u@site.example/ann@freemail.example 1",
            "out:u@site.example/bob@a.example 1", "out:u@site.example/list@lists.b.example 1",
        ]
        #expect(try await identities(site) == learnt)
        // None of these teaches anything.
        try send("u@site.example", "eve@evil.example", ["policy_context=outgoing"])
        try send("", "bob@c.example", Self.login)
        try send("postmaster@site.example", "bob@c.example", Self.login)
        try send("u@site.example", "v@mine.example", Self.login)
        try send("u@site.example", "nobody", Self.login)
        #expect(
            try client.ask(request("x.example", recipient: "v@site.example"))?.contains("Greylisted") == true)
        try send("u@site.example", "V@Site.example", Self.login)
        #expect(try await identities(site) == learnt)
        let figures = try await site.ledger.figures()
        #expect(figures.lessons == [3, 2])
        // The postmaster's, those to the two domains of the site, and what is learnt of freemail beside the address.
        let refused: [LessonRefusal: Int] = [.robot: 1, .ownDomain: 2, .shared: 1]
        #expect(figures.refused == LessonRefusal.allCases.map { refused[$0] ?? 0 })
        // Replies: from the address, from another one of the organisation, from the list's bounces, to nobody else.
        #expect(try client.ask(request(sender: "carol@sub.a.example")) == "action=DUNNO\n\n")
        #expect(stage.log.last?.contains("reason=correspondent (identity=a.example; proof=name)") == true)
        #expect(try client.ask(request(sender: "bob@a.example")) == "action=DUNNO\n\n")
        #expect(stage.log.last?.contains("reason=triplet found (identity=a.example; proof=name; matched=O)") == true)
        #expect(try client.ask(request("b.example", sender: "")) == "action=DUNNO\n\n")
        #expect(
            try client.ask(request(sender: "bob@a.example", recipient: "v@site.example"))?.contains("Greylisted")
                == true)
        // A forged one isn't proven.
        #expect(try client.ask(request("evil.example", sender: "dan@a.example"))?.contains("Greylisted") == true)
    }

    @Test func ourOwnUsersNeverWaitWhateverTheTableDoes() async throws {
        let site = Site()
        let stage = try stage(site)
        site.fail(true)
        let client = try stage.connect()
        let question = request(name: "unknown", recipient: "bob@b.example", more: ["policy_context=outgoing"])
        #expect(try client.ask(question) == "action=DUNNO\n\n")
        #expect(site.asked == 0)
    }

    @Test func aTableThatFailsCostsNothingButTheLane() async throws {
        let site = Site()
        let stage = try stage(site)
        try await keep([entry("lane:a.example", 2, of: stage)], in: site, stage)
        site.fail(true)
        let client = try stage.connect()
        #expect(try client.ask(request())?.contains("Greylisted") == true)
        #expect(site.asked == 1)
        // It isn't asked again for five seconds.
        #expect(try client.ask(request(recipient: "v@site.example"))?.contains("Greylisted") == true)
        #expect(site.asked == 1)
        site.fail(false)
        stage.pass(.seconds(6))
        #expect(try client.ask(request(recipient: "w@site.example")) == "action=DUNNO\n\n")
        // One that never answers is waited for as long as the store is.
        site.fallSilent()
        try client.send(request(recipient: "x@site.example"))
        #expect(try client.reply() == nil)
        stage.pass(.seconds(60))
        #expect(try client.reply()?.contains("Greylisted") == true)
        #expect(try await site.ledger.figures().lookups == [1, 1, 1])
    }

    @Test func offMeansOff() async throws {
        let site = Site()
        let stage = try stage(site, lane: .sample(lane: .off))
        try await keep([entry("lane:a.example", 2, of: stage)], in: site, stage)
        let client = try stage.connect()
        #expect(try client.ask(request())?.contains("Greylisted") == true)
        #expect(try client.ask(request(recipient: "bob@b.example", more: Self.login)) == "action=DUNNO\n\n")
        #expect(try await identities(site) == ["lane:a.example 2"])
        #expect(site.asked == 0)
    }

    @Test func whatPassesWithoutProofIsAskedAboutAfterwards() async throws {
        let site = Site()
        let checks = NIOLockedValueBox<[@Sendable (SPFCheck, TimeAmount) -> Void]>([])
        let dns = DNSResolver { request in
            guard case .check(_, let reply) = request else { return }
            checks.withLockedValue { $0.append(reply) }
        }
        func answer(_ result: SPFResult, _ grade: SPFGrade?) {
            let reply = checks.withLockedValue { $0.isEmpty ? nil : $0.removeFirst() }
            let outcome = SPFOutcome(
                result: result, grade: grade, scope: .mailFrom, domain: Array("a.example".utf8), path: [], problem: nil,
                dependencies: [])
            reply?(.outcome(outcome), .seconds(1))
        }
        let stage = try stage(site, dns: dns)
        let question = request(name: "unknown")
        func ask() throws -> String? { try stage.connect().ask(question) }
        let client = try stage.connect()
        try client.send(question)
        answer(.none, nil)
        stage.endTurn()
        #expect(try client.reply()?.contains("Greylisted") == true)
        stage.pass(.seconds(400))
        #expect(try ask()?.hasPrefix("action=PREPEND") == true)
        #expect(checks.withLockedValue { $0.count } == 1)
        let key = Key.text(Array("org:a.example/u@site.example".utf8))
        #expect(site.store.sightings([key], in: .greylist) == [nil])
        answer(.pass, .guess)
        stage.endTurn()
        #expect(try await identities(site) == [])
        #expect(site.store.sightings([key], in: .greylist)[0]?.isPending == false)
        // Another recipient's first mail, and then its retry: that counts for a recipient.
        let other = request(name: "unknown", recipient: "v@site.example")
        let waiting = try stage.connect()
        try waiting.send(other)
        answer(.none, nil)
        stage.endTurn()
        #expect(try waiting.reply()?.contains("Greylisted") == true)
        stage.pass(.seconds(400))
        #expect(try stage.connect().ask(other)?.hasPrefix("action=PREPEND") == true)
        answer(.pass, .strong)
        stage.endTurn()
        #expect(try await identities(site) == ["day:a.example 1", "rcp:a.example 1"])
        // The use isn't worth a record.
        stage.pass(.seconds(600))
        #expect(try ask() == "action=DUNNO\n\n")
        #expect(checks.withLockedValue { $0.count } == 0)
        // With a host that is known, what the domain's own server says of the client is enough.
        let named = request(name: "out7.host.example", recipient: "w@site.example")
        let third = try stage.connect()
        try third.send(named)
        answer(.none, nil)
        stage.endTurn()
        #expect(try third.reply()?.contains("Greylisted") == true)
        stage.pass(.seconds(400))
        #expect(try stage.connect().ask(named)?.hasPrefix("action=PREPEND") == true)
        answer(.pass, .dynamic)
        stage.endTurn()
        #expect(try await identities(site) == ["day:a.example 1", "rcp:a.example 2"])
        for (days, grade, expected) in [(2, SPFGrade.guess, 1), (4, .dynamic, 1), (6, .strong, 2)]
            as [(Int, SPFGrade, Int)]
        {
            stage.pass(.seconds(2 * 86_400))
            // Nobody waits for it.
            #expect(try ask() == "action=DUNNO\n\n")
            #expect(checks.withLockedValue { $0.count } == 1, "day \(days)")
            answer(.pass, grade)
            stage.endTurn()
            #expect(try await identities(site) == ["day:a.example \(expected)", "rcp:a.example 2"], "day \(days)")
        }
    }
}
