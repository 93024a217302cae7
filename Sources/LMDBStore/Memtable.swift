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

/// Entries that were written and aren't in the tree yet.
struct WriteBuffer: Sendable {
    /// What an entry is found by.
    struct Slot: Hashable {
        let table: Table
        /// As it is stored (`Key.stored`).
        let key: Key

        /// A digest is spread already: eight of its bytes stand for it.
        func hash(into hasher: inout Hasher) {
            switch key {
            case .digest(let digest): hasher.combine(digest.leadingBytes)
            case .text(let text): text.withUnsafeBytes { hasher.combine(bytes: $0) }
            }
        }
    }

    /// What is written, and where.
    struct Entry {
        let slot: Slot
        let record: Record
    }

    private var records: [Slot: Record] = [:]

    var isEmpty: Bool { records.isEmpty }
    var count: Int { records.count }

    subscript(slot: Slot) -> Record? {
        get { records[slot] }
        set { records[slot] = newValue }
    }

    /// Writes an entry, and returns the one that was there.
    mutating func replace(_ slot: Slot, with record: Record) -> Record? {
        records.updateValue(record, forKey: slot)
    }

    /// Writes another one over it.
    mutating func add(_ newer: WriteBuffer) {
        for (slot, record) in newer.records { records[slot] = record }
    }

    /// Forgets everything, and keeps the room for as much.
    mutating func removeAll() {
        records.removeAll(keepingCapacity: true)
    }

    /// The entries, those of each table in the order of the tree.
    func sorted() -> [Entry] {
        let entries = records.map { Entry(slot: $0.key, record: $0.value) }
        // Numbers are moved about instead of the entries.
        return entries.indices.map { (head: entries[$0].slot.key.head, index: $0) }
            .sorted {
                $0.head == $1.head
                    ? entries[$0.index].slot.key.precedes(entries[$1.index].slot.key) : $0.head < $1.head
            }
            .map { entries[$0.index] }
    }
}

extension Key {
    /// Whether LMDB has it before the other one.
    func precedes(_ other: Key) -> Bool {
        withStoredBytes { left in other.withStoredBytes { right in left.lexicographicallyPrecedes(right) } }
    }

    /// The first eight of its bytes as a number, zeros where there are none: of two keys whose numbers differ, LMDB has
    /// that with the smaller one first.
    fileprivate var head: UInt64 {
        if case .digest(let digest) = self { return digest.leadingBytes }
        return withStoredBytes { bytes in
            if bytes.count >= 8 { return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
            return bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(56 - 8 * $1.offset) }
        }
    }
}
