import Glibc
import JSONText
import Storage

/// One side of a copy: a store and, if it is a Redis, what its keys begin with.
///
/// It describes itself without passwords.
struct StoreSide: Equatable, CustomStringConvertible {
    let location: StoreLocation
    let keyPrefix: String

    /// Whether it knows by itself which table an entry belongs to.
    var tellsTablesApart: Bool {
        switch location {
        case .lmdb: true
        case .redis: !keyPrefix.isEmpty
        case .gdbm, .memory: false
        }
    }

    /// Whether a cursor is good for another run.
    ///
    /// That of a Redis isn't when the server was started again, and wouldn't tell.
    var keepsCursors: Bool {
        switch location {
        case .lmdb, .gdbm: true
        case .redis, .memory: false
        }
    }

    /// Whether both are the same entries, as far as that can be seen.
    func isSame(as other: StoreSide) -> Bool {
        switch (location, other.location) {
        case (.lmdb(let path), .lmdb(let other)), (.gdbm(let path), .gdbm(let other)):
            path == other || Self.isSameFile(path, other)
        case (.redis(let redis), .redis(let others)):
            keyPrefix == other.keyPrefix && redis.servers == others.servers && redis.database == others.database
        default: false
        }
    }

    var description: String {
        switch location {
        case .memory: "memory:"
        case .lmdb(let path): "lmdb://\(path)"
        case .gdbm(let path): "gdbm://\(path)"
        case .redis(let location):
            keyPrefix.isEmpty ? "\(location)" : "\(location) with keys that begin with \(quoted(keyPrefix))"
        }
    }

    private static func isSameFile(_ path: String, _ other: String) -> Bool {
        var first = stat()
        var second = stat()
        guard stat(path, &first) == 0, stat(other, &second) == 0 else { return false }
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }
}
