import Engine
import Greylist
import Policy
import SPF
import Storage
import Whitelists

/// A site without a server: an engine, with a store and a table of identities in memory, asked in the order in which a
/// request goes through them, at whatever time it is told.
///
/// Its memory is bounded by `capacity` entries a table.
struct ReplaySite {
    /// How many entries a table of the store keeps.
    private static let capacity = 1_000_000

    /// What it judges by.
    let engine: PolicyEngine
    private let store = MemoryStore(capacity: Self.capacity)
    private var identities: ReplayIdentities
    private var attempt = Attempt()
    /// Whether the last decision depended on what nobody knows: who the client is, or what lists in the DNS say of it.
    private(set) var lackedFacts = false

    /// A site that has seen no mail.
    init(_ settings: SimulatedSettings) {
        engine = settings.engine
        identities = ReplayIdentities(under: settings.engine.options.fastLane, most: settings.maxOrganisations)
    }

    /// Decides about a request, and takes note of what follows from that.
    ///
    /// - Parameter message: what became of other recipients of the message
    mutating func decide(
        _ request: PolicyRequest, of message: inout MessageProgress, knowing proof: KnownProof, at now: Timestamp
    ) -> DecisionRecord {
        lackedFacts = false
        let record = judge(request, of: &message, knowing: proof, at: now)
        message.note(record, at: now)
        engine.note(record, on: request, at: now, using: &attempt)
        remember(record, on: request, knowing: proof, at: now)
        return record
    }

    private mutating func judge(
        _ request: PolicyRequest, of message: inout MessageProgress, knowing proof: KnownProof, at now: Timestamp
    ) -> DecisionRecord {
        switch begin(request, of: &message, knowing: proof, at: now) {
        case .done(let record): return record
        case .needsFacts: preconditionFailure("the whitelists ask once for facts")
        case .needsStore(let decision, let query):
            let (answer, answered) = ask(query)
            switch engine.finish(decision, with: answer, at: now) {
            case .done(let record): return record
            case .needsStanding(let decision): return askStanding(of: decision, answered, message, at: now)
            case .needsIdentity(let decision):
                let search = proof.outcome.map { ProofSearch.ended($0, milliseconds: 0) } ?? .notAsked(.down)
                if proof.outcome == nil { lackedFacts = true }
                let (resumed, next) = engine.resume(
                    decision, of: message, asking: answered, knowing: search, at: now, using: &attempt)
                return askStanding(of: resumed, next, message, at: now)
            }
        }
    }

    /// Begins a decision, what the whitelists need of the DNS found or not.
    private mutating func begin(
        _ request: PolicyRequest, of message: inout MessageProgress, knowing proof: KnownProof, at now: Timestamp
    ) -> Decision.Step {
        let step = engine.decide(request, of: &message, at: now, using: &attempt)
        guard case .needsFacts(let question) = step else { return step }
        var facts = DNSFacts(for: question)
        if question.sender != nil { facts.spf = proof.outcome }
        if !question.lists.isEmpty || question.sender != nil && proof.outcome == nil { lackedFacts = true }
        return engine.decide(request, knowing: facts, of: &message, at: now, using: &attempt)
    }

    /// Asks the table of identities, and then the store for the last time.
    private func askStanding(
        of decision: Decision, _ query: StoreQuery, _ message: MessageProgress, at now: Timestamp
    ) -> DecisionRecord {
        let standing = engine.question(aboutStandingOf: decision).map { question in
            question.standing(identities.find(question.keys)[...])
        }
        let (resumed, last) = engine.resume(decision, of: message, asking: query, knowing: standing, at: now)
        guard case .done(let record) = engine.finish(resumed, with: ask(last).answer, at: now) else {
            preconditionFailure("the DNS and the table of identities are asked once")
        }
        return record
    }

    private func ask(_ query: StoreQuery) -> (answer: Decision.StoreAnswer, query: StoreQuery) {
        guard let answered = store.decide([query]).first, let judgement = answered.judgement else {
            preconditionFailure("a store in memory answers everything")
        }
        return (.judged(judgement), answered)
    }

    /// Takes note of what mail earns its organisation; where nobody asked who sent it, what the DNS has said of such mail.
    private mutating func remember(
        _ record: DecisionRecord, on request: PolicyRequest, knowing proof: KnownProof, at now: Timestamp
    ) {
        guard case .judged = record.reason else { return }
        if let credit = engine.credit(for: record, at: now, using: &attempt) {
            return identities.take(credit, at: now)
        }
        guard let outcome = proof.outcome,
            engine.questionForLater(about: record, on: request, at: now, using: &attempt) != nil
        else { return }
        let (event, query) = engine.conclusion(of: record, on: request, by: outcome, at: now, using: &attempt)
        if let event { identities.take(event, at: now) }
        if let query { _ = ask(query) }
    }
}

/// What is recorded and can only come from before a history begins, or from what it doesn't have.
extension ReplaySite {
    /// Something that a site knew.
    enum Knowledge {
        /// That mail of the triplet had passed.
        case passed
        /// When the triplet was tried first.
        case tried(Timestamp)
        /// That an administrator had released it.
        case released
        /// That the client had passed often enough for the auto-whitelist.
        case client
    }

    /// From now on it knows that, under the keys that the request has here.
    mutating func know(_ knowledge: Knowledge, of request: PolicyRequest, at now: Timestamp) {
        var message = MessageProgress()
        guard case .needsStore(_, let query) = begin(request, of: &message, knowing: .unknown, at: now) else { return }
        let rules = engine.options.rules
        let (table, sighting): (Table, Sighting) =
            switch knowledge {
            case .passed: (.greylist, Sighting(firstAt: now).passing(at: now))
            case .tried(let first): (.greylist, Sighting(firstAt: first))
            case .released: (.greylist, Sighting(releasedAt: now, firstAt: now))
            case .client: (.autoWhitelist, Sighting(passes: rules.clientCount, first: now, last: now))
            }
        let keys = query.lookups.filter { $0.table == table && $0.role != .legacy && $0.role != .legacyClient }
        store.add(keys.map { Entry(key: $0.key, sighting: sighting) }, to: table, at: now, under: rules)
    }

    /// From now on an organisation has earned the fast lane.
    mutating func knowEarned(_ organisation: [UInt8], at now: Timestamp) {
        identities.assumeEarned(organisation, at: now)
    }

    /// From now on the recipient of a request has written to its sender.
    mutating func knowCorrespondence(of request: PolicyRequest, at now: Timestamp) {
        let correspondence = request.read(.recipient, .sender, .sender) { user, remote, _ in
            Correspondence(user: user, remote: remote)
        }
        guard let correspondence else { return }
        identities.take(.wrote(correspondence, organisation: nil, login: [], at: now), at: now)
    }

    /// Whether an organisation has earned the fast lane, if it is proven well enough.
    func hasEarned(_ organisation: [UInt8], at now: Timestamp) -> Bool {
        identities.hasEarned(organisation, at: now)
    }
}

/// What the DNS says of who sends a mail, as far as that is known.
enum KnownProof: Equatable {
    /// It proves the sender's organisation, well enough for the fast lane or not.
    case proven(isTrusted: Bool)
    /// It doesn't.
    case unproven
    /// Nobody knows.
    case unknown

    /// What an evaluation of SPF would have said; nil where nobody knows.
    var outcome: SPFOutcome? {
        switch self {
        case .proven(let isTrusted): SPFOutcome(noted: .pass, grade: isTrusted ? .strong : .guess)
        case .unproven: SPFOutcome(noted: .none, grade: nil)
        case .unknown: nil
        }
    }
}
