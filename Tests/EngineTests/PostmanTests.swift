import Engine
import Greylist
import NIOCore
import Policy
import Storage
import Testing
import Whitelists

/// The answer to each situation, as the protocol's table has it, before and after the store is asked.
struct PostmanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// What differs from a plain request at RCPT; nil leaves an attribute out.
        let attributes: [(String, String?)]
        /// Why the store isn't asked; nil where it is.
        var reason: Reason.NotOurs?
        var terms = Postman.Terms()

        var testDescription: String { name }

        init(_ name: String, _ attributes: [(String, String?)], _ reason: Reason.NotOurs? = nil) {
            self.name = name
            self.attributes = attributes
            self.reason = reason
        }

        func under(_ change: (inout Postman.Terms) -> Void) -> Case {
            var other = self
            change(&other.terms)
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
            var terms = Postman.Terms()
            terms.rules.clientCount = 5
            terms.autoWhitelistsAddresses = byAddress
            terms.hashesKeys = isHashed
            var envelope = Envelope()
            let request = try Self.request([("client_address", address)])
            guard
                case .query(let query, _) = try Self.postman(terms).answer(request, at: Self.now, using: &envelope)
            else { throw Broken() }
            #expect(query.keys(.client) == [Key(Array(text.utf8).span, isHashed: isHashed)])
        }
    }

    private struct Broken: Error {}

    @Test(arguments: cases)
    func theStoreIsAskedOnlyWhereItHasASay(_ item: Case) throws {
        let postman = try Self.postman(item.terms)
        var envelope = Envelope()
        switch postman.answer(try Self.request(item.attributes), at: Self.now, using: &envelope) {
        case .outcome(let outcome):
            let reason = try #require(item.reason)
            #expect(outcome == Outcome(.notOurs(reason)))
            #expect(outcome.reply == .dunno)
        case .query(let query, _):
            #expect(item.reason == nil)
            #expect(query.keys(.client).isEmpty)
            #expect(query.time == Self.now)
        }
    }

    @Test func aWhitelistEntryDecidesBeforeTheStore() throws {
        let entry = WhitelistEntry(.sender(try #require(AddressLiteral("a@b"))))
        var postman = try Self.postman()
        postman.change(whitelist: Whitelist([entry], source: "here"))
        var envelope = Envelope()
        guard
            case .outcome(let outcome) = postman.answer(
                try Self.request([("sender", "A@B")]), at: Self.now, using: &envelope)
        else { throw Unexpected() }
        #expect(outcome == Outcome(.whitelisted(.sender), entry: outcome.entry))
        #expect(outcome.entry?.location == "here")
    }

    @Test func theAutoWhitelistIsAskedOnlyWhenItIsOn() throws {
        var terms = Postman.Terms()
        terms.rules.clientCount = 5
        var envelope = Envelope()
        guard
            case .query(let query, _) = try Self.postman(terms).answer(
                try Self.request(), at: Self.now, using: &envelope)
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
        let outcome = try Self.postman().conclude(try Self.request(), verdict, at: Self.now)
        #expect(outcome.reply.text == reply)
        #expect(outcome.reason == .judged(verdict))
    }

    @Test func aMessageGetsItsHeaderOnce() throws {
        let postman = try Self.postman()
        func reply(_ instance: String) throws -> String {
            postman.conclude(try Self.request([("instance", instance)]), .retried(delay: 301), at: Self.now).reply.text
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
        let postman = try Self.postman()
        for number in 0..<20_000 {
            let request = try Self.request([("instance", "1a2b.\(number).0")])
            #expect(postman.conclude(request, .retried(delay: 301), at: Self.now).reply.text.hasPrefix("PREPEND"))
        }
    }

    @Test(arguments: [(false, "DUNNO"), (true, "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s")])
    func withoutTheStoreTheSiteDecides(_ defers: Bool, _ reply: String) throws {
        var terms = Postman.Terms()
        terms.defersOnStoreError = defers
        let outcome = try Self.postman(terms).withoutStore(try Self.request(), at: Self.now)
        #expect(outcome.reply.text == reply)
        #expect(outcome.reason == .storeFailed)
    }

    /// Nobody waits for a record that can't be kept.
    @Test func whatTheStoreTakesNoMoreOfPasses() throws {
        var terms = Postman.Terms()
        terms.defersOnStoreError = true
        let outcome = try Self.postman(terms).withoutStore(try Self.request(), takesNoMore: true, at: Self.now)
        #expect(outcome == Outcome(.storeFailed))
    }

    @Test(arguments: [(false, "DUNNO"), (true, "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s")])
    func beyondTheBoundsTheSiteDecides(_ defers: Bool, _ reply: String) throws {
        var terms = Postman.Terms()
        terms.defersAtPendingLimit = defers
        let outcome = try Self.postman(terms).conclude(
            try Self.request(), .pendingLimitReached(wait: 300), at: Self.now)
        #expect(outcome.reply.text == reply)
        #expect(outcome.reason == .judged(.pendingLimitReached(wait: 300)))
    }

    @Test(arguments: verdicts + [(.pendingLimitReached(wait: 300), "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s")])
    func aTrialDecidesAndLetsAllPass(_ verdict: Verdict, _ reply: String) throws {
        let outcome = try Self.postman(Self.trial).conclude(try Self.request(), verdict, at: Self.now)
        #expect(outcome.reply == .dunno)
        #expect(outcome.withheld?.text == reply)
        #expect(outcome.reason == .judged(verdict))
    }

    @Test func aTrialLetsAllPassWithoutTheStore() throws {
        let outcome = try Self.postman(Self.trial).withoutStore(try Self.request(), at: Self.now)
        #expect(outcome.reply == .dunno)
        #expect(outcome.withheld?.text == "DEFER_IF_PERMIT Greylisted, 300 s, after 0 s")
    }

    /// In a log every line of a trial can so be told from what was enforced.
    @Test func aTrialMarksWhatPassesInAnyCase() throws {
        var postman = try Self.postman(Self.trial)
        let sender = try #require(AddressLiteral("a@example.org"))
        postman.change(whitelist: Whitelist([.init(.sender(sender))], source: "here"))
        var envelope = Envelope()
        for changes in [[], [("client_address", nil)]] as [[(String, String?)]] {
            guard
                case .outcome(let outcome) = postman.answer(
                    try Self.request(changes), at: Self.now, using: &envelope)
            else { throw Unexpected() }
            #expect(outcome.reply == .dunno)
            #expect(outcome.withheld == .dunno)
        }
    }

    /// A site that only observes, and would defer wherever it may.
    static let trial: Postman.Terms = {
        var terms = Postman.Terms()
        terms.observesOnly = true
        terms.defersOnStoreError = true
        terms.defersAtPendingLimit = true
        return terms
    }()

    @Test(arguments: [("list-4711-bounce@example.org", true), ("list47@example.org", false), ("a@example.org", false)])
    func anEarlierSpellingIsAskedForWhereItDiffers(_ sender: String, _ differs: Bool) throws {
        var envelope = Envelope()
        let request = try Self.request([("sender", sender)])
        guard case .query(let query, _) = try Self.postman().answer(request, at: Self.now, using: &envelope) else {
            throw Unexpected()
        }
        let former = Array("192.0.2.0/24/\(sender)/u@example.com".utf8)
        #expect(query.keys(.legacy) == (differs ? [Key(former.span, isHashed: true)] : []))
        #expect(differs || query.keys(.triplet) == [Key(former.span, isHashed: true)])
    }

    @Test(arguments: [(false, "bob+tag"), (true, "bob")])
    func aRecipientIsFoldedWhereTheSiteWantsIt(_ folds: Bool, _ user: String) throws {
        var terms = Postman.Terms()
        terms.foldsRecipient = folds
        var envelope = Envelope()
        let request = try Self.request([
            ("recipient", "bob+tag@example.com"), ("client_address", "[64:ff9b::c000:209]"),
        ])
        let answer = try Self.postman(terms).answer(request, at: Self.now, using: &envelope)
        guard case .query(let query, _) = answer else { throw Unexpected() }
        func key(_ text: String) -> Key { Key(Array(text.utf8).span, isHashed: true) }
        #expect(query.keys(.triplet) == [key("192.0.2.0/24/a@example.org/\(user)@example.com")])
        let wrapped = key("64:ff9b::/48/a@example.org/bob+tag@example.com")
        let unfolded = folds ? [key("192.0.2.0/24/a@example.org/bob+tag@example.com")] : []
        #expect(query.keys(.legacy) == [wrapped] + unfolded)
    }

    struct Unexpected: Error {}

    static let now = Timestamp(seconds: 1_795_340_130)

    static func postman(_ terms: Postman.Terms = Postman.Terms()) throws -> Postman {
        let wording = try Wording(
            action: "DEFER_IF_PERMIT", text: "Greylisted, {wait} s, after {delay} s", header: "X-Greylist: {delay} s",
            hostname: "mx")
        return Postman(terms: terms, wording: wording)
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
