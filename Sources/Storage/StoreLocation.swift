/// Where a store is, as a URL of the settings names it.
public enum StoreLocation: Sendable, Hashable {
    /// `memory:`
    case memory
    /// `lmdb:///path`
    case lmdb(path: String)

    /// Reads a URL.
    public init(url: String) throws(StoreURLFault) {
        let parts = url.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw StoreURLFault(description: "\"\(url)\" is no database URL (such as lmdb:///var/lib/tprt/tprt.lmdb)")
        }
        let scheme = parts[0].lowercased()
        switch scheme {
        case "memory":
            guard parts[1].allSatisfy({ $0 == "/" }) else {
                throw StoreURLFault(description: "\"\(url)\" has a path, but a memory: store keeps nothing on disk")
            }
            self = .memory
        case "lmdb":
            guard parts[1].hasPrefix("///"), parts[1].count > 3, parts[1].last != "/" else {
                throw StoreURLFault(description: "\"\(url)\" names no file (lmdb:// is followed by an absolute path)")
            }
            self = .lmdb(path: String(parts[1].dropFirst(2)))
        case "gdbm", "dbm":
            throw StoreURLFault(description: "this version has no GNU dbm store yet: use lmdb:///path")
        case let scheme where scheme.hasPrefix("redis"):
            throw StoreURLFault(description: "this version has no Redis store yet: use lmdb:///path")
        default:
            throw StoreURLFault(description: "no store is called \"\(scheme):\" (there are lmdb: and memory:)")
        }
    }
}

/// Why a text is no URL of a store.
///
/// The text itself is quoted only where it can't hold a password.
public struct StoreURLFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The complaint and the remedy.
    public let description: String
}
