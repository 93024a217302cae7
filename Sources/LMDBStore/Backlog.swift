import Greylist
import Storage

/// What was written and isn't in the tree yet: a look-up goes through `fresh`, `frozen`, and the tree as it was committed
/// last.
struct Backlog {
    /// What the batch that is being judged writes, for the journal.
    var frame = JournalFrame()
    /// What was in `fresh` before the batch wrote it over, in this order.
    private var former: [Former] = []
    /// What came since the tree was last handed something, the batch included.
    private(set) var fresh = Overlay()
    /// What it was handed and hasn't committed yet.
    private(set) var frozen = Overlay()

    private struct Former {
        let place: Overlay.Place
        /// Nil where there was none.
        let record: Record?
    }

    /// Whether there is nothing.
    var isEmpty: Bool { fresh.isEmpty && frozen.isEmpty }

    /// Whether the batch has written something.
    var hasBatch: Bool { !former.isEmpty }

    /// What there is.
    var all: Overlay {
        var all = frozen
        all.add(fresh)
        return all
    }

    /// Whether something is known under these bytes of a key.
    func has(_ table: Table, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !isEmpty else { return false }
        let place = Overlay.Place(table: table, key: Key(bytes: bytes))
        return (fresh[place] ?? frozen[place]) != nil
    }

    func read(_ key: Key, in table: Table, _ tree: borrowing Transaction) throws(LMDBFault) -> Record? {
        let place = Overlay.Place(table: table, key: key.stored)
        if let record = fresh[place] ?? frozen[place] { return record }
        return try tree.read(key, in: table)
    }

    mutating func write(_ record: Record, _ key: Key, in table: Table) {
        let place = Overlay.Place(table: table, key: key.stored)
        former.append(Former(place: place, record: fresh.replace(place, with: record)))
        frame.append(place, record)
    }

    /// The batch is in the journal.
    mutating func keepBatch() {
        former.removeAll(keepingCapacity: true)
        frame.removeAll()
    }

    /// Takes back what the batch has written, and returns it.
    @discardableResult
    mutating func takeBatch() -> Overlay {
        var batch = Overlay()
        for former in former.reversed() {
            if batch[former.place] == nil { batch[former.place] = fresh[former.place] }
            fresh[former.place] = former.record
        }
        keepBatch()
        return batch
    }

    /// Takes in what a journal has that was left.
    mutating func add(_ journal: Overlay) {
        frozen.add(journal)
    }

    /// The tree is handed what is fresh.
    mutating func freeze() {
        swap(&fresh, &frozen)
    }

    /// The tree has what it was handed.
    mutating func forgetFrozen() {
        frozen.removeAll()
    }

    /// The tree has everything, or is another one.
    mutating func forgetAll() {
        fresh.removeAll()
        frozen.removeAll()
    }
}
