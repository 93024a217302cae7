/// Where a store is, as a URL of the settings names it.
public enum StoreLocation: Sendable, Hashable {
    /// `memory:`
    case memory
    /// `lmdb:///path`
    case lmdb(path: String)
    /// `gdbm:///path`, which may also be spelt `dbm:///path`
    case gdbm(path: String)
    /// `redis://host:6379/0` and its relatives
    case redis(RedisLocation)

    /// Reads a URL.
    public init(url: String) throws(StoreURLError) {
        let parts = url.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw StoreURLError(
                description: "\"\(url)\" is not a database URL (such as lmdb:///var/lib/tprt/tprt.lmdb)")
        }
        let scheme = parts[0].lowercased()
        switch scheme {
        case "memory":
            guard parts[1].allSatisfy({ $0 == "/" }) else {
                throw StoreURLError(description: "\"\(url)\" has a path, but a memory: store keeps nothing on disk")
            }
            self = .memory
        case "lmdb": self = .lmdb(path: try Self.path(parts[1], of: url))
        case "gdbm", "dbm": self = .gdbm(path: try Self.path(parts[1], of: url))
        case let scheme where scheme.hasPrefix("redis"):
            self = .redis(try RedisLocation(scheme: scheme, rest: parts[1]))
        case let scheme where Self.greylisters.contains(scheme):
            throw StoreURLError(
                description: "\(scheme): is another greylister, not a store: its entries are imported into one by "
                    + "\"tprtctl import \(scheme) SOURCE\"")
        default:
            throw StoreURLError(
                description: "no store is called \"\(scheme):\" (there are lmdb:, gdbm:, redis: and memory:)")
        }
    }

    /// What `tprtctl import` reads: none of it can be a store.
    private static let greylisters = [
        "postgrey", "postgrey-log", "sqlgrey", "greylistd", "gld", "iredapd", "cbpolicyd", "milter-greylist", "spamdb",
    ]

    /// The path of a store that is a file.
    private static func path(_ rest: Substring, of url: String) throws(StoreURLError) -> String {
        guard rest.hasPrefix("///"), rest.count > 3, rest.last != "/" else {
            throw StoreURLError(description: "\"\(url)\" names no file (lmdb:// is followed by an absolute path)")
        }
        return String(rest.dropFirst(2))
    }
}

/// Why a text is no URL of a store.
///
/// The text itself is quoted only where it can't hold a password.
public struct StoreURLError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong and the remedy.
    public let description: String
}

extension StoreLocation {
    /// The file of the database; nil where it isn't one.
    public var file: String? {
        switch self {
        case .memory, .redis: nil
        case .lmdb(let path), .gdbm(let path): path
        }
    }

    /// The directory of that file.
    public var directory: String? {
        file.flatMap { file in file.lastIndex(of: "/").map { String(file[..<$0]) } }
    }

    /// Where the auto-whitelist is that goes with a greylist in this place: in the same database or, since a GNU dbm file
    /// holds one table, in the file `autowldb` beside it, as TPRT 0.9.3 calls it.
    ///
    /// In a Redis its keys have a prefix of their own (`awl:`).
    public var autoWhitelistBeside: StoreLocation {
        beside(named: "autowldb", else: "autowldb-awl")
    }

    /// Where the identities are that go with a greylist in this place: in the same database, or in the file `identitydb`
    /// beside one of GNU dbm.
    ///
    /// In a Redis their keys have a prefix of their own (`id:`).
    public var identitiesBeside: StoreLocation {
        beside(named: "identitydb", else: "identitydb-id")
    }

    private func beside(named name: String, else other: String) -> StoreLocation {
        guard case .gdbm(let path) = self else { return self }
        let end = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        return .gdbm(path: path[..<end] + (path[end...] == name ? other : name))
    }

    /// Whether both are the same database of the same Redis, whoever logs in.
    public func isSameRedis(as other: StoreLocation) -> Bool {
        guard case .redis(let redis) = self, case .redis(let others) = other else { return false }
        return redis.servers == others.servers && redis.database == others.database
    }
}
