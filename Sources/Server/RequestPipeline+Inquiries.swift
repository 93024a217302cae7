import Engine
import Greylist
import NIOCore
import Policy
import Resolver
import SPF
import Storage
import Whitelists

/// What requests of one event loop wait for beside the store: what the DNS says of a client, and what the table of identities
/// says of it.
struct Inquiries {
    /// A decision that waits for more than the store knew of the triplet.
    ///
    /// An object, since it is large and moved about while others come and go.
    final class PendingDecision {
        let origin: Connection
        let decision: Decision
        /// What the store was asked.
        let query: StoreQuery

        init(origin: Connection, decision: Decision, query: StoreQuery) {
            self.origin = origin
            self.decision = decision
            self.query = query
        }
    }

    /// A decision that waits for what the table of identities says.
    struct PendingStanding {
        let request: PendingDecision
        let question: StandingQuestion
    }

    /// A request that waits for what the whitelists need of the DNS.
    struct PendingFacts {
        let origin: Connection
        let request: PolicyRequest
        /// What is known so far.
        var facts: DNSFacts
        /// How many answers are missing.
        var missing: Int
    }

    /// How many answered requests are kept in case that an answer comes late; further ones are forgotten.
    private static let lateLimit = 1_024
    /// How many questions are asked at once for which nobody waits.
    static let laterLimit = 8

    let resolver: LoopResolver?
    let ledger: IdentityLedger?
    var proofs: WaitingRoom<PendingDecision>
    var facts: WaitingRoom<PendingFacts>
    var standings: WaitingRoom<PendingStanding>
    /// What is to be asked of the ledger at the end of this turn.
    var standingNumbers: [(number: Int, keys: [Key])] = []
    /// Requests that were answered without what the DNS has still to say.
    private var late: [Int: PendingDecision] = [:]
    /// How many questions are under way for which nobody waits.
    var laterCount = 0

    init(_ resolver: LoopResolver?, _ ledger: IdentityLedger?, _ options: ServerOptions) {
        self.resolver = resolver
        self.ledger = ledger
        proofs = WaitingRoom(limit: options.dnsBudget)
        facts = WaitingRoom(limit: options.dnsBudget)
        // Nobody needs it as badly as the store.
        standings = WaitingRoom(limit: .nanoseconds(options.requestDeadline.nanoseconds / 2))
    }

    /// Keeps a request whose time is over, for an answer that comes late: then a retry may be recognised by it.
    mutating func keepLate(_ number: Int, _ request: PendingDecision) {
        if late.count < Self.lateLimit { late[number] = request }
    }

    /// The request that an answer comes too late for.
    mutating func takeLate(_ number: Int) -> PendingDecision? { late.removeValue(forKey: number) }

    mutating func forgetLate() { late = [:] }
}

extension RequestPipeline {
    /// Runs a timer for the request that has waited longest; the next one takes its place.
    private func watch<Request>(
        _ room: ReferenceWritableKeyPath<RequestPipeline, WaitingRoom<Request>>,
        late: @escaping (_ number: Int, _ start: NIODeadline, _ request: Request) -> Void
    ) {
        guard !self[keyPath: room].isWatched, let deadline = self[keyPath: room].deadline else { return }
        self[keyPath: room].isWatched = true
        eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self[keyPath: room].isWatched = false
            let now = self.eventLoop.now
            while let (number, start, request) = self[keyPath: room].takeLate(at: now) { late(number, start, request) }
            self.endDelivery()
            self.watch(room, late: late)
        }
    }

    private func milliseconds(since start: NIODeadline) -> Int {
        Int((eventLoop.now - start).nanoseconds / 1_000_000)
    }

    /// Answers everything that waits with what is known; for the end of the server.
    func endInquiries() {
        inquiries.forgetLate()
        for (_, request) in inquiries.proofs.takeAll() { deliver(withoutStore: request) }
        for (_, pending) in inquiries.standings.takeAll() { deliver(withoutStore: pending.request) }
        // What then needs the store has to do without it.
        for (start, pending) in inquiries.facts.takeAll() { resume(pending, since: start) }
    }

    private func deliver(withoutStore request: Inquiries.PendingDecision) {
        deliver(settle(request.decision, asking: request.query), request.decision.request, to: request.origin)
    }

    /// Puts the last question to the store.
    private func askLast(_ decision: Decision, _ query: StoreQuery, from connection: Connection) {
        if gate.admit(decision, asking: query, from: connection, at: eventLoop.now) { return scheduleEndOfTurn() }
        deliver(settle(decision, asking: query), decision.request, to: connection)
    }

    // MARK: Who the sender is

    /// Has the DNS asked who the sender is; the decision goes on when that is known, or takes too long.
    func askDNS(about decision: Decision, asking query: StoreQuery, from connection: Connection) {
        let now = eventLoop.now
        // What it has waited for the whitelists counts.
        let start = now - .milliseconds(Int64(decision.dnsMilliseconds))
        let request = Inquiries.PendingDecision(origin: connection, decision: decision, query: query)
        guard let resolver = inquiries.resolver,
            let subject = engine.question(of: decision, asking: query).map({ SPFSubject($0) })
        else {
            return resume(request, knowing: .notAsked(.down))
        }
        if let outcome = resolver.cached(subject) { return resume(request, knowing: .ended(outcome, milliseconds: 0)) }
        connection.hasAskedDNS = true
        let number = inquiries.proofs.admit(request, since: start)
        resolver.check(subject) { check in self.take(check, of: number) }
        watch(\.inquiries.proofs) { number, start, request in
            self.inquiries.keepLate(number, request)
            self.resume(request, knowing: .late(milliseconds: self.milliseconds(since: start)))
        }
    }

    private func take(_ check: SPFCheck, of number: Int) {
        if let (start, request) = inquiries.proofs.take(number) {
            resume(request, knowing: ProofSearch(check, milliseconds: milliseconds(since: start)))
            return endDelivery()
        }
        guard let request = inquiries.takeLate(number), case .outcome(let outcome) = check, gate.isOpen,
            let query = engine.lateAlias(
                request.decision.request, asking: request.query, by: outcome, using: &attempt)
        else { return }
        // Nobody waits for it.
        store.update([query]) { _ in }
    }

    private func resume(_ request: Inquiries.PendingDecision, knowing search: ProofSearch) {
        let (decision, query) = engine.resume(
            request.decision, of: request.origin.message, asking: request.query, knowing: search, at: options.now(),
            using: &attempt)
        askStanding(of: decision, asking: query, from: request.origin)
    }

    // MARK: Whether it need not wait

    /// Has the table of identities asked whether a sender need not wait; then the decision goes on.
    func askStanding(of decision: Decision, asking query: StoreQuery, from connection: Connection) {
        let request = Inquiries.PendingDecision(origin: connection, decision: decision, query: query)
        guard inquiries.ledger != nil, let question = engine.question(aboutStandingOf: decision) else {
            return resume(request, knowing: nil)
        }
        let number = inquiries.standings.admit(.init(request: request, question: question), since: eventLoop.now)
        inquiries.standingNumbers.append((number, question.keys))
        scheduleEndOfTurn()
        watch(\.inquiries.standings) { _, _, pending in self.resume(pending.request, knowing: nil) }
    }

    /// Runs at the end of a turn: all questions of it go to the ledger as one.
    func askLedger() {
        guard !inquiries.standingNumbers.isEmpty, let ledger = inquiries.ledger else { return }
        let numbers = inquiries.standingNumbers
        inquiries.standingNumbers.removeAll(keepingCapacity: true)
        let pipeline = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        ledger.find(numbers.flatMap(\.keys), at: eventLoop.now) { found in
            eventLoop.execute { pipeline.value.take(found, for: numbers) }
        }
    }

    private func take(_ found: [Sighting?]?, for numbers: [(number: Int, keys: [Key])]) {
        var start = 0
        for (number, keys) in numbers {
            let range = start..<start + keys.count
            start = range.upperBound
            guard let (_, pending) = inquiries.standings.take(number) else { continue }
            resume(pending.request, knowing: found.map { pending.question.standing($0[range]) })
        }
        endDelivery()
    }

    private func resume(_ request: Inquiries.PendingDecision, knowing standing: Standing?) {
        let (decision, query) = engine.resume(
            request.decision, of: request.origin.message, asking: request.query, knowing: standing,
            at: options.now())
        askLast(decision, query, from: request.origin)
    }

    // MARK: What is remembered

    /// Hands over what a decision says of the sender, or of whom our users write to.
    ///
    /// Nobody waits for it.
    func remember(_ record: DecisionRecord, on request: PolicyRequest, at now: Timestamp) {
        guard let ledger = inquiries.ledger else { return }
        switch record.reason {
        case .notOurs(.authenticated), .notOurs(.outgoing):
            if engine.learns(from: request) { ledger.learn(try engine.lesson(of: request, at: now)) }
        case .judged:
            if let credit = engine.credit(for: record, at: now, using: &attempt) { return ledger.take(credit) }
            guard inquiries.laterCount < Inquiries.laterLimit, let resolver = inquiries.resolver,
                let question = engine.questionForLater(about: record, on: request, at: now, using: &attempt)
            else { return }
            inquiries.laterCount += 1
            resolver.check(SPFSubject(question)) { check in
                self.inquiries.laterCount -= 1
                guard case .outcome(let outcome) = check else { return }
                let (event, query) = self.engine.conclusion(
                    of: record, on: request, by: outcome, at: self.options.now(), using: &self.attempt)
                if let event { ledger.take(event) }
                if let query, self.gate.isOpen { self.store.update([query]) { _ in } }
            }
        case .notOurs, .whitelisted, .storeFailed: break
        }
    }

    // MARK: What the whitelists need of the DNS

    /// What the DNS says, as far as this loop knows it; nil where it has to be asked, and the request waits.
    func facts(
        for question: FactQuestion, about request: PolicyRequest, from connection: Connection
    ) -> DNSFacts? {
        var facts = DNSFacts(for: question)
        guard let resolver = inquiries.resolver else { return facts }
        var subject = question.sender.map { SPFSubject($0) }
        if let outcome = subject.flatMap({ resolver.cached($0) }) {
            facts.spf = outcome
            subject = nil
        }
        var lists = question.lists
        lists.removeAll { list in
            guard let answer = resolver.cachedAnswer(to: list.question) else { return false }
            facts.lists[list.zone] = answer
            return true
        }
        let missing = lists.count + (subject == nil ? 0 : 1)
        guard missing > 0 else { return facts }
        connection.hasAskedDNS = true
        let number = inquiries.facts.admit(
            .init(origin: connection, request: request, facts: facts, missing: missing), since: eventLoop.now)
        if let subject {
            resolver.check(subject) { check in
                self.take(number) { facts in
                    if case .outcome(let outcome) = check { facts.spf = outcome }
                }
            }
        }
        for (zone, question) in lists {
            resolver.look(up: question) { answer in self.take(number) { $0.lists[zone] = answer } }
        }
        watch(\.inquiries.facts) { _, start, pending in self.resume(pending, since: start) }
        return nil
    }

    private func take(_ number: Int, _ note: (inout DNSFacts) -> Void) {
        let arrival = inquiries.facts.take(number) { pending in
            note(&pending.facts)
            pending.missing -= 1
            return pending.missing == 0
        }
        guard let (start, pending) = arrival else { return }
        resume(pending, since: start)
        endDelivery()
    }

    private func resume(_ pending: Inquiries.PendingFacts, since start: NIODeadline) {
        var facts = pending.facts
        facts.milliseconds = milliseconds(since: start)
        scheduleEndOfTurn()
        guard let record = decide(pending.request, knowing: facts, from: pending.origin) else { return }
        deliver(record, pending.request, to: pending.origin)
    }
}

extension SPFSubject {
    fileprivate init(_ question: SenderQuestion) {
        self.init(
            client: question.client, network: question.network, hasHost: question.hasHost,
            sender: question.sender.span, helo: question.helo.span)
    }
}

extension ProofSearch {
    fileprivate init(_ check: SPFCheck, milliseconds: Int) {
        switch check {
        case .outcome(let outcome): self = .ended(outcome, milliseconds: milliseconds)
        case .notAsked(.down): self = .notAsked(.down)
        case .notAsked(.tooManyAtOnce): self = .notAsked(.tooManyAtOnce)
        case .notAsked(.tooManyFromNetwork): self = .notAsked(.tooManyFromNetwork)
        }
    }
}
