import Engine
import Greylist
import Storage

/// The table of identities of a site that is replayed.
struct ReplayIdentities {
    private let rules: FastLaneRules
    /// How many organisations are kept.
    private let most: Int
    private var table: [Key: Sighting] = [:]
    private var organisations = 0
    private var tally = IdentityUpdate.Tally()

    /// An empty table.
    init(under rules: FastLaneRules, most: Int) {
        (self.rules, self.most) = (rules, most)
    }

    /// What it has under these keys.
    func find(_ keys: [Key]) -> [Sighting?] { keys.map { table[$0] } }

    /// Takes note of something.
    mutating func take(_ event: IdentityEvent, at now: Timestamp) {
        let update = IdentityUpdate([event], under: rules, keys: .hashed)
        let changes = update.changes(
            after: find(update.keys), at: now, hasRoom: organisations < most,
            under: IdentityUpdate.Bounds(perUser: .max, perSite: .max), counting: &tally)
        for key in changes.outdated { write(nil, key) }
        for entry in changes.entries { write(entry.sighting, entry.key) }
    }

    private mutating func write(_ sighting: Sighting?, _ key: Key) {
        let former = table[key]
        table[key] = sighting
        guard IdentityRecord(key) == .days, (former == nil) != (sighting == nil) else { return }
        organisations += sighting == nil ? -1 : 1
    }

    /// From now on an organisation has what it takes to earn the fast lane.
    mutating func assumeEarned(_ organisation: [UInt8], at now: Timestamp) {
        for (key, count) in [
            (Key.days(of: organisation), rules.earnDays), (Key.recipients(of: organisation), rules.earnRecipients),
        ] {
            write(
                Sighting(passes: max(count, table[key]?.passes ?? 0), first: table[key]?.first ?? now, last: now), key)
        }
    }

    /// Whether an organisation has earned the fast lane, if it is proven well enough.
    func hasEarned(_ organisation: [UInt8], at now: Timestamp) -> Bool {
        var standing = Standing()
        standing.days = table[.days(of: organisation)]
        standing.recipients = table[.recipients(of: organisation)]
        return standing.merit(at: now, under: rules, isTrusted: true) == .earned
    }
}
