import Greylist
import Storage

/// Entries that were written and aren't in the tree yet.
struct Overlay: Sendable {
    private var greylist: [Key: Record] = [:]
    private var autoWhitelist: [Key: Record] = [:]

    var isEmpty: Bool { greylist.isEmpty && autoWhitelist.isEmpty }
    var count: Int { greylist.count + autoWhitelist.count }

    /// The record under a key as it is stored (`Key.stored`).
    subscript(table: Table, key: Key) -> Record? {
        get { table == .greylist ? greylist[key] : autoWhitelist[key] }
        set {
            if table == .greylist { greylist[key] = newValue } else { autoWhitelist[key] = newValue }
        }
    }

    /// Writes another one over it.
    mutating func add(_ newer: Overlay) {
        greylist.merge(newer.greylist) { $1 }
        autoWhitelist.merge(newer.autoWhitelist) { $1 }
    }

    /// The entries of a table in the order of the tree, from the first one at or after `start`.
    func sorted(_ table: Table, from start: [UInt8]? = nil) -> [(key: Key, record: Record)] {
        var entries = (table == .greylist ? greylist : autoWhitelist).map { (key: $0.key, record: $0.value) }
        if let start { entries.removeAll { $0.key.precedes(.text(start)) } }
        entries.sort { $0.key.precedes($1.key) }
        return entries
    }
}

extension Key {
    /// Whether LMDB has it before the other one.
    func precedes(_ other: Key) -> Bool {
        withStoredBytes { left in other.withStoredBytes { right in left.lexicographicallyPrecedes(right) } }
    }
}
