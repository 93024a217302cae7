import Greylist
import Storage

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
