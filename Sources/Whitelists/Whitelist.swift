public import Greylist
public import Policy

/// Who is greylisted otherwise than the rest, or not at all, by the administrator's word.
///
/// A value: a reload makes a new one and swaps it in whole.
///
/// The first entry that matches decides: the sources in their order, in a source its lists, in a list its entries. What
/// kind an entry is makes no difference.
public struct Whitelist: Sendable {
    /// The entry that decides about a request.
    public struct Match: Sendable {
        fileprivate let part: WhitelistPart
        fileprivate let number: Int

        /// What it does.
        public var effect: WhitelistEntry.Effect { part.effects[number] ?? .pass }
        /// What it looks at; nil where it combines conditions.
        public var kind: Condition.Kind? { part.kinds[number] }
        /// Where it stands: source, line, list, and its name or number in the list.
        public var location: String { part.location(number) }
    }

    /// What a whitelist says of a request, as far as the facts about its client are known.
    public enum Finding: Sendable, Equatable {
        /// This entry decides, or none does; what isn't known makes no difference to what becomes of the mail.
        ///
        /// It may be another entry that matches, too, and has the same effect.
        case decided(Match?)
        /// That has to be found out first; with no answer in time, `otherwise` decides.
        case needs(FactNeeds, otherwise: Match?)

        /// The entry that decides where nothing more is found out: what isn't known isn't so.
        public var match: Match? {
            switch self {
            case .decided(let match), .needs(_, otherwise: let match): match
            }
        }
    }

    private let parts: [WhitelistPart]
    /// Whether any entry depends on facts about the client; else they needn't be found.
    public let dependsOnFacts: Bool

    /// A whitelist of these parts; none by default.
    public init(_ parts: [WhitelistPart] = []) {
        self.parts = parts
        dependsOnFacts = parts.contains(where: \.dependsOnFacts)
    }

    /// A whitelist of entries that are at hand, without lists; `source` begins their locations.
    public init(_ entries: [WhitelistEntry], source: String) {
        var builder = WhitelistBuilder(source: source)
        for entry in entries { builder.add(entry) }
        self.init([builder.finish()])
    }

    /// How many entries there are.
    public var count: Int { parts.reduce(0) { $0 + $1.count } }

    /// The entry that decides about a request of whose client no facts are known: none is so.
    ///
    /// The envelope must be addressed.
    public func match(_ request: PolicyRequest, _ envelope: Envelope, at now: Timestamp) -> Match? {
        for part in parts {
            if let number = part.match(request, envelope, at: now) { return Match(part: part, number: number) }
        }
        return nil
    }

    /// What is said of a request of whose client that much is known: what would be said if all were known, or what has to be
    /// found out for that.
    ///
    /// The envelope must be addressed. Where no entry depends on facts, it is as fast as `match(_:_:at:)`.
    public func match(
        _ request: PolicyRequest, _ envelope: Envelope, at now: Timestamp, knowing facts: ClientFacts
    ) -> Finding {
        guard dependsOnFacts else { return .decided(match(request, envelope, at: now)) }
        var (entries, open) = (OpenEntries(), OpenFacts())
        for part in parts where entries.last == nil {
            let number = part.match(request, envelope, at: now, knowing: facts, &open) { number, condition in
                entries.append(Match(part: part, number: number), condition)
            }
            if let number { entries.last = Match(part: part, number: number) }
        }
        return entries.finding(open)
    }
}

extension Whitelist.Match: Equatable {
    /// Whether both are the same entry of the same reading.
    public static func == (one: Self, other: Self) -> Bool {
        one.part === other.part && one.number == other.number
    }
}

/// An entry of a whitelist, as it was read.
public struct WhitelistEntry: Sendable, Equatable {
    /// What it does where it matches.
    public enum Effect: Sendable, Hashable {
        /// Lets the mail pass.
        case pass
        /// Has it greylisted: an exception to a wider entry after it.
        case greylist
        /// Has it greylisted with a delay of its own, in seconds.
        case delay(Int64)
    }

    /// When it matches.
    public var condition: Condition
    /// What it does.
    public var effect: Effect
    /// From when on it no longer matches; nil for never.
    public var expires: Timestamp?
    /// What the administrator noted.
    public var comment: String?
    /// Its own name, where it has one.
    public var name: String?
    /// Its number in its list, from 0, those that were refused counted too.
    public var index: Int
    /// Its line in the file, from 1; nil where there are no lines.
    public var line: Int?

    /// An entry that lets pass for ever, unless said otherwise.
    public init(
        _ condition: Condition, effect: Effect = .pass, expires: Timestamp? = nil, comment: String? = nil,
        name: String? = nil, index: Int = 0, line: Int? = nil
    ) {
        self.condition = condition
        self.effect = effect
        self.expires = expires
        self.comment = comment
        self.name = name
        self.index = index
        self.line = line
    }
}

/// The entries of one source, indexed so that a look-up costs the same however many there are.
///
/// It never changes: reading the source again makes another one.
public final class WhitelistPart: Sendable {
    let tables: IndexTables
    /// Those that no key indexes, ascending: each request tries them one by one.
    let unindexed: [Int]
    /// What must hold beside the key by which an entry is indexed, by the entry's number; it ends with the last that has
    /// any.
    let conditions: [Condition?]
    let expiries: [Int: Timestamp]
    let effects: [Int: WhitelistEntry.Effect]
    let kinds: [WhitelistEntryKind]
    private let locations: SourceLocations
    /// The entries that depend on facts about the client.
    private let factual: Set<Int>
    /// Those that hold only for an organisation, by its spellings; they are in no other index.
    private let identities: [[UInt8]: [Int]]
    /// What its conditions cost.
    package let counts: ConditionCount

    init(emptying builder: inout WhitelistBuilder) {
        tables = IndexTables(emptying: &builder.tables)
        unindexed = builder.unindexed
        conditions = builder.conditions
        expiries = builder.expiries
        effects = builder.effects
        kinds = builder.kinds
        locations = builder.locations
        factual = builder.factual
        identities = builder.identities
        counts = builder.counts
    }

    /// How many entries there are.
    public var count: Int { locations.count }

    /// Where an entry stands: source, line, list, and its name or number in the list.
    public func location(_ number: Int) -> String { locations.text(number) }

    /// The number of the first entry that matches.
    func match(_ request: PolicyRequest, _ envelope: Envelope, at now: Timestamp) -> Int? {
        // The closure is written here so that it is made without an allocation.
        var best = tables.first(request, envelope, below: count) { accepts($0, request, envelope, at: now) }
        for number in unindexed {
            if number >= best { break }
            if accepts(number, request, envelope, at: now) {
                best = number
                break
            }
        }
        return best < count ? best : nil
    }

    /// Whether any entry depends on facts about the client.
    var dependsOnFacts: Bool { !factual.isEmpty }

    /// The number of the first entry that certainly matches; `body` is told of those before it that may, in their order.
    func match(
        _ request: PolicyRequest, _ envelope: Envelope, at now: Timestamp, knowing facts: ClientFacts,
        _ open: inout OpenFacts, mayMatch body: (Int, OpenCondition) -> Void
    ) -> Int? {
        var found: [Int: OpenCondition] = [:]
        func accepts(_ number: Int) -> Bool {
            guard factual.contains(number), number < conditions.count, let condition = conditions[number] else {
                return self.accepts(number, request, envelope, at: now)
            }
            if let end = expiries[number], now >= end { return false }
            switch condition.truth(for: request, envelope, tables.patterns, facts, &open) {
            case .known(let holds): return holds
            case .open(let condition):
                found[number] = condition
                return false
            }
        }
        var best = tables.first(request, envelope, below: count, where: accepts)
        for numbers in [identities[facts.organisation] ?? [], unindexed] {
            best = numbers.first { $0 >= best || accepts($0) }.map { min($0, best) } ?? best
        }
        for (number, condition) in found.sorted(by: { $0.key < $1.key }) where number < best { body(number, condition) }
        return best < count ? best : nil
    }

    /// Whether an entry whose key the request has matches indeed.
    private func accepts(
        _ number: Int, _ request: PolicyRequest, _ envelope: Envelope, at now: Timestamp
    ) -> Bool {
        if !expiries.isEmpty, let end = expiries[number], now >= end { return false }
        guard number < conditions.count, let condition = conditions[number] else { return true }
        return condition.holds(for: request, envelope, tables.patterns)
    }
}

/// Who or what an entry is about, in a byte.
typealias WhitelistEntryKind = Condition.Kind?

/// Gathers the entries of a source.
public struct WhitelistBuilder {
    var tables = IndexTables.Draft()
    var unindexed: [Int] = []
    var conditions: [Condition?] = []
    var expiries: [Int: Timestamp] = [:]
    var effects: [Int: WhitelistEntry.Effect] = [:]
    var kinds: [WhitelistEntryKind] = []
    var locations: SourceLocations
    var factual: Set<Int> = []
    var identities: [[UInt8]: [Int]] = [:]
    var counts = ConditionCount()

    /// How many of the entries that had a choice are indexed by a key, under its hash: where two keys share one, both look
    /// more crowded than they are.
    private var crowds: [Int: Int] = [:]

    /// How many entries with one key are many, where there is another key.
    private static let crowd = 16

    /// A builder without entries; `source` begins their locations.
    public init(source: String) {
        locations = SourceLocations(source: source)
    }

    /// How many entries were added.
    public var count: Int { locations.count }

    /// Adds an entry behind all others; `list` is where it stands, nil in a source without lists.
    public mutating func add(_ entry: WhitelistEntry, list: String? = nil) {
        let number = count
        locations.add(entry, list: list)
        kinds.append(entry.condition.kind)
        if let end = entry.expires { expiries[number] = end }
        if entry.effect != .pass { effects[number] = entry.effect }
        if let keys = choice(of: entry.condition.indexChoices) {
            for key in keys.count > 1 ? Array(Set(keys)) : keys { tables.index(number, by: key) }
            note(entry.condition.remainder(besides: keys), of: number)
        } else {
            if let identity = entry.condition.identity {
                for spelling in identity.spellings { identities[Array(spelling.utf8), default: []].append(number) }
            } else {
                unindexed.append(number)
            }
            note(entry.condition, of: number)
        }
        for (subject, pattern) in entry.condition.patterns { tables.note(pattern, of: subject) }
        if entry.condition.hasFacts { factual.insert(number) }
        counts.add(entry.condition)
    }

    private mutating func note(_ condition: Condition?, of number: Int) {
        guard let condition else { return }
        while conditions.count < number { conditions.append(nil) }
        conditions.append(condition)
    }

    /// The narrowest keys by which not too many others are indexed already: these would all have to be tried.
    private mutating func choice(of choices: [[IndexKey]]) -> [IndexKey]? {
        guard choices.count > 1 else { return choices.first }
        let counts = choices.map { keys in keys.map { crowds[$0.hashValue] ?? 0 }.max() ?? 0 }
        let choice = counts.firstIndex { $0 < Self.crowd } ?? counts.indices.min { counts[$0] < counts[$1] }
        guard let choice else { return nil }
        for key in choices[choice] { crowds[key.hashValue, default: 0] += 1 }
        return choices[choice]
    }

    /// The part with all entries, which are no longer in the builder; the regular expressions are compiled here.
    public mutating func finish() -> WhitelistPart {
        WhitelistPart(emptying: &self)
    }
}
