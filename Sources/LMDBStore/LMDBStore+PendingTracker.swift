import Greylist
import Storage

extension LMDBStore {
    /// Keeps the limiter of pending entries of a database, and does what is to be done for it in small slices: counting
    /// those that were there before, and removing those that were dropped.
    final class PendingTracker: @unchecked Sendable {  // guarded by: LMDBStore uses it on its storage thread alone
        /// Entries in a slice: less than a millisecond.
        private static let slice = 1_000

        var limiter: PendingLimiter
        private var rules = Rules()
        /// The time of the last query.
        private var now = Timestamp(seconds: 0)
        /// Entries of before this moment are counted as the walk comes to them, the others as they are written.
        private var start: Timestamp?
        /// Where the walk goes on.
        private var position: [UInt8]?
        private var isCounted = false
        /// Whether this round of the walk has removed anything.
        private var hasRemoved = false

        init() {
            limiter = PendingLimiter(rules: rules)
        }

        /// Whether a walk begins: what is to be counted or removed has to be in the tree.
        var isAtBeginning: Bool { position == nil }

        /// Whether there is something to do.
        var hasBackgroundTask: Bool { start != nil && (!isCounted || limiter.droppedCount > 0) }

        /// Takes note of the time and the rules of queries, before anything is written for them.
        ///
        /// - Parameters:
        ///   - batch: of one turn of a loop: all have the same rules, and the same time but for a moment
        ///   - isWhole: whether everything is in the tree
        func follow(_ batch: [StoreQuery], in transaction: borrowing Transaction, isWhole: Bool) throws(LMDBError) {
            guard let query = batch.first else { return }
            now = query.time
            rules = query.rules
            guard start == nil || limiter.isOutdated(under: rules) else { return }
            restart()
            let count = try transaction.count(.greylist)
            isCounted = isWhole && count == 0
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

        /// Notes entries that were removed.
        func forget(_ removed: [Record]) {
            for record in removed { limiter.remove(record.sighting, network: record.network) }
            limiter.commit()
        }

        /// Notes entries that were written over by others.
        func note(_ changes: [(Record, Record)]) {
            for (old, new) in changes {
                limiter.remove(old.sighting, network: old.network)
                limiter.add(new.sighting, network: old.network, under: rules)
            }
            limiter.commit()
        }

        /// Does a slice of the walk.
        ///
        /// After a fault it waits for the next query, which finds the same fault and sees to it.
        ///
        /// - Parameter isNewer: whether a key has an entry that isn't in the tree yet, which the one in the tree gives way to
        func walk(_ environment: Environment, isNewer: (UnsafeRawBufferPointer) -> Bool) {
            // A transaction may run twice, as the map may have to grow: what it saw is noted when it is through.
            let result = Result { () throws(LMDBError) in
                try environment.write { (transaction) throws(LMDBError) in try scan(&transaction, isNewer) }
            }
            guard case .success(let slice) = result else { return restart() }
            for record in slice.found { limiter.count(record.sighting, network: record.network, at: now, under: rules) }
            if !slice.removed.isEmpty { hasRemoved = true }
            forget(slice.removed)
            position = slice.next
            if position == nil { endRound() }
        }

        /// What a slice of the walk came to.
        private struct Slice {
            var found: [Record] = []
            var removed: [Record] = []
            var next: [UInt8]?
        }

        private func scan(
            _ transaction: inout Transaction, _ isNewer: (UnsafeRawBufferPointer) -> Bool
        ) throws(LMDBError) -> Slice {
            var slice = Slice()
            var visited = 0
            try transaction.walk(.greylist, from: position) { key, value in
                guard visited < Self.slice else {
                    slice.next = Array(key)
                    return .stop
                }
                visited += 1
                guard let record = Record(value), record.sighting.isPending else { return .keep }
                if !isCounted, let start, record.sighting.first < start { slice.found.append(record) }
                guard limiter.hasDropped(record.sighting), !isNewer(key) else { return .keep }
                slice.removed.append(record)
                return .remove
            }
            return slice
        }
    }
}
