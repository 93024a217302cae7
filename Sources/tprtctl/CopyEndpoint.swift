import CProcess
import FileCalls
import JSONText
import Programs
import Storage
import StoreURLs
import SystemPackage

/// One end of a copy: a store and, if it is a Redis, what its keys begin with.
///
/// It describes itself without passwords.
struct CopyEndpoint: Equatable, CustomStringConvertible {
    let location: StoreLocation
    let keyPrefix: String

    /// A URL without what may be a password.
    static func safe(_ url: String) -> String {
        guard let location = try? StoreLocation(url: url) else { return "the store" }
        return "\(CopyEndpoint(location: location, keyPrefix: ""))"
    }

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
    func isSame(as other: CopyEndpoint) -> Bool {
        switch (location, other.location) {
        case (.lmdb(let path), .lmdb(let other)), (.gdbm(let path), .gdbm(let other)):
            path == other || Self.isSameFile(path, other)
        case (.redis, .redis): keyPrefix == other.keyPrefix && location.isSameRedis(as: other.location)
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
        guard let first = try? Stat(path), let second = try? Stat(other) else { return false }
        return first.isSameFile(as: second)
    }
}

extension StoreLocation {
    /// Device, number and time of birth of the file; nil where there is none.
    ///
    /// Where the file system doesn't know when a file was born, a new one may get the number of one that was removed.
    var fileIdentity: String? {
        switch self {
        case .memory, .redis: return nil
        case .lmdb(let path), .gdbm(let path):
            guard let status = try? Stat(path) else { return nil }
            return "\(status.deviceID.rawValue):\(status.inode.rawValue):\(tprt_birth(path))"
        }
    }
}

extension ProgramError {
    /// The store to read can't be opened.
    init(source error: StoreError) {
        switch error.code {
        case .cannotCreate: self.init(.noInput, error.description)
        case .corrupt: self.init(.dataError, "\(error); nothing was copied (--salvage: what can be read)")
        case .denied: self.init(.noPermission, "\(error); run \(Program.name) as the user of tprtd, or as root")
        default: self.init(error)
        }
    }

    /// The store to add to can't be opened.
    init(target error: StoreError) {
        let status = ExitStatus(error.code)
        switch error.code {
        case .inUse: self.init(status, "\(error): stop tprtd first, or copy to a store that it doesn't use")
        case .corrupt: self.init(status, "\(error): move it away first, or copy to another file")
        case .denied: self.init(status, "\(error); run \(Program.name) as the user of tprtd")
        default: self.init(error)
        }
    }

    /// A store failed in the middle, or, without a sentence on how far it came, at once.
    init(_ fault: CopyError, _ message: String?) {
        let more = message.map { "; \($0)" } ?? ""
        switch fault {
        case .source(let error) where error.code == .corrupt: self.init(.dataError, "\(error)\(more)")
        case .source(let error), .target(let error): self.init(ExitStatus(error.code), "\(error)\(more)")
        }
    }
}
