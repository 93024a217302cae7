import CLMDB

/// Which journals a tree has taken in already.
///
/// It lies in the tree, and changes in the very commit that takes one in.
/// It is an entry among those of the auto-whitelist, 16 bytes like all of them: a table of its own would make versions of
/// TPRT that know of no journal take the file for somebody else's.
struct Generation: BitwiseCopyable {
    /// Tells this database from every other.
    let database: UInt64
    /// The last journal that the tree has; those of later generations are still to be replayed.
    var applied: UInt64

    /// No network begins so, and so no key of a client.
    static let key = Array("\0tprt journal".utf8)

    /// Whether this is the key of the generation, and of no entry.
    static func isKey(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count == key.count && bytes.elementsEqual(key)
    }

    init(database: UInt64, applied: UInt64) {
        (self.database, self.applied) = (database, applied)
    }

    /// That of a fresh database.
    init() {
        database = .random(in: 1 ... .max)
        applied = 0
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Record.size else { return nil }
        database = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        applied = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    func write(to target: UnsafeMutableRawBufferPointer) {
        target.storeBytes(of: database.littleEndian, as: UInt64.self)
        target.storeBytes(of: applied.littleEndian, toByteOffset: 8, as: UInt64.self)
    }
}
