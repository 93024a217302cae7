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
        findHost(request, &attempt)
        guard attempt.identity.host == .organisation else { return identity }
        let hashes = options.hashesKeys
        findSender(request, &attempt)
        attempt.identity.readOrganisations { host, sender in
            guard let host else { return }
            identity.proof = .host
            identity.hasHostAlias = true
            identity.organisation = Array(copying: host)
            attempt.envelope.readAlias(ofHost: host) { lookups.append(.init(.alias, Key($0, isHashed: hashes))) }
        }
        guard attempt.identity.proof.isProven, !isContradicted(request, attempt, at: now) else { return identity }
        identity.proof = .name
        attempt.readOrganisationAlias { lookups.append(.init(.alias, Key($0, isHashed: hashes))) }
        return identity
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
        adding lookups: inout StoreQuery.Lookups
    ) {
        guard facts.asksSPF, asksDNS(about: identity) else { return }
        identity?.search =
            facts.spf.map { .ended($0, milliseconds: facts.milliseconds) } ?? .late(milliseconds: facts.milliseconds)
        guard facts.spf?.isProof == true else { return }
        findSender(request, &attempt)
        let hashes = options.hashesKeys
        guard attempt.readOrganisationAlias({ lookups.append(.init(.alias, Key($0, isHashed: hashes))) }) != nil else {
            return
        }
        identity?.proof = .spf
        attempt.identity.readOrganisations { _, sender in
            if let sender { identity?.organisation = Array(copying: sender) }
        }
    }

    private func findHost(_ request: PolicyRequest, _ attempt: inout Attempt) {
        request.read(.clientName) { name in
            attempt.identity.findHost(client: attempt.envelope.sentClient, clientName: name, in: organisations)
        }
    }

    private func findSender(_ request: PolicyRequest, _ attempt: inout Attempt) {
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

    private func question(about request: PolicyRequest, network: UInt32, hasHost: Bool) -> SenderQuestion? {
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

    /// Goes on with a decision by what the DNS said: the last question to the store, which writes what is new.
    ///
    /// - Parameter query: what the store was asked before
    public func resume(
        _ decision: Decision, of message: MessageProgress, asking query: StoreQuery, knowing search: ProofSearch,
        at now: Timestamp, using attempt: inout Attempt
    ) -> (Decision, StoreQuery) {
        var (decision, query) = (decision, query.asked(again: now))
        decision.identity?.search = search
        if case .ended(let outcome, _) = search,
            addAlias(by: outcome, of: decision.request, to: &query, using: &attempt)
        {
            decision.identity?.proof = .spf
            attempt.identity.readOrganisations { _, sender in
                if let sender { decision.identity?.organisation = Array(copying: sender) }
            }
        }
        if options.carriesMessages { query.carrying = message.carrying(decision.identity) }
        return (decision, query)
    }

    /// What is to be written for a proof that came too late for its attempt: then a retry from elsewhere is recognised.
    ///
    /// - Parameter query: what the store was asked at the attempt
    /// - Returns: nil where nothing is proven
    public func lateAlias(
        _ request: PolicyRequest, asking query: StoreQuery, by outcome: SPFOutcome, using attempt: inout Attempt
    ) -> StoreQuery? {
        // Judged by the time of the attempt, it is no retry of it.
        var query = query.asked(again: query.time)
        query.carrying = Carrying()
        return addAlias(by: outcome, of: request, to: &query, using: &attempt) ? query : nil
    }

    private func addAlias(
        by outcome: SPFOutcome, of request: PolicyRequest, to query: inout StoreQuery, using attempt: inout Attempt
    ) -> Bool {
        // The attempt may be another request's by now.
        guard addresses(&attempt.envelope, of: request) else { return false }
        attempt.contradictions.note(outcome, of: attempt.envelope.sentClient, at: query.time)
        guard outcome.isProof else { return false }
        findHost(request, &attempt)
        findSender(request, &attempt)
        attempt.envelope.readKeys { _, _, _, _ in }
        let hashes = options.hashesKeys
        return attempt.readOrganisationAlias { query.lookups.append(.init(.alias, Key($0, isHashed: hashes))) } != nil
    }
}

extension StoreQuery {
    /// The same question, open again and the last one.
    fileprivate func asked(again time: Timestamp) -> StoreQuery {
        var query = self
        (query.isPreliminary, query.judgement, query.error) = (false, nil, nil)
        query.time = time
        return query
    }
}
