import Engine
import Greylist
import NIOCore
import Policy
import SampleOptions
import Storage
import Testing
import Whitelists

/// The answer to each situation, as the protocol's table has it, before and after the store is asked.
struct PolicyEngineTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// What differs from a plain request at RCPT; nil leaves an attribute out.
        let attributes: [(String, String?)]
        /// Why the store isn't asked; nil where it is.
        var reason: Reason.NotOurs?
        var options = PolicyEngine.Options.sample()

        var testDescription: String { name }

        init(_ name: String, _ attributes: [(String, String?)], _ reason: Reason.NotOurs? = nil) {
            self.name = name
            self.attributes = attributes
            self.reason = reason
        }

        func under(_ change: (inout PolicyEngine.Options) -> Void) -> Case {
            var other = self
            change(&other.options)
            return other
        }
    }

    static let cases: [Case] =
        [
            Case("RCPT", []),
            Case("no state (Exim, old clients)", [("protocol_state", nil)]),
            Case("an empty state", [("protocol_state", "")]),
            Case("null sender", [("sender", "")]),
            Case("a sender without @", [("sender", "daemon")]),
            Case("null sender, exempt", [("sender", "")], .nullSender).under { $0.greylistsNullSender = false },
            Case("no sender", [("sender", nil)], .noSender),
            Case("no recipient", [("recipient", nil)], .noRecipient),
            Case("an empty recipient", [("recipient", "")], .noRecipient),
            Case("no address", [("client_address", nil)], .noAddress),
            Case("an empty address", [("client_address", "")], .noAddress),
            Case("address unknown", [("client_address", "unknown")], .noAddress),
            Case("a mapped address", [("client_address", "::ffff:192.0.2.1")]),
            Case("an address with a zone", [("client_address", "fe80::1%eth0")]),
            Case("logged in", [("sasl_username", "joe")], .authenticated),
            Case("logged in, greylisted all the same", [("sasl_username", "joe")]).under {
                $0.greylistsAuthenticated = true
            },
            Case("a trusted certificate", [("ccert_subject", "mx.example.org")], .authenticated),
            Case("a trusted certificate without a subject", [("ccert_issuer", "CA")], .authenticated),
            Case("a certificate that nobody trusts", [("ccert_fingerprint", "AB:CD")]),
            Case("no request attribute", [("request", nil)], .noRequest),
            Case("an empty request attribute", [("request", "")], .noRequest),
            Case(
                "nothing that we know",
                ["request", "protocol_state", "client_address", "client_name", "sender", "recipient"].map { ($0, nil) }
                    + [("stress", "")],
                .noRequest),
        ]
        + ["CONNECT", "EHLO", "HELO", "MAIL", "DATA", "END-OF-MESSAGE", "VRFY", "ETRN", "rcpt", "RCPT "].map { state in
            Case("state \(state)", [("protocol_state", Optional(state))], .otherState)
        }

    /// The text of the auto-whitelist's key.
    @Test(arguments: [
        ("192.0.2.7", false, "192.0.2.0/24"), ("192.0.2.7", true, "192.0.2.7/32"),
        ("2001:db8:1:2::7", false, "2001:db8:1::/48"), ("2001:db8:1:2::7", true, "2001:db8:1:2::7/128"),
        ("::ffff:192.0.2.7", true, "192.0.2.7/32"),
    ])
    func theAutoWhitelistKnowsNetworksOrAddresses(_ address: String, _ byAddress: Bool, _ text: String) throws {
        for isHashed in [true, false] {
            var options = PolicyEngine.Options.sample()
            options.rules.clientCount = 5
            options.autoWhitelistsAddresses = byAddress
            options.keys = isHashed ? .hashed : .plain
            var (attempt, message) = (Attempt(), MessageProgress())
            let request = try Self.request([("client_address", address)])
            guard
                case .needsStore(_, let query) = try Self.engine(options).decide(
                    request, of: &message, at: Self.now, using: &attempt)
            else { throw Broken() }
            #expect(query.keys(.client) == [Key(Array(text.utf8).span, isHashed: isHashed)])
        }
    }

    private struct Broken: Error {}

    @Test(arguments: cases)
    func theStoreIsAskedOnlyWhereItHasASay(_ item: Case) throws {
        let engine = try Self.engine(item.options)
        var (attempt, message) = (Attempt(), MessageProgress())
        switch engine.decide(try Self.request(item.attributes), of: &message, at: Self.now, using: &attempt) {
        case .done(let record):
            let reason = try #require(item.reason)
            #expect(record == DecisionRecord(.notOurs(reason)))
            #expect(record.reply == .dunno)
        case .needsFacts: throw Unexpected()
        case .needsStore(_, let query):
            #expect(item.reason == nil)
            #expect(query.keys(.client).isEmpty)
            #expect(query.time == Self.now)
        }
    }

    @Test func aWhitelistEntryDecidesBeforeTheStore() throws {
        let entry = WhitelistEntry(.sender(try #require(AddressLiteral("a@b"))))
        var engine = try Self.engine()
        engine.change(whitelist: Whitelist([entry], source: "here"))
        var (attempt, message) = (Attempt(), MessageProgress())
        guard
            case .done(let record) = engine.decide(
                try Self.request([("sender", "A@B")]), of: &message, at: Self.now, using: &attempt)
        else { throw Unexpected() }
        #expect(record == DecisionRecord(.whitelisted(.sender), entry: record.entry))
        #expect(record.entry?.location == "here")
    }

    @Test func theAutoWhitelistIsAskedOnlyWhenItIsOn() throws {
        var options = PolicyEngine.Options.sample()
        options.rules.clientCount = 5
        var (attempt, message) = (Attempt(), MessageProgress())
        guard
            case .needsStore(_, let query) = try Self.engine(options).decide(
                try Self.request(), of: &message, at: Self.now, using: &attempt)
        else { throw Unexpected() }
        #expect(query.keys(.client) == [Key(Array("192.0.2.0/24".utf8).span, isHashed: true)])
    }

    static let verdicts: [(Verdict, String)] = [
        (.new(wait: 300), "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s"),
        (.early(wait: 12, delay: 288), "DEFER_IF_PERMIT Greylisted, 12 s, after 288 s"),
        (.retried(delay: 301), "PREPEND X-Greylist: 301 s"),
        (.known, "DUNNO"),
        (.autoWhitelisted, "DUNNO"),
    ]

    @Test(arguments: verdicts)
    func aVerdictIsPutIntoWords(_ verdict: Verdict, _ reply: String) throws {
        let record = try Self.engine().settle(try Self.decision(), by: .judged(Judgement(verdict)), at: Self.now)
        #expect(record.reply.text == reply)
        #expect(record.reason == .judged(verdict))
    }

    @Test func aMessageGetsItsHeaderOnce() throws {
        let engine = try Self.engine()
        func reply(_ instance: String) throws -> String {
            let decision = try Self.decision([("instance", instance)])
            return engine.settle(decision, by: .judged(Judgement(.retried(delay: 301))), at: Self.now).reply.text
        }
        #expect(try reply("a1").hasPrefix("PREPEND"))
        #expect(try reply("a1") == "DUNNO")
        #expect(try reply("a2").hasPrefix("PREPEND"))
        #expect(try reply("a1") == "DUNNO")
        // Without an instance nobody knows what belongs together.
        #expect(try reply("").hasPrefix("PREPEND"))
        #expect(try reply("").hasPrefix("PREPEND"))
    }

    @Test func manyMessagesGetTheirHeaders() throws {
        let engine = try Self.engine()
        for number in 0..<20_000 {
            let decision = try Self.decision([("instance", "1a2b.\(number).0")])
            let record = engine.settle(decision, by: .judged(Judgement(.retried(delay: 301))), at: Self.now)
            #expect(record.reply.text.hasPrefix("PREPEND"))
        }
    }

    @Test(arguments: [(false, "DUNNO"), (true, "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s")])
    func withoutTheStoreTheSiteDecides(_ defers: Bool, _ reply: String) throws {
        var options = PolicyEngine.Options.sample()
        options.defersOnStoreError = defers
        let record = try Self.engine(options).settle(try Self.decision(), by: .unavailable, at: Self.now)
        #expect(record.reply.text == reply)
        #expect(record.reason == .storeFailed)
    }

    /// Nobody waits for a record that can't be kept.
    @Test func whatTheStoreTakesNoMoreOfPasses() throws {
        var options = PolicyEngine.Options.sample()
        options.defersOnStoreError = true
        let record = try Self.engine(options).settle(try Self.decision(), by: .full, at: Self.now)
        #expect(record == DecisionRecord(.storeFailed))
    }

    @Test(arguments: [(false, "DUNNO"), (true, "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s")])
    func beyondTheBoundsTheSiteDecides(_ defers: Bool, _ reply: String) throws {
        var options = PolicyEngine.Options.sample()
        options.defersAtPendingLimit = defers
        let record = try Self.engine(options).settle(
            try Self.decision(), by: .judged(Judgement(.pendingLimitReached(wait: 300))), at: Self.now)
        #expect(record.reply.text == reply)
        #expect(record.reason == .judged(.pendingLimitReached(wait: 300)))
    }

    @Test(arguments: verdicts + [(.pendingLimitReached(wait: 300), "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s")])
    func aTrialDecidesAndLetsAllPass(_ verdict: Verdict, _ reply: String) throws {
        let record = try Self.engine(Self.trial).settle(
            try Self.decision(), by: .judged(Judgement(verdict)), at: Self.now)
        #expect(record.reply == .dunno)
        #expect(record.withheld?.text == reply)
        #expect(record.reason == .judged(verdict))
    }

    @Test func aTrialLetsAllPassWithoutTheStore() throws {
        let record = try Self.engine(Self.trial).settle(try Self.decision(), by: .unavailable, at: Self.now)
        #expect(record.reply == .dunno)
        #expect(record.withheld?.text == "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s")
    }

    /// In a log every line of a trial can so be told from what was enforced.
    @Test func aTrialMarksWhatPassesInAnyCase() throws {
        var engine = try Self.engine(Self.trial)
        let sender = try #require(AddressLiteral("a@example.org"))
        engine.change(whitelist: Whitelist([.init(.sender(sender))], source: "here"))
        var (attempt, message) = (Attempt(), MessageProgress())
        for changes in [[], [("client_address", nil)]] as [[(String, String?)]] {
            guard
                case .done(let record) = engine.decide(
                    try Self.request(changes), of: &message, at: Self.now, using: &attempt)
            else { throw Unexpected() }
            #expect(record.reply == .dunno)
            #expect(record.withheld == .dunno)
        }
    }

    /// A site that only observes, and would defer wherever it may.
    static let trial: PolicyEngine.Options = {
        var options = PolicyEngine.Options.sample()
        options.observesOnly = true
        options.defersOnStoreError = true
        options.defersAtPendingLimit = true
        return options
    }()

    @Test(arguments: [("list-4711-bounce@example.org", true), ("list47@example.org", false), ("a@example.org", false)])
    func anEarlierSpellingIsAskedForWhereItDiffers(_ sender: String, _ differs: Bool) throws {
        var (attempt, message) = (Attempt(), MessageProgress())
        let request = try Self.request([("sender", sender)])
        guard
            case .needsStore(_, let query) = try Self.engine().decide(
                request, of: &message, at: Self.now, using: &attempt)
        else {
            throw Unexpected()
        }
        let former = Array("192.0.2.0/24/\(sender)/u@example.com".utf8)
        #expect(query.keys(.legacy) == (differs ? [Key(former.span, isHashed: true)] : []))
        #expect(differs || query.keys(.triplet) == [Key(former.span, isHashed: true)])
    }

    @Test(arguments: [(false, "bob+tag"), (true, "bob")])
    func aRecipientIsFoldedWhereTheSiteWantsIt(_ folds: Bool, _ user: String) throws {
        var options = PolicyEngine.Options.sample()
        options.foldsRecipient = folds
        var (attempt, message) = (Attempt(), MessageProgress())
        let request = try Self.request([
            ("recipient", "bob+tag@example.com"), ("client_address", "[64:ff9b::c000:209]"),
        ])
        let step = try Self.engine(options).decide(request, of: &message, at: Self.now, using: &attempt)
        guard case .needsStore(_, let query) = step else { throw Unexpected() }
        func key(_ text: String) -> Key { Key(Array(text.utf8).span, isHashed: true) }
        #expect(query.keys(.triplet) == [key("192.0.2.0/24/a@example.org/\(user)@example.com")])
        let wrapped = key("64:ff9b::/48/a@example.org/bob+tag@example.com")
        let unfolded = folds ? [key("192.0.2.0/24/a@example.org/bob+tag@example.com")] : []
        #expect(query.keys(.legacy) == [wrapped] + unfolded)
    }

    @Test(arguments: [0, 5] as [UInt32])
    func postgreysDigestsAreAskedForWhereTheSiteHasThem(_ clientCount: UInt32) throws {
        func query(_ form: PostgreyKeyForm?) throws -> StoreQuery {
            var options = PolicyEngine.Options.sample()
            options.rules.clientCount = clientCount
            options.keys = .plain
            options.postgreyDigests = form
            var (attempt, message) = (Attempt(), MessageProgress())
            let request = try Self.request([("sender", "a-7@example.org")])
            let step = try Self.engine(options).decide(request, of: &message, at: Self.now, using: &attempt)
            guard case .needsStore(_, let query) = step else { throw Unexpected() }
            return query
        }
        func digest(_ text: String) -> Key { .digest(Digest(of: Array(text.utf8).span)) }
        let plain = try query(nil)
        #expect(plain.keys(.legacyClient).isEmpty && plain.keys(.legacy).count == 1)
        let full = try query(.network(ipv4: 24, ipv6: 64))
        #expect(
            full.keys(.legacy)
                == plain.keys(.legacy) + [digest("192.0.2.0/a-#@example.org/u@example.com")])
        #expect(full.keys(.legacyClient) == (clientCount > 0 ? [digest("192.0.2.7")] : []))
    }

    struct Unexpected: Error {}

    /// A decision that waits for the store.
    static func decision(_ changes: [(String, String?)] = []) throws -> Decision {
        var (attempt, message) = (Attempt(), MessageProgress())
        guard
            case .needsStore(let decision, _) = try engine().decide(
                try request(changes), of: &message, at: now, using: &attempt)
        else { throw Unexpected() }
        return decision
    }

    static let now = Timestamp(seconds: 1_795_340_130)

    static func engine(_ options: PolicyEngine.Options = PolicyEngine.Options.sample()) throws -> PolicyEngine {
        let wording = try Wording(
            action: "DEFER_IF_PERMIT", text: "Greylisted, {wait} s, after {delay} s", header: "X-Greylist: {delay} s",
            hostname: "mx")
        return PolicyEngine(options: options, wording: wording)
    }

    static func request(_ changes: [(String, String?)] = []) throws -> PolicyRequest {
        var attributes = [
            "request": "smtpd_access_policy", "protocol_state": "RCPT", "client_address": "192.0.2.7",
            "client_name": "mail.example.org", "sender": "a@example.org", "recipient": "u@example.com",
        ]
        for (name, value) in changes { attributes[name] = value }
        var buffer = ByteBuffer(string: attributes.map { "\($0)=\($1)\n" }.joined() + "\n")
        var decoder = PolicyDecoder()
        return try #require(try decoder.next(in: &buffer))
    }
}

extension PolicyReply {
    var text: String {
        switch self {
        case .dunno: "DUNNO"
        case .action(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension StoreQuery {
    fileprivate func keys(_ role: Role) -> [Key] { lookups.filter { $0.role == role }.map(\.key) }
}
