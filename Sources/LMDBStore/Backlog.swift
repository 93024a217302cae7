import Greylist
import Storage

/// What was written and isn't in the tree yet: a look-up goes through the batch that is being judged, `fresh`, `frozen`,
/// and the tree as it was committed last.
struct Backlog {
    /// What the batch that is being judged writes, and the same for the journal.
    private(set) var batch = Overlay()
    var frame = JournalFrame()
    /// What came since the tree was last handed something.
    private(set) var fresh = Overlay()
    /// What it was handed and hasn't committed yet.
    private(set) var frozen = Overlay()

    /// Whether there is nothing, but for the batch.
    var isEmpty: Bool { fresh.isEmpty && frozen.isEmpty }

    /// What there is, but for the batch.
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
        if let record = batch[place] ?? fresh[place] ?? frozen[place] { return record }
        return try tree.read(key, in: table)
    }

    mutating func write(_ record: Record, _ key: Key, in table: Table) {
        let place = Overlay.Place(table: table, key: key.stored)
        batch[place] = record
        frame.append(place, record)
    }

    /// The batch is in the journal.
    mutating func keepBatch() {
        fresh.add(batch)
    }

    /// The batch is over, kept or not.
    mutating func forgetBatch() {
        batch.removeAll()
        frame.removeAll()
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
