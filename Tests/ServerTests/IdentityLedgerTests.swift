import Control
import Domains
import Engine
import Greylist
import JSONText
import Logging
import NIOCore
import NIOEmbedded
import SampleOptions
import ScenarioFiles
import ServiceLifecycleTestKit
import Storage
import Testing

@testable import Server

/// The table of identities: its bounds, what expires, what administrators order, and a store that fails.
struct IdentityLedgerTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func options(
        lane: FastLaneRules = .sample(), perUser: Int = 500, perSite: Int = 50_000, maxOrganisations: Int = 1_000
    ) -> IdentityLedger.Options {
        IdentityLedger.Options(
            lane: lane, rules: .sample(), keys: .hashed, bounds: .init(perUser: perUser, perSite: perSite),
            maxOrganisations: maxOrganisations, localDomains: [], interval: .seconds(3_600))
    }

    private func ledger(
        _ store: any Store, _ clock: Clock, _ options: IdentityLedger.Options,
        on loop: any EventLoop = EmbeddedEventLoop()
    )
        -> IdentityLedger
    {
        IdentityLedger(store: store, options: options, now: clock.now, clock: loop, logger: Self.logger) { _, done in
            done(.success([]))
        }
    }

    private func lesson(_ user: String, _ remote: String, at now: Timestamp) throws -> IdentityEvent {
        let found = Correspondence(user: Array(user.utf8).span, remote: Array(remote.utf8).span)
        let pair = try #require(found)
        return .wrote(pair, organisation: Array(pair.remoteDomain), login: pair.user, at: now)
    }

    private func texts(_ store: MemoryStore) async throws -> [String: UInt32] {
        var texts: [String: UInt32] = [:]
        for entry in try await store.scan(.identity, from: nil, limit: 100_000).entries {
            guard case .text(let text) = entry.key else { continue }
            texts[String(decoding: text, as: UTF8.self)] = entry.sighting.passes
        }
        return texts
    }

    private func refusals(_ counts: [LessonRefusal: Int]) -> [Int] { LessonRefusal.allCases.map { counts[$0] ?? 0 } }

    @Test func aUserTeachesSoManyADayAndTheSiteSoMany() async throws {
        let (store, clock) = (MemoryStore(), Clock())
        let ledger = ledger(store, clock, options(perUser: 3, perSite: 5))
        for user in ["a", "b", "c"] {
            for number in 0..<4 {
                try ledger.take(lesson("\(user)@site.example", "x@\(user)\(number).example", at: clock.now()))
            }
        }
        await ledger.write()
        #expect(try await texts(store).count == 5)
        var figures = await ledger.figures()
        // The third user finds the site's five taken.
        #expect(figures.refused == refusals([.perUser: 1, .perSite: 6]))
        #expect(figures.lessons == [5, 5] && figures.written == 15 && figures.waiting == 0)
        // What is known is no new one.
        try ledger.take(lesson("c@site.example", "x@a0.example", at: clock.now()))
        await ledger.write()
        #expect(try await texts(store)["out:@a0.example"] == 1)
        clock.move(86_400)
        try ledger.take(lesson("c@site.example", "x@a0.example", at: clock.now()))
        await ledger.write()
        #expect(try await texts(store)["out:@a0.example"] == 2)
        figures = await ledger.figures()
        #expect(figures.refused == refusals([.perUser: 1, .perSite: 7]) && figures.lessons == [6, 6])
    }

    @Test func soManyEventsWaitAndTheOthersAreDropped() async throws {
        let (store, clock) = (MemoryStore(), Clock())
        let ledger = ledger(store, clock, options(maxOrganisations: 1_000_000))
        for number in 0..<10_003 {
            ledger.take(
                .accepted(organisation: Array("o\(number).example".utf8), isByNewRecipient: false, at: clock.now()))
        }
        #expect(await ledger.figures().dropped == 3)
        #expect(await ledger.figures().waiting == 10_000)
        await ledger.write()
        #expect(try await texts(store).count == 10_000)
    }

    @Test func aStoreThatFailsLosesThemAndTheNextAreWritten() async throws {
        let (store, clock) = (FickleStore(.fails(StoreError(.unavailable, "away"))), Clock())
        let ledger = ledger(store, clock, options())
        ledger.take(.accepted(organisation: Array("a.example".utf8), isByNewRecipient: true, at: clock.now()))
        await ledger.write()
        #expect(await ledger.figures().dropped == 1)
        store.mood = .answers
        ledger.take(.accepted(organisation: Array("b.example".utf8), isByNewRecipient: true, at: clock.now()))
        await ledger.write()
        #expect(try await texts(store.inner) == ["day:b.example": 1, "rcp:b.example": 1])
    }

    @Test(arguments: [FickleStore.Mood.answers, .loses])
    func theRestIsWrittenAtTheEndUnlessTheStoreHangs(_ mood: FickleStore.Mood) async throws {
        try await withMovedClock { loop in
            let (store, clock) = (FickleStore(mood), Clock())
            let ledger = ledger(store, clock, options(), on: loop)
            ledger.take(.accepted(organisation: Array("a.example".utf8), isByNewRecipient: true, at: clock.now()))
            try await testGracefulShutdown { trigger in
                let service = Task { try await ledger.run() }
                trigger.triggerGracefulShutdown()
                try await loop.moves { try await service.value }
            }
            #expect(try await texts(store.inner).count == (store.mood.isAnswering ? 2 : 0))
        }
    }

    @Test func beyondTheBoundThoseOfASingleDayGoFirstAndOrdersStay() async throws {
        try await withMovedClock { loop in
            let (store, clock) = (MemoryStore(), Clock())
            let ledger = ledger(store, clock, options(maxOrganisations: 10), on: loop)
            func entry(_ kind: String, _ number: Int, _ count: UInt32, hoursAgo: Int) -> Entry {
                let moment = Timestamp(seconds: clock.now().seconds - Int64(hoursAgo) * 3_600)
                return Entry(
                    key: .text(Array("\(kind)o\(number).example".utf8)),
                    sighting: Sighting(passes: count, first: moment, last: moment))
            }
            var entries = (0..<8).flatMap {
                [entry("day:", $0, 2, hoursAgo: 500 + $0), entry("rcp:", $0, 1, hoursAgo: 500)]
            }
            entries += (8..<16).flatMap { [entry("day:", $0, 1, hoursAgo: $0), entry("rcp:", $0, 1, hoursAgo: 1)] }
            entries += [entry("lane:", 99, 4, hoursAgo: 9_000), entry("out:@", 98, 1, hoursAgo: 1_000)]
            // It has expired: 90 days.
            entries += [entry("day:", 97, 9, hoursAgo: 24 * 90 + 1), entry("out:@", 96, 9, hoursAgo: 24 * 90 + 1)]
            try await store.mergeIdentities(entries, at: clock.now(), under: .sample(), ages: IdentityAges(.sample()))
            await loop.moves { await ledger.maintain() }
            let left = try await texts(store)
            let expected = (0..<8).map { "day:o\($0).example" } + ["day:o8.example", "day:o9.example"]
            #expect(left.keys.filter { $0.hasPrefix("day:") }.sorted() == expected.sorted())
            #expect(left.keys.filter { $0.hasPrefix("rcp:") }.count == 10)
            var figures = await ledger.figures()
            #expect(figures.entries == [10, 1, 0, 1] && figures.removed == 8)
            #expect(figures.lastSearch == clock.now())
            #expect(left["lane:o99.example"] == 4 && left["out:@o98.example"] == 1 && left["out:@o96.example"] == nil)
            // A tenth more comes in before the next search; then nobody new.
            for number in 0..<5 {
                ledger.take(
                    .accepted(organisation: Array("n\(number).example".utf8), isByNewRecipient: false, at: clock.now()))
                await ledger.write()
            }
            #expect(try await texts(store).keys.filter { $0.hasPrefix("day:n") }.count == 1)
            figures = await ledger.figures()
            #expect(figures.refused == refusals([.noRoom: 4]) && figures.written == 1)
            let smaller = options(maxOrganisations: 4)
            ledger.change(to: smaller)
            await loop.moves { await ledger.maintain() }
            // Those of more days: the oldest of them now, too.
            let few = try await texts(store).keys.filter { $0.hasPrefix("day:") }.sorted()
            #expect(few == (0..<4).map { "day:o\($0).example" })
        }
    }

    private func orders(_ store: any Store, _ clock: Clock, lane: FastLaneRules = .sample()) throws -> IdentityOrders {
        let shared = SharedIdentities([
            SharedIdentityFile(path: "shared", text: Array("shared freemail.example\n".utf8))
        ])
        let engine = PolicyEngine(
            options: .sample(),
            wording: try Wording(action: "DEFER_IF_PERMIT", text: "x", header: "X: x", hostname: "mx"),
            organisations: Organisations(suffixes: .builtIn(), shared: shared))
        return IdentityOrders(to: ledger(store, clock, options(lane: lane)), engine: engine)
    }

    private func show(_ orders: IdentityOrders, _ name: String) async throws -> IdentityStatus {
        let reply = await orders.carryOut(IdentityOrder(.show, name).request)
        let text = try #require(reply.messages.first)
        return try #require(IdentityStatus(try JSONParser.parse(Array(text.utf8)).value))
    }

    @Test func anOrganisationIsShownForgottenDeniedAndAllowed() async throws {
        let (store, clock) = (MemoryStore(), Clock())
        let orders = try orders(store, clock)
        #expect(try await show(orders, "mx.a.example").hasEarned == false)
        let mails = (1...3).map {
            LearnOrder.Mail(seconds: clock.now().seconds, sender: "u\($0)@site.example", recipient: "x@mx.a.example")
        }
        let rest = [LearnOrder.Mail(seconds: 1, sender: "", recipient: "x@b.example")]
        #expect(await orders.learn(LearnOrder(mails + rest).request).messages == ["3", "7"])
        var status = try await show(orders, "A.example.")
        #expect(status.organisation == "a.example" && status.users?.number == 3 && status.hasEarned == true)
        #expect(await orders.carryOut(IdentityOrder(.deny, "a.example").request).status == 0)
        status = try await show(orders, "a.example")
        #expect(status.order == "deny" && status.hasEarned == false)
        #expect(await orders.carryOut(IdentityOrder(.allow, "a.example").request).status == 0)
        status = try await show(orders, "a.example")
        #expect(status.order == "allow" && status.hasEarned == true)
        clock.move(10)
        #expect(await orders.carryOut(IdentityOrder(.forget, "a.example").request).status == 0)
        status = try await show(orders, "a.example")
        #expect(status.order == nil && status.since == clock.now().seconds && status.users == nil)
        #expect(status.hasEarned == false)
        // What is learnt again counts; the order to allow keeps what was forgotten so.
        #expect(await orders.carryOut(IdentityOrder(.allow, "a.example").request).status == 0)
        #expect(try await show(orders, "a.example").since == clock.now().seconds)
        let list = try #require(IdentityList(await orders.list(IdentityListOrder().request)))
        #expect(list.next == "" && list.correspondences == 6 && list.entries.map(\.order) == ["allow"])
    }

    @Test func whatIsWrongIsRefused() async throws {
        let (store, clock) = (FickleStore(.answers), Clock())
        let orders = try orders(store, clock)
        #expect(await orders.carryOut(IdentityOrder(.allow, "freemail.example").request).status == 65)
        #expect(await orders.carryOut(IdentityOrder(.deny, "freemail.example").request).status == 0)
        for name in ["", "a b", "x@y", "\u{1b}[31m", String(repeating: "a.", count: 200) + "b"] {
            #expect(await orders.carryOut(IdentityOrder(.show, name).request).status == 65, "\(name)")
        }
        #expect(await orders.carryOut(ControlRequest("identity", arguments: ["drop", "a.example"])).status == 64)
        #expect(await orders.learn(ControlRequest("learn", arguments: ["1", "a@b"])).status == 64)
        #expect(await orders.learn(ControlRequest("learn", arguments: ["x", "a@b", "c@d"])).status == 64)
        #expect(await orders.list(ControlRequest("identities", arguments: ["zz"])).status == 64)
        store.mood = .fails(StoreError(.unavailable, "away"))
        #expect(await orders.carryOut(IdentityOrder(.deny, "a.example").request).status == 69)
        let off = try self.orders(store, clock, lane: .sample(lane: .off))
        #expect(await off.carryOut(IdentityOrder(.show, "a.example").request).status == 78)
    }
}

extension FickleStore.Mood {
    fileprivate var isAnswering: Bool {
        if case .answers = self { true } else { false }
    }
}
