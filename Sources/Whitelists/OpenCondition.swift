import Greylist
import Policy

/// What is left of a condition whose answer depends on facts that aren't known.
indirect enum OpenCondition {
    /// The fact of that number holds.
    case fact(Int)
    case all([OpenCondition])
    case any([OpenCondition])
    case not(OpenCondition)

    /// Whether it holds where those facts do whose bits are set, and no others.
    func holds(_ facts: UInt64) -> Bool {
        switch self {
        case .fact(let number): number < UInt64.bitWidth && facts >> UInt64(number) & 1 != 0
        case .all(let parts): parts.allSatisfy { $0.holds(facts) }
        case .any(let parts): parts.contains { $0.holds(facts) }
        case .not(let part): !part.holds(facts)
        }
    }

    /// How many facts it looks at, one as often as it stands there.
    var count: Int {
        switch self {
        case .fact: 1
        case .all(let parts), .any(let parts): parts.reduce(0) { $0 + $1.count }
        case .not(let part): part.count
        }
    }
}

/// The facts that open conditions depend on, each with a number.
struct OpenFacts {
    private(set) var facts: [Condition.Fact] = []
    private var numbers: [Condition.Fact: Int] = [:]

    mutating func number(of fact: Condition.Fact) -> Int {
        if let number = numbers[fact] { return number }
        numbers[fact] = facts.count
        facts.append(fact)
        return facts.count - 1
    }
}

extension Condition {
    /// Whether it holds, as far as that is known.
    enum Truth {
        case known(Bool)
        case open(OpenCondition)
    }

    /// Whether it holds for a request of whose client that much is known; `open` has the facts that it depends on.
    func truth(
        for request: PolicyRequest, _ envelope: Envelope, _ patterns: IndexTables.Patterns, _ facts: ClientFacts,
        _ open: inout OpenFacts
    ) -> Truth {
        switch self {
        case .fact(let fact):
            if let holds = facts.holds(fact) { return .known(holds) }
            // All that may be unknown of an identity is whether SPF proves it.
            if case .identity = fact { return .open(.fact(open.number(of: .proof(.spf)))) }
            return .open(.fact(open.number(of: fact)))
        case .not(let part):
            switch part.truth(for: request, envelope, patterns, facts, &open) {
            case .known(let holds): return .known(!holds)
            case .open(let rest): return .open(.not(rest))
            }
        case .all(let parts), .any(let parts):
            let isAll = if case .all = self { true } else { false }
            var rest: [OpenCondition] = []
            for part in parts {
                switch part.truth(for: request, envelope, patterns, facts, &open) {
                // One that doesn't hold, or of which one is enough, settles it.
                case .known(let holds): if holds != isAll { return .known(holds) }
                case .open(let part): rest.append(part)
                }
            }
            guard rest.count > 1 else { return rest.first.map(Truth.open) ?? .known(isAll) }
            return .open(isAll ? .all(rest) : .any(rest))
        default:
            return .known(holds(for: request, envelope, patterns))
        }
    }
}
