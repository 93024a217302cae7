import FileCalls
import GRDB
import Greylist
import SystemPackage

/// The file of a history, open for writing.
struct HistoryFile: Sendable {
    let path: String
    /// Its one connection.
    let queue: DatabaseQueue
    /// Which file it is.
    private let device: UInt64
    private let inode: UInt64

    /// What the file's own key and settings are called in the table of settings.
    static let keyName = "digest_key"

    /// Opens a history, and makes it where there is none.
    ///
    /// A file is looked at for reading only before anything is written to it: what isn't ours stays as it is.
    ///
    /// - Parameter patience: how many seconds to wait for another program's lock
    init(path: String, bounds: SizeBounds, patience: Double) throws(HistoryError) {
        try Self.create(path)
        let status = try Self.status(of: path)
        guard status.type == .regular else { throw HistoryError(.otherFormat, path, "is not a regular file") }
        self.path = path
        (device, inode) = (UInt64(status.deviceID.rawValue), UInt64(status.inode.rawValue))
        do {
            if status.size > 0 { try Self.check(path, patience) }
            var configuration = Configuration()
            configuration.label = "history"
            configuration.busyMode = .timeout(patience)
            configuration.foreignKeysEnabled = false
            // The statements have no values in them, so errors show none.
            configuration.prepareDatabase { database in
                // Only before the first table, and before the journal mode, which writes the first page.
                try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
                _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
                try database.execute(sql: "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384")
                try database.execute(sql: "PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY")
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try HistorySchema.migrate(queue)
            try Self.limit(queue, to: bounds)
        } catch {
            throw HistoryError(error, path)
        }
    }

    /// Makes an empty file, which its owner may write and its group read.
    private static func create(_ path: String) throws(HistoryError) {
        do throws(Errno) {
            let descriptor = try systemCall {
                try FileDescriptor.open(
                    path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                    permissions: [.ownerReadWrite, .groupRead])
            }
            try? descriptor.close()
        } catch {
            guard error != .fileExists else { return }
            throw HistoryError(error, path)
        }
    }

    private static func status(of path: String) throws(HistoryError) -> Stat {
        do throws(Errno) { return try systemCall { try Stat(path) } } catch { throw HistoryError(error, path) }
    }

    /// Throws where it isn't a history, or a newer version's.
    private static func check(_ path: String, _ patience: Double) throws {
        let queue = try readingQueue(path, patience: patience)
        try queue.read { database in try check(database, path) }
        try queue.close()
    }

    /// Throws where the database isn't a history, or a newer version's; an empty one may become a history.
    static func check(_ database: Database, _ path: String) throws {
        let id = try Int64.fetchOne(database, sql: "PRAGMA application_id")
        let version = try Int64.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if id == HistorySchema.applicationID {
            guard version <= HistorySchema.version else {
                throw HistoryError(
                    .newerVersion, path,
                    "made by a newer version of TPRT (format \(version)): upgrade, or move the file away")
            }
        } else if try Int64.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") != 0 {
            throw HistoryError(.otherFormat, path, "is another program's database: set history_db to another file")
        }
    }

    /// A connection for reading only.
    static func readingQueue(_ path: String, patience: Double) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "history"
        configuration.readonly = true
        configuration.busyMode = .timeout(patience)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Lets what is written ahead get into the file before it becomes too large.
    static func limit(_ queue: DatabaseQueue, to bounds: SizeBounds) throws {
        try queue.inDatabase { database in
            try database.execute(sql: "PRAGMA wal_autocheckpoint = \(bounds.checkpointPages)")
            _ = try Int64.fetchOne(database, sql: "PRAGMA journal_size_limit = \(bounds.checkpointBytes)")
        }
    }

    /// Whether the path still leads to the file that is open.
    var isInPlace: Bool {
        guard let status = try? Stat(path) else { return false }
        return UInt64(status.deviceID.rawValue) == device && UInt64(status.inode.rawValue) == inode
    }

    /// How many bytes are written ahead of the file.
    var walBytes: Int { Self.size(path + "-wal") }

    /// How many bytes a file has, with what is written ahead of it.
    static func bytes(of path: String) -> Int { size(path) + size(path + "-wal") }

    private static func size(_ path: String) -> Int { (try? Stat(path)).map { Int($0.size) } ?? 0 }

    /// Closes it; what is written ahead gets into it, unless somebody else has it open.
    func close() { try? queue.close() }

    /// Renames a file to `NAME.corrupt-TIME`, with those beside it, so that a fresh one can take its place.
    ///
    /// - Returns: the new name
    static func quarantine(_ path: String, at now: Timestamp) throws(HistoryError) -> String {
        var name = "\(path).corrupt-\(now.seconds)"
        var number = 1
        while FileNames.exists(name) {
            number += 1
            name = "\(path).corrupt-\(now.seconds)-\(number)"
        }
        do throws(Errno) {
            try FileNames.rename(path, to: name)
            for suffix in ["-wal", "-shm"] where FileNames.exists(path + suffix) {
                try FileNames.rename(path + suffix, to: name + suffix)
            }
        } catch {
            throw HistoryError(error, path)
        }
        return name
    }
}

/// How the size that a history may have is divided.
///
/// SQLite writes ahead of the file, and from there to the file; both count. What one transaction adds to either is bounded, so
/// that the sum stays below the size while the most is written that can be.
struct SizeBounds: Equatable {
    /// How many bytes the file may have.
    let fileBytes: Int
    /// How many bytes may be written ahead before another transaction is begun.
    let walBytes: Int
    /// How many rows a transaction may write at most.
    let rows: Int
    /// How many bytes of text.
    let textBytes: Int
    /// How many pages of the file are to be free before a transaction.
    let freePages: Int

    /// How many bytes a page has.
    static let pageSize = 4096
    /// A -wal beyond this is held by a reader.
    static let longestWAL = 64 << 20

    /// The division of that size.
    init(maxSize: Int) {
        walBytes = min(Self.longestWAL, maxSize / 4)
        // A transaction writes each page that it changes once: at most all of the file.
        let transaction = min(16 << 20, maxSize * 3 / 8)
        fileBytes = maxSize - walBytes - transaction - maxSize / 64
        let room = fileBytes / 8
        freePages = room / Self.pageSize
        textBytes = min(1 << 20, room / 4)
        rows = max(8, min(512, room / 2048))
    }

    /// How many bytes are written ahead before they get into the file as usual.
    var checkpointBytes: Int { min(8 << 20, walBytes / 2) }
    /// Likewise in pages.
    var checkpointPages: Int { max(16, checkpointBytes / Self.pageSize) }
    /// How many pages the file may have.
    var filePages: Int { fileBytes / Self.pageSize }
}
