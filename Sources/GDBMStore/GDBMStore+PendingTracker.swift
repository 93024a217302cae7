import Greylist
import Storage

extension GDBMStore {
    /// Keeps the limiter of pending entries of a database, and does what is to be done for it in small slices: counting
    /// those that were there before, and removing those that were dropped.
    ///
    /// A record doesn't tell its client's network. It is read from a plain key; what stands under a hashed one is
    /// counted among all entries only, and not by network, once this process hasn't written it itself.
    final class PendingTracker: @unchecked Sendable {  // guarded by: GDBMStore uses it on its storage thread alone
        /// Entries in a slice: a few milliseconds.
        private static let slice = 1_000

        var limiter: PendingLimiter
        private var rules = Rules()
        /// The time of the last query.
        private var now = Timestamp(seconds: 0)
        /// Entries of before this moment are counted as the walk comes to them, the others as they are written.
        private var start: Timestamp?
        /// Where the walk goes on.
        private var position: WalkPosition?
        private var isCounted = false
        /// Whether this round of the walk has removed anything.
        private var hasRemoved = false

        init() {
            limiter = PendingLimiter(rules: rules)
        }

        /// Whether there is something to do.
        var hasBackgroundTask: Bool { start != nil && (!isCounted || limiter.droppedCount > 0) }

        /// Takes note of a query's time and rules, before anything is written for it.
        func follow(_ query: StoreQuery) {
            now = query.time
            rules = query.rules
            guard start == nil || limiter.isOutdated(under: rules) else { return }
            restart()
            start = now
        }

        /// Forgets everything: it is another database now.
        func restart() {
            limiter = PendingLimiter(rules: rules)
            start = nil
            position = nil
            isCounted = false
        }

        private func endRound() {
            if isCounted, !hasRemoved { limiter.settleDropped() }
            isCounted = true
            hasRemoved = false
        }

        /// Notes an entry that was removed.
        func forget(_ sighting: Sighting, network: UInt32) {
            limiter.remove(sighting, network: network)
            limiter.commit()
        }

        /// Does a slice of the walk.
        ///
        /// After a fault it waits for the next query, which finds the same fault and sees to it.
        func walk(_ database: Database) {
            do throws(GDBMError) {
                let slice = try database.entries(from: position, limit: Self.slice)
                for entry in slice.entries {
                    guard let sighting = entry.sighting, sighting.isPending else { continue }
                    if !isCounted, let start, sighting.first < start {
                        limiter.count(sighting, network: entry.network, at: now, under: rules)
                    }
                    guard limiter.hasDropped(sighting), try database.remove(entry) else { continue }
                    hasRemoved = true
                    forget(sighting, network: entry.network)
                }
                position = slice.next
                if position == nil { endRound() }
            } catch {
                restart()
            }
        }
    }
}
