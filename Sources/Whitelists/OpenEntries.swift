/// Entries that may match, by facts that aren't known, in their order, and the first that certainly does.
struct OpenEntries {
    /// The entries before `last`.
    private(set) var entries: [(match: Whitelist.Match, condition: OpenCondition)] = []
    /// The first that certainly matches; nil for none.
    var last: Whitelist.Match?

    /// How many combinations of facts are tried, at most; and how many facts are looked at in doing so.
    private static let (combinationLimit, workLimit) = (512, 16_384)

    mutating func append(_ match: Whitelist.Match, _ condition: OpenCondition) {
        entries.append((match, condition))
    }

    /// What the whitelist says: decided where what isn't known makes no difference.
    ///
    /// Each combination of what isn't known is tried, as far as there aren't too many; then all of it counts as needed, which
    /// is never wrong.
    ///
    /// - Parameter facts: those that the entries depend on
    consuming func finding(_ facts: OpenFacts) -> Whitelist.Finding {
        while let entry = entries.last, entry.match.effect == last.effect { entries.removeLast() }
        guard !entries.isEmpty else { return .decided(last) }
        let unknowns = Unknown.all(of: entries.map(\.condition), facts.facts)
        let count = unknowns.reduce(1) { min($0 * ($1.states?.count ?? Self.combinationLimit + 1), 1 << 20) }
        let work = count * entries.reduce(0) { $0 + $1.condition.count }
        guard count <= Self.combinationLimit, work <= Self.workLimit else {
            return .needs(FactNeeds(unknowns), otherwise: decides(0))
        }
        let effects = (0..<count).map { decides(Unknown.facts(of: $0, unknowns)).effect }
        var needed: [Unknown] = []
        var stride = 1
        for unknown in unknowns {
            let states = unknown.states?.count ?? 1
            // Against the same combination with this one in its first state.
            let matters = effects.indices.contains { effects[$0] != effects[$0 - $0 / stride % states * stride] }
            if matters { needed.append(unknown) }
            stride *= states
        }
        return needed.isEmpty ? .decided(decides(0)) : .needs(FactNeeds(needed), otherwise: decides(0))
    }

    /// The entry that decides where those facts hold.
    private func decides(_ facts: UInt64) -> Whitelist.Match? {
        entries.first { $0.condition.holds(facts) }?.match ?? last
    }
}

extension Whitelist.Match? {
    /// What becomes of the mail: without an entry it is greylisted as usual.
    var effect: WhitelistEntry.Effect { self?.effect ?? .greylist }
}

/// Something that can be asked once, and whose answer says whether several facts hold.
private struct Unknown {
    /// What is asked: a list, or SPF where nil.
    let zone: DNSList.Zone?
    /// Which of the facts hold together, a bit each: first none, as if there were no answer; nil where there are too many
    /// possibilities.
    let states: [UInt64]?

    /// The most facts of one list that are looked at together.
    private static let factLimit = 8

    /// What has to be asked to know all facts of these conditions.
    static func all(of conditions: [OpenCondition], _ facts: [Condition.Fact]) -> [Unknown] {
        var used: Set<Int> = []
        for condition in conditions { condition.collect(into: &used) }
        var (ofSPF, ofLists) = ([Int](), [(zone: DNSList.Zone, numbers: [Int])]())
        for number in used.sorted() {
            guard case .listed(let list) = facts[number] else {
                ofSPF.append(number)
                continue
            }
            if let index = ofLists.firstIndex(where: { $0.zone == list.zone }) {
                ofLists[index].numbers.append(number)
            } else {
                ofLists.append((list.zone, [number]))
            }
        }
        let isCountable = used.allSatisfy { $0 < UInt64.bitWidth }
        return (ofSPF.isEmpty ? [] : [Unknown(zone: nil, states: isCountable ? spfStates(ofSPF, facts) : nil)])
            + ofLists.map { zone, numbers in
                Unknown(zone: zone, states: isCountable ? listStates(numbers, facts) : nil)
            }
    }

    /// Any result, a pass that is a proof or isn't, and a guess without a record.
    private static func spfStates(_ numbers: [Int], _ facts: [Condition.Fact]) -> [UInt64] {
        let outcomes =
            Condition.SPFResult.allCases.map { ($0, false) } + [(Condition.SPFResult.pass, true), (.none, true)]
        var states: [UInt64] = [0]
        for (result, isProof) in outcomes {
            let state = bits(numbers.filter { facts[$0] == .spf(result) || isProof && facts[$0] == .proof(.spf) })
            if !states.contains(state) { states.append(state) }
        }
        return states
    }

    /// Any set of answers: those facts hold together each of which has an answer that is none of the others'.
    private static func listStates(_ numbers: [Int], _ facts: [Condition.Fact]) -> [UInt64]? {
        guard numbers.count <= factLimit else { return nil }
        let answers = numbers.map { number in
            guard case .listed(let list) = facts[number] else { preconditionFailure("a fact is not of a list") }
            return list.answers
        }
        return (0..<1 << numbers.count).compactMap { set in
            let others = answers.indices.filter { set >> $0 & 1 == 0 }.map { answers[$0] }
            let isPossible = answers.indices.allSatisfy { index in
                guard set >> index & 1 != 0 else { return true }
                let sample = answers[index].sample(avoiding: others)
                return !others.contains { $0.match(sample) }
            }
            return isPossible ? bits(numbers.indices.filter { set >> $0 & 1 != 0 }.map { numbers[$0] }) : nil
        }
    }

    private static func bits(_ numbers: [Int]) -> UInt64 {
        numbers.reduce(0) { $0 | 1 << UInt64($1) }
    }

    /// The facts that hold in a combination of states, all of which are counted.
    static func facts(of combination: Int, _ unknowns: [Unknown]) -> UInt64 {
        var (rest, facts) = (combination, UInt64(0))
        for case let states? in unknowns.map(\.states) {
            facts |= states[rest % states.count]
            rest /= states.count
        }
        return facts
    }
}

extension OpenCondition {
    /// Adds the numbers of the facts that it looks at.
    fileprivate func collect(into numbers: inout Set<Int>) {
        switch self {
        case .fact(let number): numbers.insert(number)
        case .all(let parts), .any(let parts): for part in parts { part.collect(into: &numbers) }
        case .not(let part): part.collect(into: &numbers)
        }
    }
}

extension FactNeeds {
    fileprivate init(_ unknowns: [Unknown]) {
        for unknown in unknowns {
            if let zone = unknown.zone { lists.append(zone) } else { spf = true }
        }
    }
}
