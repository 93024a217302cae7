public import Domains
public import Greylist
import NIOConcurrencyHelpers
public import Policy
public import Storage
public import Whitelists

/// Decides about requests.
///
/// It is a value and does no I/O: its owner puts its queries to the store. Copies share what is settled, so one costs next
/// to nothing.
///
/// A request goes through `decide`; where that needs the store, the decision then goes through `finish`.
public struct PolicyEngine: Sendable {
    /// What is settled for a site and the same for every request.
    public struct Options: Sendable {
        /// The numbers that judgements follow.
        public var rules: Rules
        /// How much of a client's address counts.
        public var masks: PrefixLengths
        /// How keys are made.
        public var keys: KeyScheme
        /// How postgrey made the keys of which digests were imported; nil: there are none.
        public var postgreyDigests: PostgreyKeyForm?
        /// Whether the auto-whitelist knows clients by their address alone, not by their network.
        public var autoWhitelistsAddresses: Bool
        /// Whether a recipient is known without its extension.
        public var foldsRecipient: Bool
        /// By what a client is known beside its network.
        public var identity: IdentityMethods
        /// Whether recipients of a message pass for what another one of it has.
        public var carriesMessages: Bool
        /// Who need not wait, and what it takes.
        public var fastLane: FastLaneRules
        /// Whether it is remembered whom our users write to.
        public var learns: Bool
        /// Whether bounces are greylisted.
        public var greylistsNullSender: Bool
        /// Whether clients that are logged in are greylisted.
        public var greylistsAuthenticated: Bool
        /// Whether mail is deferred, not passed, when the store fails.
        public var defersOnStoreError: Bool
        /// Whether mail is deferred, not passed, when too many first attempts wait for their retry.
        public var defersAtPendingLimit: Bool
        /// Whether everything is decided and remembered as usual, but all mail passes unchanged: a trial.
        public var observesOnly: Bool

        /// Options with these values.
        public init(
            rules: Rules, masks: PrefixLengths, keys: KeyScheme, postgreyDigests: PostgreyKeyForm?,
            autoWhitelistsAddresses: Bool, foldsRecipient: Bool, identity: IdentityMethods, carriesMessages: Bool,
            fastLane: FastLaneRules, learns: Bool, greylistsNullSender: Bool, greylistsAuthenticated: Bool,
            defersOnStoreError: Bool, defersAtPendingLimit: Bool, observesOnly: Bool
        ) {
            self.rules = rules
            self.masks = masks
            self.keys = keys
            self.postgreyDigests = postgreyDigests
            self.autoWhitelistsAddresses = autoWhitelistsAddresses
            self.foldsRecipient = foldsRecipient
            self.identity = identity
            self.carriesMessages = carriesMessages
            self.fastLane = fastLane
            self.learns = learns
            self.greylistsNullSender = greylistsNullSender
            self.greylistsAuthenticated = greylistsAuthenticated
            self.defersOnStoreError = defersOnStoreError
            self.defersAtPendingLimit = defersAtPendingLimit
            self.observesOnly = observesOnly
        }
    }

    /// What is settled, and shared by copies.
    private final class Settled: Sendable {
        let options: Options
        let whitelist: Whitelist
        let wording: Wording
        let organisations: Organisations
        let headers: HeaderLedger

        init(
            options: Options, whitelist: Whitelist, wording: Wording, organisations: Organisations,
            headers: HeaderLedger
        ) {
            self.options = options
            self.whitelist = whitelist
            self.wording = wording
            self.organisations = organisations
            self.headers = headers
        }
    }

    private var settled: Settled

    /// An engine; copies share the ledger of headers.
    public init(
        options: Options, wording: Wording, whitelist: Whitelist = Whitelist(),
        organisations: Organisations = Organisations()
    ) {
        settled = Settled(
            options: options, whitelist: whitelist, wording: wording, organisations: organisations,
            headers: HeaderLedger())
    }

    /// The options it works by.
    public var options: Options { settled.options }
    /// Who is let through.
    public var whitelist: Whitelist { settled.whitelist }
    /// The words of its replies.
    public var wording: Wording { settled.wording }
    /// By which it says which organisation a name belongs to.
    public var organisations: Organisations { settled.organisations }

    /// Changes by what it works; what isn't given stays, and so does the ledger of headers.
    public mutating func change(
        options: Options? = nil, wording: Wording? = nil, whitelist: Whitelist? = nil,
        organisations: Organisations? = nil
    ) {
        settled = Settled(
            options: options ?? settled.options, whitelist: whitelist ?? settled.whitelist,
            wording: wording ?? settled.wording, organisations: organisations ?? settled.organisations,
            headers: settled.headers)
    }

    /// Decides about a request, or says what has to be known first: the function to read first.
    ///
    /// - Parameters:
    ///   - facts: what the DNS said, where it was asked for the whitelists
    ///   - message: what became of other recipients of the message, as far as the same connection asked about them; whoever
    ///     keeps it has it take note of the decision
    ///   - attempt: storage to be used again and again, one for an event loop
    public func decide(
        _ request: PolicyRequest, knowing facts: DNSFacts? = nil, of message: inout MessageProgress, at now: Timestamp,
        using attempt: inout Attempt
    ) -> Decision.Step {
        // 1. Is it ours to judge? Who sends what to whom?
        if let reason = notOurs(request, addressing: &attempt.envelope) {
            return .done(settle(DecisionRecord(.notOurs(reason))))
        }
        // 2. Does the administrator let it through?
        let finding = whitelistFinding(for: request, &attempt, knowing: facts, at: now)
        if case .needs(let needs, _) = finding, facts == nil, options.identity != .off {
            return .needsFacts(question(about: needs, request, attempt))
        }
        let entry = finding.match
        if let entry, entry.effect == .pass {
            return .done(settle(DecisionRecord(.whitelisted(entry.kind), entry: entry)))
        }
        // 3. What does the store know, by the client's network and by who it is? There the judgement is made, in one
        // atomic step.
        let scheme = options.keys
        let countsNetworks = options.rules.clientCount > 0 && !options.autoWhitelistsAddresses
        var query = StoreQuery(network: attempt.envelope.network.tag, time: now, rules: rules(under: entry))
        attempt.envelope.readKeys { triplet, firstLegacy, secondLegacy, network in
            query.lookups.append(.triplet, triplet, by: scheme)
            if let firstLegacy { query.lookups.append(.legacy, firstLegacy, by: scheme) }
            if let secondLegacy { query.lookups.append(.legacy, secondLegacy, by: scheme) }
            if countsNetworks { query.lookups.append(.client, network, by: scheme) }
        }
        if options.rules.clientCount > 0, options.autoWhitelistsAddresses {
            appendAddress(of: attempt.envelope, to: &query.lookups)
        }
        if let form = options.postgreyDigests {
            attempt.envelope.readPostgreyTexts(form) { triplet, client in
                query.lookups.append(.init(.legacy, .digest(Digest(of: triplet))))
                if options.rules.clientCount > 0 {
                    query.lookups.append(.init(.legacyClient, .digest(Digest(of: client))))
                }
            }
        }
        var identity = identify(request, &attempt, at: now, adding: &query.lookups)
        if let facts { prove(&identity, of: request, by: facts, &attempt, at: now, adding: &query.lookups) }
        query.isPreliminary = asksDNS(about: identity) || asksStanding(of: identity)
        if options.carriesMessages {
            message.follow(request)
            query.carrying = message.carrying(identity)
        }
        var decision = Decision(request: request, delay: query.rules.delay, entry: entry, identity: identity)
        decision.dnsMilliseconds = facts?.milliseconds ?? 0
        return .needsStore(decision, query)
    }

    /// Adds the client's address, as a network with nothing but this address in it.
    private func appendAddress(of envelope: borrowing Envelope, to lookups: inout StoreQuery.Lookups) {
        let address = envelope.client.unwrapped(for: .keys, through: options.masks.nat64Prefixes)
        Network(address, prefixLength: address.family.rawValue).withText {
            lookups.append(.client, $0, by: options.keys)
        }
    }

    /// The rules where a whitelist entry may have its own delay.
    ///
    /// It is kept below the retry window: beyond it no retry would ever pass.
    private func rules(under entry: Whitelist.Match?) -> Rules {
        guard case .delay(let delay)? = entry?.effect else { return options.rules }
        var rules = options.rules
        rules.delay = min(delay, rules.retryWindow / 2)
        return rules
    }

    /// 4. Goes on with a decision by what the store answered: ends it, the judgement in words, unless the client would have to
    /// wait, and the DNS may tell who it is, or the table of identities that it need not.
    ///
    /// While the store is unavailable mail flows, unless the site would rather have it wait. Where it can't write mail flows
    /// in any case: no sender waits for a record that can't be kept.
    public func finish(_ decision: Decision, with answer: Decision.StoreAnswer, at now: Timestamp)
        -> Decision.AnsweredStep
    {
        if case .judged(let judgement) = answer, judgement.verdict.isWaiting {
            if asksDNS(about: decision.identity) { return .needsIdentity(decision) }
            if asksStanding(of: decision.identity) { return .needsStanding(decision) }
        }
        return .done(settle(decision, by: answer, at: now))
    }

    /// Ends a decision by what the store answered, whatever else might be found out.
    public func settle(_ decision: Decision, by answer: Decision.StoreAnswer, at now: Timestamp) -> DecisionRecord {
        var record: DecisionRecord
        switch answer {
        case .judged(let judgement):
            record = word(judgement.verdict, on: decision.request, at: now)
            record.judgement = judgement
        case .unavailable where options.defersOnStoreError:
            record = DecisionRecord(
                .storeFailed, reply: deferral(of: decision.request, wait: decision.delay, delay: 0, at: now))
        case .unavailable, .full: record = DecisionRecord(.storeFailed)
        }
        record.entry = decision.entry
        record.identity = decision.identity
        record.identity?.matched = decision.matched(record.judgement?.matched)
        if case .judged(.spared(let merit)) = record.reason { record.identity?.merit = merit }
        return settle(record)
    }

    private func word(_ verdict: Verdict, on request: PolicyRequest, at now: Timestamp) -> DecisionRecord {
        switch verdict {
        case .new(let wait):
            return DecisionRecord(.judged(verdict), reply: deferral(of: request, wait: wait, delay: 0, at: now))
        case .early(let wait, let delay):
            return DecisionRecord(.judged(verdict), reply: deferral(of: request, wait: wait, delay: delay, at: now))
        case .retried(let delay):
            guard request.read(.instance, settled.headers.claim) else { return DecisionRecord(.judged(verdict)) }
            let header = request.read(.recipient) { wording.header(delay: delay, at: now, recipient: $0) }
            return DecisionRecord(.judged(verdict), reply: .action(header))
        case .pendingLimitReached(let wait) where options.defersAtPendingLimit:
            return DecisionRecord(.judged(verdict), reply: deferral(of: request, wait: wait, delay: 0, at: now))
        case .known, .autoWhitelisted, .carried, .spared, .released, .pendingLimitReached:
            return DecisionRecord(.judged(verdict))
        }
    }

    /// Every decision goes through here: a site that only observes lets all mail pass, whatever was decided.
    private func settle(_ record: DecisionRecord) -> DecisionRecord {
        options.observesOnly ? record.observed() : record
    }

    /// Addresses the envelope, or says why the request is not for greylisting.
    ///
    /// No state at all (Exim, old clients) is taken for RCPT. A certificate is trusted where Postfix names its subject
    /// or issuer; a fingerprint alone is no proof.
    private func notOurs(_ request: PolicyRequest, addressing envelope: inout Envelope) -> Reason.NotOurs? {
        guard !request.isEmpty(.request) else { return .noRequest }
        guard request.isEmpty(.protocolState) || request.value(of: .protocolState, is: "RCPT") else {
            return .otherState
        }
        if !options.greylistsAuthenticated {
            let isAuthenticated =
                !request.isEmpty(.saslUsername) || !request.isEmpty(.ccertSubject) || !request.isEmpty(.ccertIssuer)
            if isAuthenticated { return .authenticated }
        }
        if request.value(of: .policyContext, is: "outgoing") { return .outgoing }
        guard request.has(.sender) else { return .noSender }
        guard !request.isEmpty(.recipient) else { return .noRecipient }
        if request.isEmpty(.sender), !options.greylistsNullSender { return .nullSender }
        let isAddressed = request.read(.clientAddress, .sender, .recipient) { client, sender, recipient in
            envelope.address(
                client: client, sender: sender, recipient: recipient, masks: options.masks,
                foldsRecipient: options.foldsRecipient)
        }
        return isAddressed ? nil : .noAddress
    }

    /// Whether greylisting has a say in a request, whose envelope is then addressed.
    public func addresses(_ envelope: inout Envelope, of request: PolicyRequest) -> Bool {
        notOurs(request, addressing: &envelope) == nil
    }

    private func deferral(of request: PolicyRequest, wait: Int64, delay: Int64, at now: Timestamp) -> PolicyReply {
        .action(request.read(.recipient) { wording.deferral(wait: wait, delay: delay, at: now, recipient: $0) })
    }
}

/// By what a client is known beside its network.
public enum IdentityMethods: Sendable {
    /// By nothing.
    case off
    /// By its name.
    case name
    /// By its name, and where that doesn't do by the record of the sender's domain, for which the DNS is asked.
    case spf
}

extension Decision {
    /// Which key of the triplet a lookup of that position is.
    fileprivate func matched(_ position: Int?) -> ClientIdentity.MatchedKey? {
        guard let position, let identity else { return nil }
        let aliases: [ClientIdentity.MatchedKey] = identity.hasHostAlias ? [.host, .organisation] : [.organisation]
        let count = (identity.hasHostAlias ? 1 : 0) + (identity.hasOrganisationAlias ? 1 : 0)
        return (1...aliases.count).contains(position) && position <= count ? aliases[position - 1] : .network
    }
}

/// Remembers to which messages a header was prepended, so that a message with several recipients gets it once.
///
/// Postfix gives all requests about one message the same `instance`. The ledger is bounded: a message is forgotten when
/// another one takes its slot, and would at worst get its header twice. It is asked only when a triplet passes for the
/// first time, so its lock is no burden on the way of a request.
public final class HeaderLedger: Sendable {
    private let slots = NIOLockedValueBox([Int](repeating: 0, count: 4096))

    /// An empty ledger.
    public init() {}

    /// Whether the message hasn't had its header yet; from now on it has.
    ///
    /// Without an instance each request is a message.
    func claim(_ instance: Span<UInt8>) -> Bool {
        if instance.isEmpty { return true }
        var hasher = Hasher()
        instance.withUnsafeBytes { hasher.combine(bytes: $0) }
        let hash = hasher.finalize()
        return slots.withLockedValue { slots in
            let slot = Int(UInt(bitPattern: hash) % UInt(slots.count))
            if slots[slot] == hash { return false }
            slots[slot] = hash
            return true
        }
    }
}
