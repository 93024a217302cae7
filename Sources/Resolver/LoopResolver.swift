public import NIOCore
public import SPF

/// The resolver as one event loop sees it, with a small cache of its own: what that knows takes no lock.
///
/// It belongs to its loop: it is used there, and calls back there.
public final class LoopResolver {
    private let resolver: DNSResolver
    private let eventLoop: any EventLoop
    private var outcomes = OutcomeCache(ResolverLimits.loopCache)
    private var answers = BoundedCache<DNSQuestion, DNSAnswer>(ResolverLimits.loopCache)
    private var checks: [UInt64: (subject: SPFSubject, done: (SPFCheck) -> Void)] = [:]
    private var lookups: [UInt64: (question: DNSQuestion, done: (DNSAnswer) -> Void)] = [:]
    private var next: UInt64 = 0
    /// How often this loop knew what it was asked, outcomes and answers, and how often the resolver had to be asked.
    public private(set) var cache = CacheCounts()

    /// What `eventLoop` uses; to be made and used there.
    public init(_ resolver: DNSResolver, on eventLoop: any EventLoop) {
        self.resolver = resolver
        self.eventLoop = eventLoop
    }

    /// The outcome for a subject where this loop knows it, without asking.
    public func cached(_ subject: SPFSubject) -> SPFOutcome? {
        let outcome = outcomes.outcome(for: subject, at: eventLoop.now)?.outcome
        // One that it doesn't know counts when it is asked for.
        if outcome != nil { cache.hits += 1 }
        return outcome
    }

    /// Checks whether a client may send.
    ///
    /// - Parameter done: is called once, on this loop and never before this returns, within `ResolverOptions.timeout`
    public func check(_ subject: SPFSubject, then done: @escaping (SPFCheck) -> Void) {
        next += 1
        let (number, eventLoop, loopResolver) = (next, eventLoop, NIOLoopBound(self, eventLoop: eventLoop))
        checks[number] = (subject, done)
        guard let outcome = cached(subject) else {
            cache.misses += 1
            let request = ResolverRequest.check(subject) { check, lifetime in
                eventLoop.execute { loopResolver.value.conclude(number, check, lifetime) }
            }
            resolver.submit(request)
            return
        }
        eventLoop.execute { loopResolver.value.conclude(number, .outcome(outcome), .zero) }
    }

    /// The answer to a question where this loop knows it, without asking.
    public func cachedAnswer(to question: DNSQuestion) -> DNSAnswer? {
        let answer = answers.value(for: question, at: eventLoop.now)?.value
        if answer != nil { cache.hits += 1 }
        return answer
    }

    /// Asks a question.
    ///
    /// - Parameter done: is called once, on this loop and never before this returns, within `ResolverOptions.timeout`
    public func look(up question: DNSQuestion, then done: @escaping (DNSAnswer) -> Void) {
        next += 1
        let (number, eventLoop, loopResolver) = (next, eventLoop, NIOLoopBound(self, eventLoop: eventLoop))
        lookups[number] = (question, done)
        guard let answer = cachedAnswer(to: question) else {
            cache.misses += 1
            let request = ResolverRequest.look(question) { answer, lifetime in
                eventLoop.execute { loopResolver.value.conclude(number, answer, lifetime) }
            }
            resolver.submit(request)
            return
        }
        eventLoop.execute { loopResolver.value.conclude(number, answer, .zero) }
    }

    /// Keeps what came, unless it holds for no time, and tells who waits.
    private func conclude(_ number: UInt64, _ check: SPFCheck, _ lifetime: TimeAmount) {
        guard let (subject, done) = checks.removeValue(forKey: number) else { return }
        if case .outcome(let outcome) = check {
            outcomes.insert(outcome, for: subject, at: eventLoop.now, lifetime: lifetime)
        }
        done(check)
    }

    private func conclude(_ number: UInt64, _ answer: DNSAnswer, _ lifetime: TimeAmount) {
        guard let (question, done) = lookups.removeValue(forKey: number) else { return }
        if lifetime > .zero {
            let longest = min(lifetime, ResolverLimits.longestLifetime)
            answers.insert(
                answer, for: question, until: eventLoop.now + longest, size: 160 + question.name.count + answer.size)
        }
        done(answer)
    }
}
