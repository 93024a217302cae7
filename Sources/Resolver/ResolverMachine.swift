import NIOCore
import SPF

/// All that a resolver decides: which questions go to the servers, which SPF evaluations are made, who gets what.
///
/// A pure machine: it asks nobody, runs no timer and reads no clock. What it returns is for its owner to do.
///
/// - `Caller`: who waits for an answer or an outcome; each gets exactly one, of the kind that was asked for
struct ResolverMachine<Caller> {
    /// What has to be done.
    enum Action {
        /// A question has to be asked under this number.
        case send(UInt64, DNSQuestion)
        /// The answer to this question isn't wanted any more.
        case cancel(UInt64)
        /// The servers have to be asked by a new context from now on, since the old one holds what they never answered.
        case renew
        /// An answer, and how long it holds.
        case answer(Caller, DNSAnswer, TimeAmount)
        /// An outcome, and how long it holds.
        case conclude(Caller, SPFCheck, TimeAmount)
        /// The DNS has become unavailable, or is back.
        case noteOutage(isDown: Bool)
    }

    private enum Waiter {
        case caller(Caller)
        case evaluation(UInt64)
    }

    private let limits: ResolverLimits
    private var timeout: TimeAmount
    private var queries: DNSQueries<Waiter>
    private var checks: SPFChecks<Caller>
    /// Callers that wait for an answer.
    private var lookingUp = 0
    private var isClosed = false
    private var actions: [Action] = []
    private var made = ResolverCounts()

    init(timeout: TimeAmount, limits: ResolverLimits = ResolverLimits()) {
        self.limits = limits
        self.timeout = timeout
        queries = DNSQueries(limit: limits.queries)
        checks = SPFChecks(limits: limits)
    }

    var counts: ResolverCounts {
        var counts = made
        counts.cache = checks.cache
        counts.isDown = queries.outage.isDown
        counts.queriesInFlight = queries.count
        counts.evaluationsInFlight = checks.count
        return counts
    }

    /// When ``expire(at:)`` has to be called next.
    var nextDeadline: NIODeadline? {
        [queries.nextDeadline, checks.nextDeadline].compactMap(\.self).min()
    }

    /// What has to be done since this was asked for last.
    mutating func takeActions() -> [Action] {
        defer { actions = [] }
        return actions
    }

    /// Answers a caller's question.
    mutating func look(up question: DNSQuestion, for caller: Caller, at now: NIODeadline) {
        if lookingUp + checks.callers >= limits.callers {
            made.note(.tooMany, of: question.type)
        } else if ask(question, for: .caller(caller), at: now) {
            lookingUp += 1
            return
        }
        actions.append(.answer(caller, .temporaryError, .zero))
    }

    /// Answers a caller's check.
    mutating func check(_ subject: SPFSubject, for caller: Caller, at now: NIODeadline) {
        begin(SPFChecks.Request(caller: caller, subject: subject, deadline: now + timeout), at: now)
    }

    /// Takes the answer to a question that was sent; one that isn't waited for any more is dropped.
    ///
    /// - Parameters:
    ///   - answer: nil where what came can't be used
    ///   - lifetime: nil where no record came that says how long it holds
    mutating func answer(_ number: UInt64, _ answer: DNSAnswer?, lifetime: TimeAmount?, at now: NIODeadline) {
        // An answer that can't be used is one nevertheless.
        guard let (question, waiters, change) = queries.answer(number, isError: answer == .temporaryError, at: now)
        else { return }
        made.note(ResolverCounts.QueryOutcome(answer), of: question.type)
        note(change)
        let answer = answer ?? .temporaryError
        let known = answer == .temporaryError ? .zero : lifetime ?? ResolverLimits.shortLifetime
        deliver(answer, to: question, lifetime: known, waiters, at: now)
    }

    /// Ends what is late.
    mutating func expire(at now: NIODeadline) {
        let (late, change) = queries.expire(at: now)
        for query in late {
            made.note(.late, of: query.question.type)
            actions.append(.cancel(query.number))
        }
        // Before those who wait are told: they ask further questions.
        let abandoned = change == .down ? queries.abandon() : []
        note(change)
        for (_, question, waiters) in late { deliver(.temporaryError, to: question, lifetime: .zero, waiters, at: now) }
        fail(abandoned, at: now)
        for finished in checks.expire(at: now) { end(finished, at: now) }
    }

    /// Ends what is under way, since other servers are asked from now on, of which nothing is known.
    mutating func changeServers(timeout: TimeAmount, at now: NIODeadline) {
        self.timeout = timeout
        let abandoned = queries.abandon()
        queries.forgetServers()
        actions.append(.renew)
        fail(abandoned, at: now)
    }

    /// Waits so long for what is asked from now on.
    mutating func change(timeout: TimeAmount) {
        self.timeout = timeout
    }

    /// Ends all there is, for good.
    mutating func close(at now: NIODeadline) {
        isClosed = true
        for finished in checks.abandon() { end(finished, at: now) }
        fail(queries.abandon(), at: now)
    }

    // MARK: - Questions

    /// Whether the question is asked now; else it has to be answered as a temporary error.
    private mutating func ask(_ question: DNSQuestion, for waiter: Waiter, at now: NIODeadline) -> Bool {
        guard !isClosed else { return false }
        switch queries.ask(question, for: waiter, at: now, timeout: timeout) {
        case .waits: return true
        case .send(let number):
            made.queries += 1
            actions.append(.send(number, question))
            return true
        case .refused(.tooMany): made.note(.tooMany, of: question.type)
        case .refused(.down): made.note(.down, of: question.type)
        }
        return false
    }

    private mutating func deliver(
        _ answer: DNSAnswer, to question: DNSQuestion, lifetime: TimeAmount, _ waiters: [Waiter], at now: NIODeadline
    ) {
        for waiter in waiters {
            switch waiter {
            case .caller(let caller):
                lookingUp -= 1
                actions.append(.answer(caller, answer, lifetime))
            case .evaluation(let number):
                let step = checks.resume(number, with: answer, to: question, lifetime: lifetime)
                run(number, step, at: now)
            }
        }
    }

    private mutating func fail(_ abandoned: [(question: DNSQuestion, waiters: [Waiter])], at now: NIODeadline) {
        for (question, waiters) in abandoned {
            made.note(.abandoned, of: question.type)
            deliver(.temporaryError, to: question, lifetime: .zero, waiters, at: now)
        }
    }

    /// Each probe is asked by a new context: the old one holds on to servers' failures, and to what they never answered.
    private mutating func note(_ change: OutageDetector.Change) {
        switch change {
        case .none: break
        case .down:
            made.outages += 1
            actions.append(.renew)
            actions.append(.noteOutage(isDown: true))
        case .stillDown: actions.append(.renew)
        case .back: actions.append(.noteOutage(isDown: false))
        }
    }

    // MARK: - Checks

    private mutating func begin(_ request: SPFChecks<Caller>.Request, at now: NIODeadline) {
        let isFull = lookingUp + checks.callers >= limits.callers
        let isDown = isClosed || queries.outage.refuses(at: now)
        switch checks.begin(request, isDown: isDown, isFull: isFull, at: now) {
        case .known(let outcome, let lifetime):
            actions.append(.conclude(request.caller, .outcome(outcome), lifetime))
        case .waits: break
        case .refused(let reason):
            made.note(reason)
            actions.append(.conclude(request.caller, .notAsked(reason), .zero))
        case .begun(let number, let questions):
            made.evaluations += 1
            run(number, .needs(questions), at: now)
        }
    }

    /// Asks what an evaluation needs; what isn't asked is answered at once, which may need more.
    private mutating func run(_ number: UInt64, _ step: SPFChecks<Caller>.Step, at now: NIODeadline) {
        var step = step
        while true {
            switch step {
            case .waits: return
            case .done(let finished):
                end(finished, at: now)
                return
            case .needs(let questions):
                let refused = questions.filter { !ask($0, for: .evaluation(number), at: now) }
                var following: [DNSQuestion] = []
                for question in refused {
                    switch checks.resume(number, with: .temporaryError, to: question, lifetime: .zero) {
                    case .waits: break
                    case .needs(let more): following += more
                    case .done(let finished):
                        end(finished, at: now)
                        return
                    }
                }
                step = following.isEmpty ? .waits : .needs(following)
            }
        }
    }

    private mutating func end(_ finished: SPFChecks<Caller>.Finished, at now: NIODeadline) {
        let (told, others) = checks.conclude(finished, at: now)
        for caller in told { actions.append(.conclude(caller, .outcome(finished.outcome), finished.lifetime)) }
        for request in others { begin(request, at: now) }
    }
}
