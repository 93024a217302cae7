import Greylist
import Storage

/// The position of a walk is a key.
extension PendingTracker<[UInt8]> {
    /// Takes note of the time and the rules of queries, before anything is written for them.
    ///
    /// - Parameters:
    ///   - batch: of one turn of a loop: all have the same rules, and the same time but for a moment
    ///   - isWhole: whether everything is in the tree
    func follow(
        _ batch: [StoreQuery], in transaction: borrowing Transaction, isWhole: Bool
    ) throws(LMDBError) {
        guard let query = batch.first else { return }
        try follow(query) { () throws(LMDBError) in isWhole ? try transaction.count(.greylist) == 0 : false }
    }

    /// Notes entries that were removed.
    func forget(_ removed: [Record]) {
        for record in removed { forget(record.sighting, network: record.network) }
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
    /// After an error it waits for the next query, which meets the same error and deals with it.
    ///
    /// - Parameter isNewer: whether a key has an entry that isn't in the tree yet, which the one in the tree gives way to
    func walk(_ environment: Environment, isNewer: (UnsafeRawBufferPointer) -> Bool) {
        // A transaction may run twice, as the map may have to grow: what it saw is noted when it is through.
        let result = Result { () throws(LMDBError) in
            try environment.write { (transaction) throws(LMDBError) in try scan(&transaction, isNewer) }
        }
        guard case .success(let slice) = result else { return restart() }
        for record in slice.found { count(record.sighting, network: record.network) }
        forget(slice.removed)
        endSlice(at: slice.next, hasRemoved: !slice.removed.isEmpty)
    }

    private func scan(
        _ transaction: inout Transaction, _ isNewer: (UnsafeRawBufferPointer) -> Bool
    ) throws(LMDBError) -> (found: [Record], removed: [Record], next: [UInt8]?) {
        var (found, removed): ([Record], [Record]) = ([], [])
        var next: [UInt8]?
        var visited = 0
        try transaction.walk(.greylist, from: position) { key, value in
            guard visited < Self.slice else {
                next = Array(key)
                return .stop
            }
            visited += 1
            guard let record = Record(value), record.sighting.isPending else { return .keep }
            if isUncounted(record.sighting) { found.append(record) }
            guard limiter.hasDropped(record.sighting), !isNewer(key) else { return .keep }
            removed.append(record)
            return .remove
        }
        return (found, removed, next)
    }
}
