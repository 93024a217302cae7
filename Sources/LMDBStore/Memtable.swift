import Greylist
import Storage

/// What was written and isn't in the tree yet, as in a log-structured store: a look-up goes through `active`, `immutable`,
/// and the tree as it was committed last.
struct Memtable {
    /// What the batch that is being judged writes, for the journal.
    var frame = JournalFrame()
    /// What was in `active` before the batch wrote it over, in this order.
    private var former: [Former] = []
    /// What takes writes: what came since the tree was last handed something, the batch included.
    private(set) var active = WriteBuffer()
    /// What the tree was handed and hasn't committed yet.
    private(set) var immutable = WriteBuffer()

    private struct Former {
        let slot: WriteBuffer.Slot
        /// Nil where there was none.
        let record: Record?
    }

    /// Whether there is nothing.
    var isEmpty: Bool { active.isEmpty && immutable.isEmpty }

    /// Whether the batch has written something.
    var hasBatch: Bool { !former.isEmpty }

    /// What there is.
    var all: WriteBuffer {
        var all = immutable
        all.add(active)
        return all
    }

    /// Whether something is known under these bytes of a key.
    func has(_ table: Table, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !isEmpty else { return false }
        let slot = WriteBuffer.Slot(table: table, key: Key(bytes: bytes))
        return (active[slot] ?? immutable[slot]) != nil
    }

    func read(_ key: Key, in table: Table, _ tree: borrowing Transaction) throws(LMDBError) -> Record? {
        let slot = WriteBuffer.Slot(table: table, key: key.stored)
        if let record = active[slot] ?? immutable[slot] { return record }
        return try tree.read(key, in: table)
    }

    mutating func write(_ record: Record, _ key: Key, in table: Table) {
        let slot = WriteBuffer.Slot(table: table, key: key.stored)
        former.append(Former(slot: slot, record: active.replace(slot, with: record)))
        frame.append(slot, record)
    }

    /// The batch is in the journal.
    mutating func keepBatch() {
        former.removeAll(keepingCapacity: true)
        frame.removeAll()
    }

    /// Takes back what the batch has written, and returns it.
    @discardableResult
    mutating func takeBatch() -> WriteBuffer {
        var batch = WriteBuffer()
        for former in former.reversed() {
            if batch[former.slot] == nil { batch[former.slot] = active[former.slot] }
            active[former.slot] = former.record
        }
        keepBatch()
        return batch
    }

    /// Takes in what a journal has that was left.
    mutating func add(_ journal: WriteBuffer) {
        immutable.add(journal)
    }

    /// The active part becomes the immutable one, which the tree is handed.
    mutating func freeze() {
        swap(&active, &immutable)
    }

    /// The tree has what it was handed.
    mutating func forgetImmutable() {
        immutable.removeAll()
    }

    /// The tree has everything, or is another one.
    mutating func forgetAll() {
        active.removeAll()
        immutable.removeAll()
    }
}
