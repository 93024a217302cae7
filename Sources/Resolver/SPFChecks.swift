import NIOCore
import SPF

/// The SPF evaluations that are under way, those that wait for them, and the outcomes that are known.
///
/// A pure machine: it asks nobody and reads no clock.
struct SPFChecks<Caller> {
    /// Who waits for which outcome, until when.
    struct Request {
        let caller: Caller
        let subject: SPFSubject
        let deadline: NIODeadline
    }

    /// What becomes of a check.
    enum Beginning {
        /// The outcome is known, and holds for so long.
        case known(SPFOutcome, TimeAmount)
        /// Its evaluation is under way.
        case waits
        case refused(SPFCheck.NotAsked)
        /// Its evaluation has begun and needs answers.
        case begun(UInt64, [DNSQuestion])
    }

    /// What comes next in an evaluation.
    enum Step {
        /// Answers that were asked for already, or nothing: it has ended before.
        case waits
        /// Answers that weren't asked for yet.
        case needs([DNSQuestion])
        case done(Finished)
    }

    /// An evaluation that has ended.
    struct Finished {
        let outcome: SPFOutcome
        let lifetime: TimeAmount
        fileprivate let subject: SPFSubject
        fileprivate let requests: [Request]
    }

    private struct Evaluation {
        var state: SPFEvaluation
        /// Which attempts join it while it runs.
        let flight: SPFSubject.Key
        let subject: SPFSubject
        let deadline: NIODeadline
        var requests: [Request]
        /// What was asked for it.
        var asked: Set<DNSQuestion> = []
        /// What it still needs.
        var needed: [DNSQuestion]
        var lifetime = ResolverLimits.longestLifetime
        var answerBytes = 0
    }

    private let limits: ResolverLimits
    private var evaluations: [UInt64: Evaluation] = [:]
    /// Which evaluation an attempt joins.
    private var flights: [SPFSubject.Key: UInt64] = [:]
    private var next: UInt64 = 0
    private var outcomes: OutcomeCache
    /// How many evaluations a network has begun in its minute.
    private var networks: BoundedCache<UInt32, Int>
    /// How many wait.
    private(set) var callers = 0
    /// How often an outcome was known that takes the DNS to find out, and how often it wasn't.
    private(set) var cache = CacheCounts()

    init(limits: ResolverLimits) {
        self.limits = limits
        outcomes = OutcomeCache(limits.outcomes)
        networks = BoundedCache(CacheLimits(entries: limits.networks, bytes: .max))
    }

    var count: Int { evaluations.count }
    /// When the first of them is late.
    var nextDeadline: NIODeadline? { evaluations.values.lazy.map(\.deadline).min() }

    /// Takes a check.
    ///
    /// - Parameters:
    ///   - isDown: whether questions would be refused
    ///   - isFull: whether nobody else may wait
    mutating func begin(_ request: Request, isDown: Bool, isFull: Bool, at now: NIODeadline) -> Beginning {
        let subject = request.subject
        if let known = outcomes.outcome(for: subject, at: now) {
            cache.hits += 1
            return .known(known.outcome, known.remaining)
        }
        let flight = outcomes.key(for: subject, at: now)
        if let flight, let number = flights[flight], !isFull {
            cache.misses += 1
            evaluations[number]?.requests.append(request)
            callers += 1
            return .waits
        }
        var state = SPFEvaluation(
            client: subject.identity.client, sender: subject.sender, helo: subject.identity.helo, limits: .rfc7208)
        let questions: [DNSQuestion]
        switch state.start() {
        case .done(let outcome): return .known(outcome, ResolverLimits.longestLifetime)
        case .needs(let first): questions = first
        }
        cache.misses += 1
        guard let flight else { preconditionFailure("an evaluation of no domain asks nothing") }
        guard !isDown else { return .refused(.down) }
        guard !isFull, evaluations.count < limits.evaluations else { return .refused(.tooManyAtOnce) }
        guard subject.hasHost || admit(subject.network, at: now) else { return .refused(.tooManyFromNetwork) }
        next += 1
        flights[flight] = next
        evaluations[next] = Evaluation(
            state: state, flight: flight, subject: subject, deadline: request.deadline, requests: [request],
            asked: Set(questions), needed: questions)
        callers += 1
        return .begun(next, questions)
    }

    /// Gives an evaluation an answer to a question that was asked for it.
    mutating func resume(
        _ number: UInt64, with answer: DNSAnswer, to question: DNSQuestion, lifetime: TimeAmount
    ) -> Step {
        guard evaluations[number] != nil else { return .waits }
        var answer = answer
        evaluations[number]?.answerBytes += answer.size
        if evaluations[number]?.answerBytes ?? 0 > limits.answerBytes { answer = .temporaryError }
        if let shortest = evaluations[number]?.lifetime {
            let lifetime = answer == .temporaryError ? ResolverLimits.shortLifetime : lifetime
            evaluations[number]?.lifetime = min(shortest, lifetime)
        }
        guard let step = evaluations[number]?.state.resume(with: [question: answer]) else { return .waits }
        switch step {
        case .done(let outcome): return .done(finish(number, outcome))
        case .needs(let questions):
            evaluations[number]?.needed = questions
            var new: [DNSQuestion] = []
            for question in questions where evaluations[number]?.asked.insert(question).inserted ?? false {
                new.append(question)
            }
            return new.isEmpty ? .waits : .needs(new)
        }
    }

    /// Ends the evaluations that are late: what they still need counts as a temporary error.
    mutating func expire(at now: NIODeadline) -> [Finished] {
        evaluations.keys.sorted().compactMap { number in
            guard let evaluation = evaluations[number], evaluation.deadline <= now else { return nil }
            return giveUp(number, evaluation)
        }
    }

    /// Ends all evaluations.
    mutating func abandon() -> [Finished] {
        evaluations.keys.sorted().compactMap { number in
            evaluations[number].map { giveUp(number, $0) }
        }
    }

    /// Keeps the outcome of an evaluation.
    ///
    /// - Returns: whom it holds for, and those for whose HELO name or local part another one has to be made
    mutating func conclude(_ finished: Finished, at now: NIODeadline) -> (told: [Caller], others: [Request]) {
        outcomes.insert(finished.outcome, for: finished.subject, at: now, lifetime: finished.lifetime)
        var (told, others): ([Caller], [Request]) = ([], [])
        for request in finished.requests {
            // A failure is told to all: those who would have to ask again had as little time.
            if finished.outcome.result == .temperror
                || request.subject.matches(finished.subject, in: finished.outcome.dependencies)
            {
                told.append(request.caller)
            } else {
                others.append(request)
            }
        }
        return (told, others)
    }

    private mutating func giveUp(_ number: UInt64, _ evaluation: Evaluation) -> Finished {
        var state = evaluation.state
        var needed = evaluation.needed
        while true {
            let failures = needed.map { ($0, DNSAnswer.temporaryError) }
            switch state.resume(with: Dictionary(failures) { first, _ in first }) {
            case .done(let outcome): return finish(number, outcome)
            case .needs(let questions): needed = questions
            }
        }
    }

    private mutating func finish(_ number: UInt64, _ outcome: SPFOutcome) -> Finished {
        guard let evaluation = evaluations.removeValue(forKey: number) else {
            preconditionFailure("an evaluation that ends was under way")
        }
        flights[evaluation.flight] = nil
        callers -= evaluation.requests.count
        let isTemporary = outcome.result == .temperror
        return Finished(
            outcome: outcome, lifetime: isTemporary ? ResolverLimits.shortLifetime : evaluation.lifetime,
            subject: evaluation.subject, requests: evaluation.requests)
    }

    /// Whether a network may begin one more evaluation in its minute.
    private mutating func admit(_ network: UInt32, at now: NIODeadline) -> Bool {
        let (count, remaining) = networks.value(for: network, at: now) ?? (0, .minutes(1))
        guard count < limits.evaluationsPerMinute else { return false }
        networks.insert(count + 1, for: network, until: now + remaining, size: 0)
        return true
    }
}

extension DNSAnswer {
    /// Bytes it takes, more or less.
    var size: Int {
        switch self {
        case .addresses(let addresses): addresses.count * MemoryLayout<SPFAddress>.stride
        case .exchanges(let strings), .names(let strings), .texts(let strings):
            strings.reduce(0) { $0 + 48 + $1.count }
        case .noSuchName, .noData, .temporaryError: 0
        }
    }
}
