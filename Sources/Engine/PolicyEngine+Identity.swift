import Domains
public import Greylist
public import Policy
public import SPF
public import Storage
import Whitelists

/// Who a client is: what its name tells without a question to the DNS, and what is asked where that may change a verdict.
extension PolicyEngine {
    /// Finds out what the client's name tells, and adds the aliases of the triplet that follow from it; nil where that is of
    /// no interest here.
    ///
    /// A sender is looked at only where the client's name may prove it: most names aren't worth that.
    func identify(
        _ request: PolicyRequest, _ attempt: inout Attempt, at now: Timestamp, adding lookups: inout StoreQuery.Lookups
    ) -> ClientIdentity? {
        guard options.identity != .off else { return nil }
        var identity = ClientIdentity()
        identity.network = attempt.envelope.network.tag
        findHost(request, &attempt)
        guard attempt.identity.host == .organisation else { return identity }
        findSender(request, &attempt)
        attempt.identity.readOrganisations { host, sender in
            guard let host else { return }
            identity.proof = .host
            identity.hasHostAlias = true
            identity.organisation = Array(copying: host)
            attempt.envelope.readAlias(ofHost: host) { lookups.append(.alias, $0, by: options.keys) }
        }
        guard attempt.identity.proof.isProven, !isContradicted(request, attempt, at: now) else { return identity }
        if let organisation = attempt.senderOrganisation {
            identity.prove(organisation, isShared: attempt.identity.isShared, by: nil)
        }
        addOrganisationAlias(of: &identity, &attempt, at: now, adding: &lookups)
        return identity
    }

    /// Adds the alias by the sender's organisation, which is proven, unless its mail waits from too many networks.
    private func addOrganisationAlias(
        of identity: inout ClientIdentity, _ attempt: inout Attempt, at now: Timestamp,
        adding lookups: inout StoreQuery.Lookups
    ) {
        let standing = attempt.pendingNetworks.standing(
            of: identity.organisation, from: identity.network, at: now, window: options.rules.retryWindow)
        identity.standing = standing
        guard standing != .limited else { return }
        attempt.readOrganisationAlias { lookups.append(.alias, $0, by: options.keys) }
    }

    /// What the whitelists say of a request, whose envelope is addressed.
    ///
    /// What names tell of the client is found where an entry depends on it, whatever `options.identity` says.
    func whitelistFinding(
        for request: PolicyRequest, _ attempt: inout Attempt, knowing known: DNSFacts?, at now: Timestamp
    ) -> Whitelist.Finding {
        guard whitelist.dependsOnFacts else { return .decided(whitelist.match(request, attempt.envelope, at: now)) }
        findHost(request, &attempt)
        findSender(request, &attempt)
        var facts = ClientFacts(attempt.identity)
        if let known { facts.note(known) }
        if facts.isProvenByName, isContradicted(request, attempt, at: now) { facts.isProvenByName = false }
        return whitelist.match(request, attempt.envelope, at: now, knowing: facts)
    }

    /// What has to be asked for the whitelists.
    func question(
        about needs: FactNeeds, _ request: PolicyRequest, _ attempt: borrowing Attempt
    ) -> FactQuestion {
        let client = attempt.envelope.client
        let hasHost = attempt.identity.host == .organisation
        return FactQuestion(
            sender: needs.spf
                ? question(about: request, network: attempt.envelope.network.tag, hasHost: hasHost) : nil,
            lists: needs.lists.compactMap { zone in DNSQuestion(zone.name(of: client), .a).map { (zone, $0) } })
    }

    /// Makes use of what was asked for the whitelists: it isn't asked once more.
    func prove(
        _ identity: inout ClientIdentity?, of request: PolicyRequest, by facts: DNSFacts, _ attempt: inout Attempt,
        at now: Timestamp, adding lookups: inout StoreQuery.Lookups
    ) {
        guard facts.asksSPF, asksDNS(about: identity) else { return }
        identity?.search =
            facts.spf.map { .ended($0, milliseconds: facts.milliseconds) } ?? .late(milliseconds: facts.milliseconds)
        guard facts.spf?.isProof == true, var proven = identity else { return }
        findSender(request, &attempt)
        guard let organisation = attempt.senderOrganisation else { return }
        proven.prove(organisation, isShared: attempt.identity.isShared, by: facts.spf)
        addOrganisationAlias(of: &proven, &attempt, at: now, adding: &lookups)
        identity = proven
    }

    func findHost(_ request: PolicyRequest, _ attempt: inout Attempt) {
        request.read(.clientName) { name in
            attempt.identity.findHost(client: attempt.envelope.sentClient, clientName: name, in: organisations)
        }
    }

    func findSender(_ request: PolicyRequest, _ attempt: inout Attempt) {
        request.read(.sender, .heloName, .clientName) { sender, helo, _ in
            attempt.identity.findSender(sender, helo: helo, in: organisations)
        }
    }

    /// Whether the record of the sender's domain is known to say otherwise.
    private func isContradicted(_ request: PolicyRequest, _ attempt: borrowing Attempt, at now: Timestamp) -> Bool {
        let client = attempt.envelope.sentClient
        return attempt.identity.readSenderDomain { attempt.contradictions.contains(client, $0, at: now) }
    }

    /// Whether the DNS may have something to say of a client that would have to wait.
    func asksDNS(about identity: ClientIdentity?) -> Bool {
        guard options.identity == .spf, let identity else { return false }
        return identity.proof < .name && identity.search == nil
    }

    /// What is to be asked of the DNS for a decision.
    public func question(of decision: Decision, asking query: StoreQuery) -> SenderQuestion? {
        question(
            about: decision.request, network: query.network, hasHost: decision.identity?.hasHostAlias == true)
    }

    func question(about request: PolicyRequest, network: UInt32, hasHost: Bool) -> SenderQuestion? {
        request.read(.clientAddress, .sender, .heloName) { client, sender, helo in
            Address(client: client).map { sent in
                // Behind a translator it is the IPv4 host that sends.
                let client = sent.unwrapped(for: .whitelists, through: options.masks.nat64Prefixes)
                return SenderQuestion(
                    client: client.family == .ipv4 ? .ipv4(UInt32(client.bits >> 96)) : .ipv6(client.bits),
                    network: network, hasHost: hasHost, sender: Array(copying: sender), helo: Array(copying: helo))
            }
        }
    }

    /// Goes on with a decision by what the DNS said: the last question to the store, which writes what is new, unless the
    /// table of identities may have something to say first (`question(aboutStandingOf:)`).
    ///
    /// - Parameter query: what the store was asked before
    public func resume(
        _ decision: Decision, of message: MessageProgress, asking query: StoreQuery, knowing search: ProofSearch,
        at now: Timestamp, using attempt: inout Attempt
    ) -> (Decision, StoreQuery) {
        var (decision, query) = (decision, query.asked(again: now))
        decision.identity?.search = search
        if case .ended(let outcome, _) = search, var identity = decision.identity {
            prove(&identity, of: decision.request, by: outcome, asking: &query, using: &attempt)
            decision.identity = identity
        }
        if options.carriesMessages { query.carrying = message.carrying(decision.identity) }
        return (decision, query)
    }

    /// What is to be written for a proof that came too late for its attempt: then a retry from elsewhere is recognised.
    ///
    /// - Parameter query: what the store was asked at the attempt
    /// - Returns: nil where nothing is proven, or the organisation's mail waits from too many networks
    public func lateAlias(
        _ request: PolicyRequest, asking query: StoreQuery, by outcome: SPFOutcome, using attempt: inout Attempt
    ) -> StoreQuery? {
        // Judged by the time of the attempt, it is no retry of it; nor of another one that came before, since nobody can be
        // told any more that it passes.
        var query = query.asked(again: query.time)
        query.rules.delay = .max / 2
        query.carrying = Carrying()
        var identity = ClientIdentity()
        identity.network = query.network
        prove(&identity, of: request, by: outcome, asking: &query, using: &attempt)
        guard identity.isProven else { return nil }
        noteWaiting(identity, at: query.time, using: &attempt)
        return identity.hasOrganisationAlias ? query : nil
    }

    /// Makes use of what the record of the sender's domain says.
    func prove(
        _ identity: inout ClientIdentity, of request: PolicyRequest, by outcome: SPFOutcome,
        asking query: inout StoreQuery, using attempt: inout Attempt
    ) {
        // The attempt may be another request's by now.
        guard addresses(&attempt.envelope, of: request) else { return }
        attempt.contradictions.note(outcome, of: attempt.envelope.sentClient, at: query.time)
        guard outcome.isProof else { return }
        findHost(request, &attempt)
        findSender(request, &attempt)
        guard let organisation = attempt.senderOrganisation else { return }
        identity.prove(organisation, isShared: attempt.identity.isShared, by: outcome)
        attempt.envelope.readKeys { _, _, _, _ in }
        addOrganisationAlias(of: &identity, &attempt, at: query.time, adding: &query.lookups)
    }

    /// Takes note of a decision that was told: which organisations are let pass, and for which mail waits.
    public func note(
        _ record: DecisionRecord, on request: PolicyRequest, at now: Timestamp, using attempt: inout Attempt
    ) {
        guard case .judged(let verdict) = record.reason, let identity = record.identity else { return }
        switch verdict {
        case .new, .early:
            if identity.isProven { noteWaiting(identity, at: now, using: &attempt) }
        case .retried where !identity.isProven:
            notePass(of: request, from: identity.network, at: now, using: &attempt)
        case .retried, .known, .carried, .spared, .released:
            guard identity.isProven, identity.standing != .passed else { return }
            attempt.pendingNetworks.notePass(of: identity.organisation, at: now)
        case .autoWhitelisted, .pendingLimitReached: break
        }
    }

    private func noteWaiting(_ identity: ClientIdentity, at now: Timestamp, using attempt: inout Attempt) {
        attempt.pendingNetworks.noteWaiting(
            identity.organisation, from: identity.network, at: now, window: options.rules.retryWindow)
    }

    /// A retry that is due by its network isn't asked for a proof, which the first attempt may have had.
    private func notePass(
        of request: PolicyRequest, from network: UInt32, at now: Timestamp, using attempt: inout Attempt
    ) {
        guard attempt.pendingNetworks.count > 0, addresses(&attempt.envelope, of: request) else { return }
        findHost(request, &attempt)
        findSender(request, &attempt)
        guard let organisation = attempt.senderOrganisation else { return }
        attempt.pendingNetworks.notePass(ofUnproven: organisation, from: network, at: now)
    }
}

extension StoreQuery {
    /// The same question, open again and the last one.
    func asked(again time: Timestamp) -> StoreQuery {
        var query = self
        (query.isPreliminary, query.judgement, query.error) = (false, nil, nil)
        query.time = time
        return query
    }
}
