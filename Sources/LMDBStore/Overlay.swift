import Greylist
import Storage

/// Entries that were written and aren't in the tree yet.
struct Overlay: Sendable {
    /// What an entry is found by.
    struct Place: Hashable {
        let table: Table
        /// As it is stored (`Key.stored`).
        let key: Key

        /// A digest is spread already: eight of its bytes stand for it.
        func hash(into hasher: inout Hasher) {
            switch key {
            case .digest: hasher.combine(key.head)
            case .text(let text): text.withUnsafeBytes { hasher.combine(bytes: $0) }
            }
        }
    }

    private var records: [Place: Record] = [:]

    var isEmpty: Bool { records.isEmpty }
    var count: Int { records.count }

    subscript(place: Place) -> Record? {
        get { records[place] }
        set { records[place] = newValue }
    }

    /// Writes another one over it.
    mutating func add(_ newer: Overlay) {
        records.merge(newer.records) { $1 }
    }

    /// Forgets everything, and keeps the room for as much.
    mutating func removeAll() {
        records.removeAll(keepingCapacity: true)
    }

    /// The entries, those of each table in the order of the tree.
    func sorted() -> [(place: Place, record: Record)] {
        records.map { (head: $0.key.key.head, entry: $0) }
            .sorted { $0.head == $1.head ? $0.entry.key.key.precedes($1.entry.key.key) : $0.head < $1.head }
            .map { (place: $0.entry.key, record: $0.entry.value) }
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
        withStoredBytes { bytes in
            if bytes.count >= 8 { return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
            return bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(56 - 8 * $1.offset) }
        }
    }
}
