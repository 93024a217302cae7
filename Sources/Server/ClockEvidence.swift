import Greylist
import NIOConcurrencyHelpers
import Storage

/// What the entries of a store tell of the clock at the start of the daemon.
///
/// A machine may come up with a clock that is far ahead, and then everything looks expired. A store that is in use has
/// entries of the last days; where it has some and all of them are older than a week, nothing is removed for a day. That
/// costs room, which is bounded, where the daemon was out of use for as long; the other way round it would cost every entry.
/// A clock that is behind removes nothing.
final class ClockEvidence: Sendable {
    /// A store in use has an entry that is no older, in seconds.
    private static let week: Int64 = 7 * 86_400
    /// How long nothing is removed.
    private static let pause = Duration.seconds(86_400)
    private static let slice = 1_000

    private let start: Timestamp
    private let origin: ContinuousClock.Instant
    private let uptime: @Sendable () -> ContinuousClock.Instant
    private let trusted = NIOLockedValueBox<Set<Table>>([])

    /// - Parameters:
    ///   - start: what the clock said when the daemon was started: what it has written since is no evidence
    ///   - uptime: a clock that doesn't jump
    init(at start: Timestamp, uptime: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.start = start
        self.uptime = uptime
        origin = uptime()
    }

    /// Why nothing should be removed from a table: a sentence, or nothing where all is well.
    func objection(against table: Table, of store: any Store) async throws(StoreError) -> String? {
        guard !trusted.withLockedValue({ $0.contains(table) }) else { return nil }
        let newest = uptime() - origin < Self.pause ? try await newest(of: table, in: store) : nil
        guard let newest, start.since(newest) > Self.week else {
            trusted.withLockedValue { _ = $0.insert(table) }
            return nil
        }
        let days = start.since(newest) / 86_400
        return "its newest entry was \(days) days old at the start, so the clock may be wrong"
    }

    /// The newest entry of before the start, or one that is new enough; nil where there is none.
    private func newest(of table: Table, in store: any Store) async throws(StoreError) -> Timestamp? {
        var newest: Timestamp?
        var cursor: Cursor?
        repeat {
            let slice = try await store.scan(table, from: cursor, limit: Self.slice)
            for entry in slice.entries where entry.sighting.last < start {
                newest = max(newest ?? entry.sighting.last, entry.sighting.last)
            }
            if let newest, start.since(newest) <= Self.week { return newest }
            cursor = slice.next
        } while cursor != nil
        return newest
    }
}
