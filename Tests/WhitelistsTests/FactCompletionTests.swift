import Greylist
import TestSupport
import Testing

@testable import Whitelists

/// What is said while facts are missing is what every completion of them says, and what is needed is what can change it.
@Suite("Whitelists under every completion of the facts")
struct FactCompletionTests {
    /// All that can be said of a client: an index into each list of possibilities.
    private struct World: Hashable {
        static let results: [(Condition.SPFResult?, Bool)] =
            [(nil, false), (.pass, true), (Condition.SPFResult.none, true)]
            + Condition.SPFResult.allCases.map { ($0, false) }
        /// Each pattern of the conditions has an answer that is none of the others'.
        static let answers: [[UInt32]] = [
            [], [0x7f09_0909], [0x7f00_0203], [0x7f09_0909, 0x7f00_0203], [0x7f00_0102], [0x7f00_0102, 0x7f00_0203],
        ]
        static let zones = ["l.example", "m.example"]

        var spf: Int?
        var lists: [Int?] = [nil, nil]

        /// The possibilities of what isn't known.
        var completions: [World] {
            var worlds = [self]
            if spf == nil { worlds = Self.results.indices.map { World(spf: $0, lists: lists) } }
            for list in lists.indices where lists[list] == nil {
                worlds = worlds.flatMap { world in
                    Self.answers.indices.map { answer in
                        var world = world
                        world.lists[list] = answer
                        return world
                    }
                }
            }
            return worlds
        }

        /// The same with what another one says of those.
        func knowing(_ needs: FactNeeds, of other: World) -> World {
            var world = self
            if needs.spf { world.spf = other.spf }
            for (index, name) in Self.zones.enumerated() where needs.lists.contains(FactMatchingTests.zone(name)) {
                world.lists[index] = other.lists[index]
            }
            return world
        }

        var facts: ClientFacts {
            FactMatchingTests.facts { facts in
                if let spf {
                    let (result, isProof) = Self.results[spf]
                    facts.spf = result.map { .known($0, isProof: isProof) } ?? .unavailable
                }
                for (index, name) in Self.zones.enumerated() {
                    if let list = lists[index] { facts.note(Self.answers[list], of: FactMatchingTests.zone(name)) }
                }
            }
        }

        /// Whether a condition of the tests holds in a world of which all is known.
        func holds(_ condition: Condition) -> Bool {
            switch condition {
            case .all(let parts): parts.allSatisfy(holds)
            case .any(let parts): parts.contains(where: holds)
            case .not(let part): !holds(part)
            case .fact(.spf(let result)): Self.results[spf ?? 0].0 == result
            case .fact(.proof(.spf)), .fact(.identity): Self.results[spf ?? 0].1
            case .fact(.listed(let list)):
                Self.answers[lists[Self.zones.firstIndex(of: list.zone.name) ?? 0] ?? 0].contains { answer in
                    switch list.answers.description {
                    case "127.*.*.*": true
                    case "127.0.*.3": answer & 0xffff_00ff == 0x7f00_0003
                    case "127.0.1.*": answer & 0xffff_ff00 == 0x7f00_0100
                    default: false
                    }
                }
            case .senderDomain(let domain): domain == FactMatchingTests.domain("example.org")
            default: false
            }
        }

        /// What becomes of the mail.
        func effect(_ entries: [(Condition, WhitelistEntry.Effect)]) -> WhitelistEntry.Effect {
            entries.first { holds($0.0) }?.1 ?? .greylist
        }
    }

    private struct Material {
        var random: SeededRandom

        mutating func pick(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

        mutating func condition(_ depth: Int) -> Condition {
            switch pick(0..<(depth == 0 ? 7 : 12)) {
            case 0: return .fact(.spf(Condition.SPFResult.allCases[pick(0..<7)]))
            case 1: return .fact(.proof(.spf))
            case 2: return .fact(.identity(FactMatchingTests.domain("example.org")))
            case 3, 4, 5:
                let pattern = ["127.*.*.*", "127.0.*.3", "127.0.1.*"][pick(0..<3)]
                return FactMatchingTests.list(World.zones[pick(0..<2)], pattern)
            case 6:
                return .senderDomain(FactMatchingTests.domain(["example.org", "other.example"][pick(0..<2)]))
            case 7, 8: return .all((0...pick(0..<3)).map { _ in condition(depth - 1) })
            case 9, 10: return .any((0...pick(0..<3)).map { _ in condition(depth - 1) })
            default: return .not(condition(depth - 1))
            }
        }

        mutating func entries() -> [(Condition, WhitelistEntry.Effect)] {
            (0...pick(0..<4)).map { _ in (condition(3), [.pass, .pass, .greylist, .delay(60)][pick(0..<4)]) }
        }

        mutating func world() -> World {
            World(
                spf: pick(0..<2) == 0 ? nil : pick(0..<World.results.count),
                lists: (0..<2).map { _ in pick(0..<2) == 0 ? nil : pick(0..<World.answers.count) })
        }
    }

    @Test(
        "what is decided is so in all of them; what isn't differs in two, by each fact that is needed and by no other")
    func agree() throws {
        var material = Material(random: SeededRandom(seed: 7))
        var (decided, needed) = (0, 0)
        for _ in 0..<600 {
            let entries = material.entries()
            let whitelist = FactMatchingTests.whitelist(entries)
            for known in [World(), material.world(), material.world()] {
                let worlds = known.completions
                let effects = Dictionary(uniqueKeysWithValues: worlds.map { ($0, $0.effect(entries)) })
                let finding = try FactMatchingTests.finding(whitelist, known.facts)
                let comment = Comment(rawValue: "\(entries) knowing \(known)")
                switch finding {
                case .decided(let match):
                    decided += 1
                    #expect(Set(effects.values) == [match.effect], comment)
                case .needs(let needs, let otherwise):
                    needed += 1
                    #expect(Set(effects.values).count > 1, comment)
                    var nothing = known
                    (nothing.spf, nothing.lists) = (known.spf ?? 0, known.lists.map { $0 ?? 0 })
                    #expect(effects[nothing] == otherwise.effect, comment)
                    try check(needs, of: whitelist, knowing: known, effects, comment)
                }
            }
        }
        #expect(decided > 200 && needed > 200, "\(decided) \(needed)")
    }

    /// Each of these can change the effect, nothing else can, and knowing them decides.
    private func check(
        _ needs: FactNeeds, of whitelist: Whitelist, knowing known: World,
        _ effects: [World: WhitelistEntry.Effect], _ comment: Comment
    ) throws {
        // Worlds that are the same but for one fact.
        let matters: [Bool] = [\World.spf, \World.lists[0], \World.lists[1]].map { fact in
            var first: [World: WhitelistEntry.Effect] = [:]
            return effects.contains { world, effect in
                var rest = world
                rest[keyPath: fact] = nil
                if let other = first[rest] { return other != effect }
                first[rest] = effect
                return false
            }
        }
        let zones = World.zones.map { needs.lists.contains(FactMatchingTests.zone($0)) }
        #expect(
            [needs.spf && known.spf == nil] + zones == zip(matters, [known.spf] + known.lists).map { $0 && $1 == nil },
            comment)
        for (world, effect) in effects.prefix(20) {
            let finding = try FactMatchingTests.finding(whitelist, known.knowing(needs, of: world).facts)
            guard case .decided(let match) = finding else {
                Issue.record("still open, \(comment)")
                continue
            }
            #expect(match.effect == effect, comment)
        }
    }
}
