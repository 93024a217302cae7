import Greylist

/// What the design says of a mail's attempts, by what is true of its sender: which of them pass.
///
/// It knows no names, records, keys or stores, so that it can be wrong only where it misunderstands the design.
struct Expectation {
    /// A key as the trace knows it.
    enum Key: Hashable {
        /// The network, and the sender address.
        case network(UInt128, Int)
        /// The host's organisation, and the sender address.
        case host(Int)
        /// The sender's organisation, proven.
        case organisation

        /// Whether it is more than a network.
        var isIdentity: Bool {
            switch self {
            case .network: false
            case .host, .organisation: true
            }
        }
    }

    private struct Memory {
        var first: Int64
        var hasPassed = false
    }

    private let sender: TracedSender
    private let rules: Rules
    private var known: [Key: Memory] = [:]

    /// A mail without attempts.
    init(_ sender: TracedSender, under rules: Rules) {
        (self.sender, self.rules) = (sender, rules)
    }

    /// Which keys of the attempt exist when it is answered, and what is expected of it.
    mutating func judge(_ attempt: TracedAttempt) -> (passes: Bool, keys: [Key]) {
        var keys = keysWithoutDNS(attempt)
        let now = Timestamp(milliseconds: attempt.time).seconds
        if isDue(keys, at: now) || sender.isProvenByName { return (remember(keys, at: now), keys) }
        var waited = SimulatedSite.dnsBudget
        if case .answers(let delay) = attempt.dns {
            waited = delay
            if sender.isProvenBySPF { keys.append(.organisation) }
        }
        return (remember(keys, at: Timestamp(milliseconds: attempt.time + waited).seconds), keys)
    }

    /// What a proof of the attempt that comes late adds, with the attempt's own time.
    mutating func learnLateProof(of attempt: TracedAttempt) {
        guard sender.isProvenBySPF else { return }
        _ = remember(keysWithoutDNS(attempt) + [.organisation], at: Timestamp(milliseconds: attempt.time).seconds)
    }

    /// Whether one of these keys is remembered from an earlier attempt.
    func knows(where matches: (Key) -> Bool) -> Bool { known.keys.contains(where: matches) }

    /// Whether an N or O among these keys of an attempt is known for long enough.
    func knowsIdentity(of attempt: TracedAttempt, by keys: [Key]) -> Bool {
        isDue(keys.filter(\.isIdentity), at: Timestamp(milliseconds: attempt.time).seconds)
    }

    private func keysWithoutDNS(_ attempt: TracedAttempt) -> [Key] {
        var keys = [Key.network(attempt.host.network, attempt.senderNumber)]
        if sender.isNamed { keys.append(.host(attempt.senderNumber)) }
        if sender.isProvenByName { keys.append(.organisation) }
        return keys
    }

    /// What is remembered under a key, unless it is of a moment that is still to come.
    private func memory(of key: Key, at now: Int64) -> Memory? {
        known[key].flatMap { $0.hasPassed || $0.first <= now ? $0 : nil }
    }

    private func isDue(_ keys: [Key], at now: Int64) -> Bool {
        let memories = keys.compactMap { memory(of: $0, at: now) }
        return memories.contains { $0.hasPassed || now - $0.first >= rules.delay - rules.leeway }
    }

    /// Says whether an attempt with these keys passes, and takes note of it.
    private mutating func remember(_ keys: [Key], at now: Int64) -> Bool {
        let passes = isDue(keys, at: now)
        let first = keys.compactMap { memory(of: $0, at: now)?.first }.min() ?? now
        for key in keys where passes || memory(of: key, at: now) == nil {
            known[key] = Memory(first: first, hasPassed: passes)
        }
        return passes
    }
}
