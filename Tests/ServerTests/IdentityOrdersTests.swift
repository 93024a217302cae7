import Control
import Domains
import Engine
import Greylist
import Logging
import NIOEmbedded
import SampleOptions
import Storage
import Testing

@testable import Server

@Suite("Orders about identities")
struct IdentityOrdersTests {
    private static let now = Timestamp(seconds: 1_796_000_000)
    private let store = MemoryStore()

    private func orders(_ lane: FastLaneRules = .sample(), keys: KeyScheme = .hashed) throws -> IdentityOrders {
        let shared = SharedIdentities([
            SharedIdentityFile(path: "shared", text: Array("shared freemail.example\n".utf8))
        ])
        let engine = PolicyEngine(
            options: .sample(),
            wording: try Wording(
                action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-Greylist: delayed {delay}", hostname: "mx"),
            organisations: Organisations(suffixes: .builtIn(), shared: shared))
        let options = IdentityLedger.Options(
            lane: lane, rules: .sample(), keys: keys,
            bounds: IdentityUpdate.Bounds(perUser: 500, perSite: 50_000), maxOrganisations: 500_000,
            localDomains: [Array("ours.example".utf8)], interval: .seconds(3_600))
        let ledger = IdentityLedger(
            store: store, options: options, now: { Self.now }, logger: LogRecorder().logger())
        return IdentityOrders(to: ledger, engine: engine)
    }

    private func add(_ key: Key, _ count: UInt32, age: Int64 = 60) async throws {
        let last = Timestamp(seconds: Self.now.seconds - age)
        try await store.mergeIdentities(
            [Entry(key: key, sighting: Sighting(passes: count, first: last, last: last))], at: Self.now,
            under: .sample(), ages: IdentityAges(.sample()))
    }

    private func name(_ number: Int) -> [UInt8] { Array("o\(number).example".utf8) }

    /// All slices, and the last thing that they say of each organisation.
    private func list(_ orders: IdentityOrders) async throws -> (
        slices: Int, correspondences: Int, found: [String: IdentityStatus]
    ) {
        var (order, slices, correspondences) = (IdentityListOrder(), 0, 0)
        var found: [String: IdentityStatus] = [:]
        repeat {
            let reply = await orders.list(order.request)
            let list = try #require(IdentityList(reply), "\(reply)")
            for entry in list.entries { found[entry.organisation] = entry }
            (slices, correspondences) = (slices + 1, correspondences + list.correspondences)
            order.cursor = list.next
        } while !order.cursor.isEmpty
        return (slices, correspondences, found)
    }

    @Test("a slice has all that is known of an organisation, wherever in the table it is, and what it has earned")
    func slices() async throws {
        // More than a slice of each kind.
        for number in 0..<600 {
            try await add(.days(of: name(number)), 4)
            try await add(.recipients(of: name(number)), number.isMultiple(of: 2) ? 2 : 1)
        }
        for number in 300..<900 { try await add(.users(of: name(number)), number.isMultiple(of: 3) ? 3 : 1) }
        let list = try await list(orders())
        #expect(list.slices > 3)
        #expect(list.found.count == 900)
        for number in 0..<900 {
            let status = try #require(list.found["o\(number).example"])
            #expect(status.days?.number == (number < 600 ? 4 : nil))
            #expect(status.recipients?.number == (number < 600 ? 2 - number % 2 : nil))
            #expect((status.users != nil) == (number >= 300))
            let isByMail = number < 600 && number.isMultiple(of: 2)
            #expect(status.hasEarned == (isByMail || number >= 300 && number.isMultiple(of: 3)), "\(status)")
        }
    }

    @Test("what is expired, shared, denied or allowed is judged as mail is")
    func judged() async throws {
        for number in 0..<4 {
            // 90 days are 7,776,000 s.
            try await add(.days(of: name(number)), 9, age: number == 0 ? 7_776_001 : 7_776_000)
            try await add(.recipients(of: name(number)), 9)
        }
        try await add(.users(of: Array("freemail.example".utf8)), 9)
        let orders = try orders()
        for (action, name) in [(IdentityOrder.Action.deny, "MX.o1.example."), (.allow, "o7.example")] {
            let reply = await orders.carryOut(IdentityOrder(action, name).request)
            #expect(reply.status == 0, "\(reply)")
        }
        let found = try await list(orders).found
        #expect(found["o0.example"] == nil)
        #expect(found["o1.example"]?.order == "deny" && found["o1.example"]?.hasEarned == false)
        #expect(found["o2.example"]?.order == nil && found["o2.example"]?.hasEarned == true)
        #expect(found["o7.example"]?.order == "allow" && found["o7.example"]?.hasEarned == true)
        #expect(found["freemail.example"]?.isShared == true && found["freemail.example"]?.hasEarned == false)
        let shown = await orders.carryOut(IdentityOrder(.show, "mail.o0.example").request)
        #expect(shown.messages.first?.contains("days") == false, "\(shown)")
        #expect(shown.messages.first?.contains("recipients") == true)
        let nonsense = await orders.carryOut(IdentityOrder(.show, "a b\u{1b}").request)
        #expect(nonsense == ControlReply(status: 65, warnings: [#""a b\u001b": not a domain name"#]))
        let slow = try await list(self.orders(.sample(lane: .correspondents))).found
        #expect(slow["o2.example"]?.hasEarned == false)
    }

    @Test("correspondences are counted, as digests, too; what can't teach isn't learnt")
    func learning() async throws {
        for hashes in [true, false] {
            let orders = try orders(keys: hashes ? .hashed : .plain)
            let mails = [
                ("anna@ours.example", "x@o\(hashes).example"), ("anna@ours.example", "x@freemail.example"),
                ("anna@ours.example", "bob@ours.example"), ("postmaster@ours.example", "x@o2.example"),
                ("", "x@o2.example"),
            ].map { LearnOrder.Mail(seconds: Self.now.seconds, sender: $0.0, recipient: $0.1) }
            // To the address, its organisation, and the count of users; to the address of the shared one.
            #expect(
                LearnReceipt(await orders.learn(LearnOrder(mails).request)) == LearnReceipt(lessons: 2, written: 4))
            #expect(
                LearnReceipt(await orders.learn(LearnOrder(mails).request)) == LearnReceipt(lessons: 2, written: 0))
        }
        let orders = try orders()
        #expect(LearnReceipt(await orders.learn(LearnOrder([]).request)) == LearnReceipt(lessons: 0, written: 0))
        let list = try await list(orders)
        #expect(list.correspondences == 6)
        #expect(list.found.keys.sorted() == ["ofalse.example", "otrue.example"])
        #expect(list.found["otrue.example"]?.users?.number == 1)
    }

    @Test("without a fast lane nothing is listed, learnt or ordered, and the settings are named")
    func off() async throws {
        let orders = try orders(.sample(lane: .off))
        let replies = [
            await orders.list(IdentityListOrder().request), await orders.learn(LearnOrder([]).request),
            await orders.carryOut(IdentityOrder(.show, "a.example").request),
        ]
        for reply in replies {
            #expect(reply.status == 78)
            #expect(reply.warnings.first?.contains("service.fast_lane or service.identity is off") == true)
        }
    }

    @Test("what isn't an order is refused")
    func malformed() async throws {
        let orders = try orders()
        #expect(await orders.list(ControlRequest("identities", arguments: ["xyz"])).status == 64)
        #expect(await orders.learn(ControlRequest("learn", arguments: ["1"])).status == 64)
        #expect(await orders.carryOut(ControlRequest("identity", arguments: ["show"])).status == 64)
    }
}
