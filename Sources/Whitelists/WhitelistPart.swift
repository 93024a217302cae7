import Greylist
import Policy

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
    /// How many regular expressions it has.
    package let expressions: ExpressionCount

    init(emptying builder: inout WhitelistBuilder) {
        tables = IndexTables(emptying: &builder.tables)
        unindexed = builder.unindexed
        conditions = builder.conditions
        expiries = builder.expiries
        effects = builder.effects
        kinds = builder.kinds
        locations = builder.locations
        expressions = builder.expressions
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
