import Domains
import Engine
import Greylist
import NIOCore
import Policy
import SPF
import SPFZones
import SampleOptions
import Storage

/// A site with TPRT, without a server: its engine, a store in memory, and a DNS in memory, in the order in which a request
/// goes through them.
struct SimulatedSite {
    /// How long a request waits for the DNS, in milliseconds.
    static let dnsBudget: Int64 = 1_000

    /// What the DNS says when the request has been answered without it.
    struct LateProof {
        /// When it comes, in milliseconds since 1970.
        let time: Int64
        /// Which mail it is of.
        let mail: Int
        let attempt: TracedAttempt
        fileprivate let request: PolicyRequest
        fileprivate let query: StoreQuery
        fileprivate let outcome: SPFOutcome
    }

    private let engine: PolicyEngine
    private let store = MemoryStore()
    private let zone: Zone
    /// The table of identities.
    private(set) var ledger: SimulatedLedger
    private var attempt = Attempt()
    private var late: [LateProof] = []

    /// A site that has seen no mail.
    init(_ zone: Zone, options: PolicyEngine.Options, organisations: Organisations = Organisations()) throws {
        self.zone = zone
        let wording = try Wording(
            action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-Greylist: delayed {delay}", hostname: "mx")
        engine = PolicyEngine(options: options, wording: wording, organisations: organisations)
        ledger = SimulatedLedger(store, options)
    }

    /// By which rules it judges.
    var rules: Rules { engine.options.rules }

    /// Decides about an attempt, and takes note of what follows from that.
    mutating func decide(_ traced: TracedAttempt, ofMail mail: Int) async throws -> DecisionRecord {
        try await ledger.write(until: Timestamp(milliseconds: traced.time))
        let request = try traced.request()
        let (record, time) = try await decide(request, traced, ofMail: mail)
        remember(record, on: request, traced, at: time)
        return record
    }

    private mutating func decide(
        _ request: PolicyRequest, _ traced: TracedAttempt, ofMail mail: Int
    ) async throws -> (DecisionRecord, Timestamp) {
        var message = MessageProgress()
        let now = Timestamp(milliseconds: traced.time)
        guard case .needsStore(let decision, let query) = engine.decide(request, of: &message, at: now, using: &attempt)
        else { preconditionFailure("nothing lets mail pass here but greylisting") }
        if let domain = engine.ownDomain(of: request, using: &attempt) { ledger.takeOwnDomain(domain) }
        let (answer, answered) = ask(query)
        switch engine.finish(decision, with: answer, at: now) {
        case .done(let record): return (record, now)
        case .needsIdentity(let decision):
            let (search, time) = search(for: decision, asking: answered, traced, ofMail: mail)
            let (resumed, next) = engine.resume(
                decision, of: message, asking: answered, knowing: search, at: time, using: &attempt)
            return (try await askStanding(of: resumed, next, message, at: time), time)
        case .needsStanding(let decision):
            return (try await askStanding(of: decision, answered, message, at: now), now)
        }
    }

    /// Asks the table of identities, and then the store for the last time.
    private func askStanding(
        of decision: Decision, _ query: StoreQuery, _ message: MessageProgress, at time: Timestamp
    ) async throws -> DecisionRecord {
        var standing: Standing?
        if let question = engine.question(aboutStandingOf: decision) {
            standing = question.standing(try await store.find(question.keys, in: .identity)[...])
        }
        let (resumed, last) = engine.resume(decision, of: message, asking: query, knowing: standing, at: time)
        guard case .done(let record) = engine.finish(resumed, with: ask(last).answer, at: time) else {
            preconditionFailure("the DNS and the table of identities are asked once")
        }
        return record
    }

    /// Takes note of what mail earns its organisation; where nobody asked who sent it, the DNS is asked afterwards.
    private mutating func remember(
        _ record: DecisionRecord, on request: PolicyRequest, _ traced: TracedAttempt, at time: Timestamp
    ) {
        if let credit = engine.credit(for: record, at: time, using: &attempt) { return ledger.take(credit) }
        guard let question = engine.questionForLater(about: record, on: request, at: time, using: &attempt) else {
            return
        }
        if case .isSilent = traced.dns { return }
        let (event, query) = engine.conclusion(
            of: record, on: request, by: outcome(question), at: time, using: &attempt)
        if let event { ledger.take(event) }
        if let query { _ = ask(query) }
    }

    /// Takes note of a post for which Postfix asks; it is never delayed.
    mutating func take(_ post: OutgoingPost) async throws {
        let now = Timestamp(milliseconds: post.time)
        try await ledger.write(until: now)
        var message = MessageProgress()
        let request = try post.request()
        guard case .done(let record) = engine.decide(request, of: &message, at: now, using: &attempt),
            case .notOurs = record.reason
        else { preconditionFailure("outgoing mail isn't judged") }
        if let lesson = try? engine.lesson(of: request, at: now) { ledger.take(lesson) }
    }

    /// Asks the DNS, and says what comes of it in time, and when that is.
    private mutating func search(
        for decision: Decision, asking query: StoreQuery, _ traced: TracedAttempt, ofMail mail: Int
    ) -> (ProofSearch, Timestamp) {
        guard let question = engine.question(of: decision, asking: query) else {
            preconditionFailure("a request without an address isn't judged")
        }
        let outcome = outcome(question)
        switch traced.dns {
        case .answers(let delay):
            let time = Timestamp(milliseconds: traced.time + delay)
            return (.ended(outcome, milliseconds: Int(delay)), time)
        case .isLate(let delay):
            let proof = LateProof(
                time: traced.time + delay, mail: mail, attempt: traced, request: decision.request, query: query,
                outcome: outcome)
            let place = late.firstIndex { $0.time > proof.time } ?? late.count
            late.insert(proof, at: place)
        case .isSilent: break
        }
        let waited = Int(Self.dnsBudget)
        return (.late(milliseconds: waited), Timestamp(milliseconds: traced.time + Self.dnsBudget))
    }

    private func outcome(_ question: SenderQuestion) -> SPFOutcome {
        var evaluation = SPFEvaluation(
            client: question.client, sender: question.sender, helo: question.helo, limits: .rfc7208)
        return evaluation.run(in: zone).outcome
    }

    /// Takes note of the first proof that comes late until that moment, and returns it.
    mutating func takeLateProof(until time: Int64) -> LateProof? {
        guard let proof = late.first, proof.time <= time else { return nil }
        late.removeFirst()
        let alias = engine.lateAlias(proof.request, asking: proof.query, by: proof.outcome, using: &attempt)
        if let alias { _ = store.decide([alias]) }
        return proof
    }

    private func ask(_ query: StoreQuery) -> (answer: Decision.StoreAnswer, query: StoreQuery) {
        guard let answered = store.decide([query]).first, let judgement = answered.judgement else {
            preconditionFailure("a store in memory answers everything")
        }
        return (.judged(judgement), answered)
    }
}

extension TracedAttempt {
    /// The attempt as Postfix asks about it.
    fileprivate func request() throws -> PolicyRequest {
        let name = host.name ?? "unknown"
        let lines = [
            "client_address=\(host.address.text)",
            "client_name=\(name)", "helo_name=\(name)", "sender=\(sender)", "recipient=\(recipient)",
        ]
        return try PolicyRequest(lines)
    }
}

extension PolicyRequest {
    /// The request that Postfix makes of these attributes.
    init(_ attributes: [String]) throws {
        let lines = ["request=smtpd_access_policy", "protocol_state=RCPT"] + attributes
        var (buffer, decoder) = (ByteBuffer(string: lines.joined(separator: "\n") + "\n\n"), PolicyDecoder())
        guard let request = try decoder.next(in: &buffer) else {
            preconditionFailure("a request ends with an empty line")
        }
        self = request
    }
}

extension Timestamp {
    /// The second in which a moment lies.
    init(milliseconds: Int64) {
        self.init(seconds: milliseconds / 1_000)
    }
}
