import Greylist

/// Gathers the entries of a source.
public struct WhitelistBuilder {
    var tables = IndexTables.Draft()
    var unindexed: [Int] = []
    var conditions: [Condition?] = []
    var expiries: [Int: Timestamp] = [:]
    var effects: [Int: WhitelistEntry.Effect] = [:]
    var kinds: [WhitelistEntryKind] = []
    var locations: SourceLocations
    var expressions = ExpressionCount()

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
            unindexed.append(number)
            note(entry.condition, of: number)
        }
        for (subject, pattern) in entry.condition.patterns { tables.note(pattern, of: subject) }
        expressions.add(entry.condition)
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
