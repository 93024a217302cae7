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
    private var attempt = Attempt()
    private var late: [LateProof] = []

    /// A site that has seen no mail.
    ///
    /// Without an auto-whitelist, so that nothing but the keys counts.
    init(_ zone: Zone) throws {
        self.zone = zone
        var options = PolicyEngine.Options.sample()
        options.identity = .spf
        let wording = try Wording(
            action: "DEFER_IF_PERMIT", text: "Greylisted", header: "X-Greylist: delayed {delay}", hostname: "mx")
        engine = PolicyEngine(options: options, wording: wording)
    }

    /// By which rules it judges.
    var rules: Rules { engine.options.rules }

    /// Whether an attempt passes.
    mutating func passes(_ traced: TracedAttempt, ofMail mail: Int) throws -> Bool {
        var message = MessageProgress()
        let now = Timestamp(milliseconds: traced.time)
        let step = engine.decide(try traced.request(), of: &message, at: now, using: &attempt)
        guard case .needsStore(let decision, let query) = step else {
            preconditionFailure("nothing lets mail pass here but greylisting")
        }
        let (answer, answered) = ask(query)
        switch engine.finish(decision, with: answer, at: now) {
        case .done(let record): return !record.isGreylisting
        case .needsIdentity(let decision):
            let (search, time) = search(for: decision, asking: answered, traced, ofMail: mail)
            let (resumed, last) = engine.resume(
                decision, of: message, asking: answered, knowing: search, at: time, using: &attempt)
            guard case .done(let record) = engine.finish(resumed, with: ask(last).answer, at: time) else {
                preconditionFailure("the DNS is asked once")
            }
            return !record.isGreylisting
        }
    }

    /// Asks the DNS, and says what comes of it in time, and when that is.
    private mutating func search(
        for decision: Decision, asking query: StoreQuery, _ traced: TracedAttempt, ofMail mail: Int
    ) -> (ProofSearch, Timestamp) {
        guard let question = engine.question(of: decision, asking: query) else {
            preconditionFailure("a request without an address isn't judged")
        }
        var evaluation = SPFEvaluation(
            client: question.client, sender: question.sender, helo: question.helo, limits: .rfc7208)
        let outcome = evaluation.run(in: zone).outcome
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

/// postgrey without its auto-whitelist, as far as its key and its delay go.
struct SimulatedPostgrey {
    private var first: [[UInt8]: Int64] = [:]
    private var envelope = Envelope()
    private let rules: Rules

    /// One that has seen no mail, with the delay and retry window of these rules.
    init(_ rules: Rules) {
        self.rules = rules
    }

    /// Whether an attempt passes; it is the last one of its mail then.
    mutating func passes(_ traced: TracedAttempt) -> Bool {
        let isAddressed = envelope.address(
            client: Array(traced.host.address.text.utf8).span, sender: Array(traced.sender.utf8).span,
            recipient: Array(traced.recipient.utf8).span, masks: .sample())
        precondition(isAddressed, "the trace has addresses")
        let key = envelope.readPostgreyTexts(.network(ipv4: 24, ipv6: 64)) { triplet, _ in
            triplet.withUnsafeBufferPointer { Array($0) }
        }
        let now = Timestamp(milliseconds: traced.time).seconds
        guard let seen = first[key], now - seen <= rules.retryWindow else {
            first[key] = now
            return false
        }
        return now - seen >= rules.delay
    }
}

extension TracedAttempt {
    /// The attempt as Postfix asks about it.
    fileprivate func request() throws -> PolicyRequest {
        let name = host.name ?? "unknown"
        let lines = [
            "request=smtpd_access_policy", "protocol_state=RCPT", "client_address=\(host.address.text)",
            "client_name=\(name)", "helo_name=\(name)", "sender=\(sender)", "recipient=\(recipient)",
        ]
        var (buffer, decoder) = (ByteBuffer(string: lines.joined(separator: "\n") + "\n\n"), PolicyDecoder())
        guard let request = try decoder.next(in: &buffer) else {
            preconditionFailure("a request ends with an empty line")
        }
        return request
    }
}

extension Timestamp {
    /// The second in which a moment lies.
    init(milliseconds: Int64) {
        self.init(seconds: milliseconds / 1_000)
    }
}
