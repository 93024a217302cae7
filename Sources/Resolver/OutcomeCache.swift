import NIOCore
import SPF

/// Outcomes of SPF evaluations, by all that each depends on.
///
/// Under the key of domain and client lies either an outcome that holds for every sender and HELO name, or what the
/// outcomes of that domain depend on; then they lie under longer keys.
struct OutcomeCache {
    private enum Entry {
        case outcome(SPFOutcome)
        case depends(SPFDependencies)
    }

    private var entries: BoundedCache<SPFSubject.Key, Entry>

    init(_ limits: CacheLimits) {
        entries = BoundedCache(limits)
    }

    var count: Int { entries.count }
    var bytes: Int { entries.bytes }

    /// The outcome for a subject, and how long it still holds.
    func outcome(for subject: SPFSubject, at now: NIODeadline) -> (outcome: SPFOutcome, remaining: TimeAmount)? {
        guard let key = subject.key, let found = entries.value(for: key, at: now) else { return nil }
        switch found.value {
        case .outcome(let outcome): return (outcome, found.remaining)
        case .depends(let dependencies):
            guard let key = subject.key(dependencies), let found = entries.value(for: key, at: now),
                case .outcome(let outcome) = found.value
            else { return nil }
            return (outcome, found.remaining)
        }
    }

    /// The key under which an outcome for the subject would be found.
    func key(for subject: SPFSubject, at now: NIODeadline) -> SPFSubject.Key? {
        guard let key = subject.key, case .depends(let dependencies) = entries.value(for: key, at: now)?.value else {
            return subject.key
        }
        return subject.key(dependencies)
    }

    /// Keeps an outcome for a while.
    mutating func insert(_ outcome: SPFOutcome, for subject: SPFSubject, at now: NIODeadline, lifetime: TimeAmount) {
        guard lifetime > .zero, let key = subject.key else { return }
        var dependencies = outcome.dependencies
        guard !dependencies.isEmpty else {
            entries.insert(.outcome(outcome), for: key, until: now + lifetime, size: outcome.size + key.size)
            return
        }
        // What others depend on is kept, too: their outcomes lie under keys that have it.
        if case .depends(let earlier) = entries.value(for: key, at: now)?.value { dependencies.formUnion(earlier) }
        entries.insert(
            .depends(dependencies), for: key, until: now + ResolverLimits.longestLifetime, size: 64 + key.size)
        guard let key = subject.key(dependencies) else { return }
        entries.insert(.outcome(outcome), for: key, until: now + lifetime, size: outcome.size + key.size)
    }
}

extension SPFSubject.Key {
    /// Bytes it takes, more or less.
    fileprivate var size: Int { 160 + domain.count + (helo?.count ?? 0) + (localPart?.count ?? 0) }
}

extension SPFOutcome {
    /// Bytes it takes, more or less.
    fileprivate var size: Int {
        let terms = path.reduce(0) { $0 + 200 + $1.domain.count + $1.text.count + ($1.target?.count ?? 0) }
        return 160 + domain.count + terms + (problem?.domain.count ?? 0) + (problem?.term?.count ?? 0)
    }
}
