import Domains
public import Greylist
public import Policy
public import SPF
public import Storage

/// The fast lane: who need not wait, and what is to be remembered for it.
extension PolicyEngine {
    /// Whether the table of identities may have something to say of a client that would have to wait.
    func asksStanding(of identity: ClientIdentity?) -> Bool {
        guard options.fastLane.lane != .off, let identity else { return false }
        return identity.isProven && !identity.wasLookedUp
    }

    /// What is to be looked up in the table of identities before the last question to the store; nil where it has nothing to
    /// say.
    public func question(aboutStandingOf decision: Decision) -> StandingQuestion? {
        guard asksStanding(of: decision.identity), let identity = decision.identity else { return nil }
        let user = decision.request.read(.recipient) { Correspondence.plain($0) }
        let remote = decision.request.read(.sender) { Correspondence.plain($0) }
        var question = StandingQuestion()
        if let user, let remote {
            let text = Correspondence(plainUser: user, plainRemote: remote).text
            for key in options.keys.keys(text.span) { question.ask(.address, key) }
        }
        if !identity.isShared, let user {
            let text = Correspondence.text(user: user, organisation: identity.organisation)
            for key in options.keys.keys(text.span) { question.ask(.correspondent, key) }
        }
        if !identity.isShared {
            question.ask(.lane, .lane(of: identity.organisation))
            if identity.isTrusted, options.fastLane.lane == .all {
                question.ask(.days, .days(of: identity.organisation))
                question.ask(.recipients, .recipients(of: identity.organisation))
                question.ask(.users, .users(of: identity.organisation))
            }
        }
        return question.keys.isEmpty ? nil : question
    }

    /// Goes on with a decision by what the table of identities says: the last question to the store.
    ///
    /// - Parameters:
    ///   - query: what the store was asked before
    ///   - standing: nil where the table didn't answer: then nobody is let through by it
    public func resume(
        _ decision: Decision, of message: MessageProgress, asking query: StoreQuery, knowing standing: Standing?,
        at now: Timestamp
    ) -> (Decision, StoreQuery) {
        var (decision, query) = (decision, query.asked(again: now))
        decision.identity?.wasLookedUp = true
        query.merit = standing?.merit(
            at: now, under: options.fastLane, isTrusted: decision.identity?.isTrusted == true)
        if options.carriesMessages { query.carrying = message.carrying(decision.identity) }
        return (decision, query)
    }

    /// What a decision earns the sender's organisation; nil where that is nothing, or nothing new.
    public func credit(for record: DecisionRecord, at now: Timestamp, using attempt: inout Attempt) -> IdentityEvent? {
        guard options.fastLane.lane == .all, let identity = record.identity, identity.isTrusted,
            case .judged(let verdict) = record.reason
        else { return nil }
        switch verdict {
        case .retried, .spared, .known, .autoWhitelisted: break
        case .new, .early, .carried, .released, .pendingLimitReached: return nil
        }
        let isFirst = verdict.isFirstPass
        guard attempt.creditMoments.isDue(identity.organisation, at: now) || isFirst else { return nil }
        return .accepted(organisation: identity.organisation, isByNewRecipient: isFirst, at: now)
    }

    /// What is to be asked of the DNS about mail that has passed without a proof; nil where that isn't worth it.
    ///
    /// Nobody waits for the answer, by which the organisation earns something, and the triplet is known by it from then on.
    /// For a first pass, and then where the use of its triplet is recorded, once a day for an organisation.
    public func questionForLater(
        about record: DecisionRecord, on request: PolicyRequest, at now: Timestamp, using attempt: inout Attempt
    ) -> SenderQuestion? {
        guard options.fastLane.lane != .off, options.identity == .spf, let judgement = record.judgement,
            let identity = record.identity, !identity.isProven, identity.search == nil
        else { return nil }
        switch judgement.verdict {
        case .retried: break
        case .known where judgement.remember.triplet != nil: break
        case .autoWhitelisted where judgement.remember.client != nil: break
        default: return nil
        }
        guard addresses(&attempt.envelope, of: request) else { return nil }
        findHost(request, &attempt)
        findSender(request, &attempt)
        guard let organisation = attempt.senderOrganisation else { return nil }
        let isFirst = judgement.verdict.isFirstPass
        guard isFirst || attempt.questionMoments.isDue(organisation, at: now) else { return nil }
        // What a few networks could ask for is kept apart, and bounded.
        return question(
            about: request, network: isFirst ? attempt.envelope.network.tag : 0, hasHost: identity.hasHostAlias)
    }

    /// What follows from the answer to such a question: what the organisation earns, and what is to be written so that the
    /// triplet is known by it.
    public func conclusion(
        of record: DecisionRecord, on request: PolicyRequest, by outcome: SPFOutcome, at now: Timestamp,
        using attempt: inout Attempt
    ) -> (event: IdentityEvent?, query: StoreQuery?) {
        guard case .judged(let verdict) = record.reason else { return (nil, nil) }
        var identity = ClientIdentity()
        identity.hasHostAlias = record.identity?.hasHostAlias == true
        guard addresses(&attempt.envelope, of: request) else { return (nil, nil) }
        identity.network = attempt.envelope.network.tag
        var query = StoreQuery(time: now, rules: options.rules)
        prove(&identity, of: request, by: outcome, asking: &query, using: &attempt)
        guard identity.isProven else { return (nil, nil) }
        let earns = options.fastLane.lane == .all && identity.isTrusted
        let event = IdentityEvent.accepted(
            organisation: identity.organisation, isByNewRecipient: verdict.isFirstPass, at: now)
        // A client of the auto-whitelist has no triplet that has passed. Else what is asked about is that key alone.
        guard verdict != .autoWhitelisted, let alias = query.lookups.first(where: { $0.role == .alias }) else {
            return (earns ? event : nil, nil)
        }
        query.lookups = StoreQuery.Lookups()
        query.lookups.append(.init(.triplet, alias.key))
        query.merit = .earned
        return (earns ? event : nil, query)
    }

    /// Whether something may be learnt of a request for mail of our own users.
    ///
    /// Only from a login or a verified certificate: a `policy_context` alone says where Postfix was asked, not who sends.
    /// Nothing is learnt of what users don't write themselves: bounces, receipts and answers of a postmaster have the null sender,
    /// or come from such an address.
    public func learns(from request: PolicyRequest) -> Bool {
        options.learns && options.fastLane.lane != .off && !request.isEmpty(.sender) && request.login != nil
    }

    /// What is learnt of such a request; nil where it isn't from an address to another one.
    public func lesson(of request: PolicyRequest, at now: Timestamp) throws(LessonRefusal) -> IdentityEvent? {
        guard learns(from: request), let login = request.login,
            let correspondence = request.read(
                .sender, .recipient, .recipient,
                { sender, recipient, _ in Correspondence(user: sender, remote: recipient) })
        else { return nil }
        return try lesson(of: correspondence, by: request.read(login) { Array(copying: $0) }, at: now)
    }

    /// What is learnt of a correspondence that an administrator, or the mail log, tells of.
    ///
    /// - Parameter login: who counts for the bound on what one user teaches; empty for none
    public func lesson(
        of correspondence: Correspondence, by login: [UInt8] = [], at now: Timestamp
    ) throws(LessonRefusal) -> IdentityEvent {
        guard !correspondence.isByRobot else { throw .robot }
        let organisation = organisation(of: Array(correspondence.remoteDomain)).flatMap { $0.isShared ? nil : $0.name }
        return .wrote(correspondence, organisation: organisation, login: login, at: now)
    }

    /// The organisation of a domain, and whether senders that have nothing to do with each other have it in common; nil for what
    /// is no domain.
    public func organisation(of domain: [UInt8]) -> (name: [UInt8], isShared: Bool)? {
        organisations.organisation(of: domain).map { ($0, organisations.isShared($0)) }
    }

    /// The domain of the recipient, where mail came in for it that wasn't a user's own: it is one of ours; nil where it is
    /// known already.
    public func ownDomain(of request: PolicyRequest, using attempt: inout Attempt) -> [UInt8]? {
        guard options.learns, options.fastLane.lane != .off else { return nil }
        return request.read(.recipient) { recipient in
            let start = recipient.localPart.upperBound + 1
            guard start < recipient.count else { return nil }
            return attempt.ownDomains.takeNew(recipient.extracting(start..<recipient.count))
        }
    }
}

extension PolicyRequest {
    /// What says who of our users sends; nil where nothing does.
    fileprivate var login: PolicyAttribute? {
        if !isEmpty(.saslUsername) { return .saslUsername }
        if !isEmpty(.ccertSubject) { return .ccertSubject }
        return isEmpty(.ccertIssuer) ? nil : .ccertIssuer
    }
}

extension Verdict {
    /// Whether it lets a triplet pass for the first time, by what its sender did.
    fileprivate var isFirstPass: Bool {
        switch self {
        case .retried, .spared: true
        case .new, .early, .known, .autoWhitelisted, .carried, .released, .pendingLimitReached: false
        }
    }
}

extension Correspondence {
    /// Whether what writes there rather answers complaints and bounces.
    fileprivate var isByRobot: Bool {
        ["postmaster", "abuse", "mailer-daemon"].contains { userName.elementsEqual($0.utf8) }
    }
}

/// What is to be looked up in the table of identities about a proven sender.
public struct StandingQuestion: Sendable {
    /// What an entry says.
    fileprivate enum Meaning: Sendable {
        case address
        case correspondent
        case days
        case recipients
        case users
        case lane
    }

    /// What to look up.
    public private(set) var keys: [Key] = []
    private var meanings: [Meaning] = []

    init() {
        keys.reserveCapacity(6)
        meanings.reserveCapacity(6)
    }

    fileprivate mutating func ask(_ meaning: Meaning, _ key: Key) {
        keys.append(key)
        meanings.append(meaning)
    }

    /// What was found, in the order of the keys.
    public func standing(_ found: ArraySlice<Sighting?>) -> Standing {
        var standing = Standing()
        for (index, entry) in zip(meanings.indices, found) {
            switch meanings[index] {
            case .address: standing.address = later(standing.address, entry)
            case .correspondent: standing.correspondent = later(standing.correspondent, entry)
            case .days: standing.days = entry
            case .recipients: standing.recipients = entry
            case .users: standing.users = entry
            case .lane: standing.lane = entry
            }
        }
        return standing
    }

    /// Of what is known under several keys that which was used last.
    private func later(_ one: Sighting?, _ other: Sighting?) -> Sighting? {
        guard let one, let other else { return one ?? other }
        return one.last < other.last ? other : one
    }
}
