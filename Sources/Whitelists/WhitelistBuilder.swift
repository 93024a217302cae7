import Greylist

/// Gathers the entries of a source.
public struct WhitelistBuilder {
    var tables = FilingTables.Draft()
    var loose: [Int] = []
    var conditions: [Int: Condition] = [:]
    var expiries: [Int: Timestamp] = [:]
    var effects: [Int: WhitelistEntry.Effect] = [:]
    var kinds: [WhitelistEntryKind] = []
    var places: PlaceTable

    /// How many entries under one key are many, where there is another key.
    private static let crowd = 16

    /// A builder without entries; `source` begins their places.
    public init(source: String) {
        places = PlaceTable(source: source)
    }

    /// How many entries were added.
    public var count: Int { places.count }

    /// Adds an entry behind all others; `list` is where it stands, nil in a source without lists.
    public mutating func add(_ entry: WhitelistEntry, list: String? = nil) {
        let number = count
        places.add(entry, list: list)
        kinds.append(entry.condition.kind)
        if let end = entry.expires { expiries[number] = end }
        if entry.effect != .pass { effects[number] = entry.effect }
        if let keys = choice(of: entry.condition.filingChoices) {
            for key in keys.count > 1 ? Array(Set(keys)) : keys { tables.file(number, under: key) }
            if !entry.condition.isItsKeys { conditions[number] = entry.condition }
        } else {
            loose.append(number)
            conditions[number] = entry.condition
        }
        for (subject, pattern) in entry.condition.patterns { tables.note(pattern, of: subject) }
    }

    /// The narrowest keys under which not too many others are filed already: these would all have to be tried.
    private func choice(of choices: [[FilingKey]]) -> [FilingKey]? {
        guard choices.count > 1 else { return choices.first }
        let crowds = choices.map { keys in keys.map(tables.count).max() ?? 0 }
        return crowds.firstIndex { $0 < Self.crowd }.map { choices[$0] }
            ?? zip(crowds, choices).min { $0.0 < $1.0 }?.1
    }

    /// The part with all entries; the regular expressions are compiled here.
    public func finish() -> WhitelistPart {
        WhitelistPart(self)
    }
}
