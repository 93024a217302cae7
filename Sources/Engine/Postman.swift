public import Greylist
public import Policy
public import Storage
public import Whitelists

/// Answers requests.
///
/// It is a value and does no I/O: whoever owns it puts its queries to the store. Copies share what is settled, so one
/// costs next to nothing.
///
/// A request goes through `answer`; where that needs the store, the judgement goes through `conclude`.
public struct Postman: Sendable {
    /// What is settled for a site and the same for every request.
    public struct Terms: Sendable {
        /// The numbers that judgements follow.
        public var rules = Rules()
        /// How much of a client's address counts.
        public var masks = PrefixLengths()
        /// Whether keys are kept as digests.
        public var hashesKeys = true
        /// Whether the auto-whitelist knows clients by their address alone, not by their network.
        public var autoWhitelistsAddresses = false
        /// Whether a recipient is known without its extension.
        public var foldsRecipient = false
        /// Whether bounces are greylisted.
        public var greylistsNullSender = true
        /// Whether clients that are logged in are greylisted.
        public var greylistsAuthenticated = false
        /// Whether mail is deferred, not passed, when the store fails.
        public var defersOnStoreError = false
        /// Whether mail is deferred, not passed, when too many first attempts wait for their retry.
        public var defersAtPendingLimit = false
        /// Whether everything is decided and remembered as ever, but all mail passes unchanged: a trial.
        public var observesOnly = false

        /// The terms of a fresh installation.
        public init() {}
    }

    /// The next step for a request.
    public enum Answer: Sendable {
        case outcome(Outcome)
        /// To be put to the store; its judgement then goes to `conclude`, with the whitelist entry that has a say.
        case query(StoreQuery, entry: Whitelist.Match?)
    }

    /// What is settled, and shared by copies.
    private final class Settled: Sendable {
        let terms: Terms
        let whitelist: Whitelist
        let wording: Wording
        let headers: HeaderLedger

        init(terms: Terms, whitelist: Whitelist, wording: Wording, headers: HeaderLedger) {
            self.terms = terms
            self.whitelist = whitelist
            self.wording = wording
            self.headers = headers
        }
    }

    private var settled: Settled

    /// A postman; copies share the ledger of headers.
    public init(terms: Terms, wording: Wording, whitelist: Whitelist = Whitelist()) {
        settled = Settled(terms: terms, whitelist: whitelist, wording: wording, headers: HeaderLedger())
    }

    /// The terms it works by.
    public var terms: Terms { settled.terms }
    /// Who is let through.
    public var whitelist: Whitelist { settled.whitelist }
    /// The words of its replies.
    public var wording: Wording { settled.wording }

    /// Changes by what it works; what isn't given stays, and so does the ledger of headers.
    public mutating func change(terms: Terms? = nil, wording: Wording? = nil, whitelist: Whitelist? = nil) {
        settled = Settled(
            terms: terms ?? settled.terms, whitelist: whitelist ?? settled.whitelist,
            wording: wording ?? settled.wording, headers: settled.headers)
    }

    /// What is to be done about a request: the function to read first.
    ///
    /// - Parameter envelope: storage to be used again and again, one for an event loop
    public func answer(_ request: PolicyRequest, at now: Timestamp, using envelope: inout Envelope) -> Answer {
        // 1. Is it ours to judge? Who sends what to whom?
        if let reason = notOurs(request, addressing: &envelope) { return .outcome(settle(Outcome(.notOurs(reason)))) }
        // 2. Does the administrator let it through?
        let entry = whitelist.match(request, envelope, at: now)
        if let entry, entry.effect == .pass {
            return .outcome(settle(Outcome(.whitelisted(entry.kind), entry: entry)))
        }
        // 3. What does the store know? There the judgement is made, in one atomic step.
        let hashes = terms.hashesKeys
        let countsNetworks = terms.rules.clientCount > 0 && !terms.autoWhitelistsAddresses
        var query = StoreQuery(network: envelope.network.tag, time: now, rules: rules(under: entry))
        envelope.readKeys { triplet, firstLegacy, secondLegacy, network in
            query.lookups.append(.init(.triplet, Key(triplet, isHashed: hashes)))
            if let firstLegacy { query.lookups.append(.init(.legacy, Key(firstLegacy, isHashed: hashes))) }
            if let secondLegacy { query.lookups.append(.init(.legacy, Key(secondLegacy, isHashed: hashes))) }
            if countsNetworks { query.lookups.append(.init(.client, Key(network, isHashed: hashes))) }
        }
        if terms.rules.clientCount > 0, terms.autoWhitelistsAddresses {
            query.lookups.append(.init(.client, addressKey(of: envelope)))
        }
        return .query(query, entry: entry)
    }

    /// The key of the client's address, as that of a network with nothing but this address in it.
    private func addressKey(of envelope: borrowing Envelope) -> Key {
        let address = envelope.client.unwrapped(for: .keys, through: terms.masks.nat64Prefixes)
        return Network(address, prefixLength: address.family.rawValue).withText { Key($0, isHashed: terms.hashesKeys) }
    }

    /// The rules where a whitelist entry may have its own delay.
    ///
    /// It is kept below the retry window: beyond it no retry would ever pass.
    private func rules(under entry: Whitelist.Match?) -> Rules {
        guard case .delay(let delay)? = entry?.effect else { return terms.rules }
        var rules = terms.rules
        rules.delay = min(delay, rules.retryWindow / 2)
        return rules
    }

    /// 4. The judgement in words.
    public func conclude(
        _ request: PolicyRequest, _ verdict: Verdict, at now: Timestamp, entry: Whitelist.Match? = nil
    ) -> Outcome {
        var outcome = word(verdict, on: request, at: now)
        outcome.entry = entry
        return settle(outcome)
    }

    private func word(_ verdict: Verdict, on request: PolicyRequest, at now: Timestamp) -> Outcome {
        switch verdict {
        case .new(let wait):
            return Outcome(.judged(verdict), reply: deferral(of: request, wait: wait, delay: 0, at: now))
        case .early(let wait, let delay):
            return Outcome(.judged(verdict), reply: deferral(of: request, wait: wait, delay: delay, at: now))
        case .retried(let delay):
            guard request.read(.instance, settled.headers.claim) else { return Outcome(.judged(verdict)) }
            let header = request.read(.recipient) { wording.header(delay: delay, at: now, recipient: $0) }
            return Outcome(.judged(verdict), reply: .action(header))
        case .pendingLimitReached(let wait) where terms.defersAtPendingLimit:
            return Outcome(.judged(verdict), reply: deferral(of: request, wait: wait, delay: 0, at: now))
        case .known, .autoWhitelisted, .pendingLimitReached:
            return Outcome(.judged(verdict))
        }
    }

    /// The answer while the store fails: mail flows, unless the site would rather have it wait.
    ///
    /// Where the store takes no more, mail flows in any case: nobody waits for a record that can't be kept.
    public func withoutStore(
        _ request: PolicyRequest, takesNoMore: Bool = false, at now: Timestamp, entry: Whitelist.Match? = nil
    ) -> Outcome {
        guard terms.defersOnStoreError, !takesNoMore else { return settle(Outcome(.storeFailed, entry: entry)) }
        let reply = deferral(of: request, wait: rules(under: entry).delay, delay: 0, at: now)
        return settle(Outcome(.storeFailed, reply: reply, entry: entry))
    }

    /// Every outcome goes through here: a site that only observes lets all mail pass, whatever was decided.
    private func settle(_ outcome: Outcome) -> Outcome {
        terms.observesOnly ? outcome.observed() : outcome
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
        if !terms.greylistsAuthenticated {
            let isAuthenticated =
                !request.isEmpty(.saslUsername) || !request.isEmpty(.ccertSubject) || !request.isEmpty(.ccertIssuer)
            if isAuthenticated { return .authenticated }
        }
        guard request.has(.sender) else { return .noSender }
        guard !request.isEmpty(.recipient) else { return .noRecipient }
        if request.isEmpty(.sender), !terms.greylistsNullSender { return .nullSender }
        let isAddressed = request.read(.clientAddress, .sender, .recipient) { client, sender, recipient in
            envelope.address(
                client: client, sender: sender, recipient: recipient, masks: terms.masks,
                foldsRecipient: terms.foldsRecipient)
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
