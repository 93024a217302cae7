import CLMDB
import FileCalls
import FileStorage
import Glibc
import Greylist
import Storage
import SystemPackage

/// An LMDB environment that grows by itself and, where its file is damaged or foreign, starts from scratch.
///
/// After it was opened only one thread may use it: the one that serves the store. What another thread writes it writes with
/// a `TreeWriter`.
final class Environment: @unchecked Sendable {  // guarded by: LMDBStore calls it on its single storage thread alone
    let path: String
    private let report: @Sendable (String) -> Void
    private let growth: @Sendable (Int) -> Int
    private let marker: UncleanShutdownMarker
    /// Whether the file was checked as far as that is needed, or is new.
    private let isChecked: Bool
    /// Nil after a fault that left us without it, and at the end.
    private var file: DatabaseFile?
    /// Nil as well after a fault; open only while the file is ours.
    private var database: OpenDatabase?
    private var mapSize: Int
    /// How long the file is known to be.
    private var knownSize = 0
    /// LMDB's lock file as it was when the database was opened.
    private var lockFile: FileNumber?
    private var isClosed = false
    /// Whether the database is open for service.
    var isOpen: Bool { database != nil }
    /// How long the file is, in bytes.
    var fileSize: Int { file?.size ?? 0 }
    /// Whether the database was ever open for service.
    private var wasServed = false
    /// The number of a database that was quarantined: a fresh one takes it on, and with it the journals.
    private var adopted: UInt64?
    /// How often another file has taken the place of the one before.
    private(set) var replacements = 0
    /// When it was opened.
    let start: Timestamp

    /// Opens the file, or a fresh one where it is damaged or foreign.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - mapSize: address space to begin with
    ///   - growth: the next size when a map is full
    ///   - checkLimit: how long to check a file that was closed properly, in milliseconds
    ///   - boot: which boot this is: a file that a killed process left in the same one isn't checked as a whole; nil where
    ///     that is unknown
    ///   - now: the time for the name of a damaged file that is quarantined
    ///   - report: takes a sentence for the log
    init(
        path: String, mapSize: Int, growth: @escaping @Sendable (Int) -> Int = { $0 * 2 },
        checkLimit: Int = IntegrityCheck.limit, boot: BootID? = nil, at now: Timestamp,
        report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        self.path = path
        start = now
        self.mapSize = mapSize
        self.growth = growth
        self.report = report
        let file = try DatabaseFile(scheme: "lmdb", path: path)
        // Before anything is changed.
        try Journal.refuseFormerFormat(beside: path)
        marker = UncleanShutdownMarker(beside: path, boot: boot)
        var isSound = true
        if file.size > 0 {
            let isWhole = marker.finding == .unknown
            if isWhole { report("lmdb://\(path): was not closed properly; checking all of it") }
            isSound = IntegrityCheck.passes(file, limit: isWhole ? nil : checkLimit)
        }
        // The check of a file that a kill left in this boot was put off, once.
        isChecked = file.size == 0 || !isSound || marker.finding != .thisBoot
        self.file = consume file
        if !isSound { try quarantine(at: now) }
        try ready(at: now)
    }

    deinit {
        close()
    }

    /// Opens what a fault left closed: the file, the database in it.
    ///
    /// - Parameter now: the time for the name of a damaged file that is quarantined; nil to leave a damaged one alone
    func ready(at now: Timestamp?) throws(StoreError) {
        guard !isClosed else { throw StoreError(.unavailable, "lmdb://\(path): is closed") }
        if database != nil { return }
        try takeFile()
        do throws(LMDBError) {
            try open()
        } catch {
            guard error.isCorruption, let now else { throw error.storeError(path: path) }
            try startFromScratch(at: now)
        }
        wasServed = true
    }

    /// Notes that the file is in service: should the process be killed, the next start in this boot needs no check.
    func vouch() {
        if isChecked, isOpen { marker.vouch() }
    }

    /// Which database is open, and which journals it had when it was opened; nil where none is.
    var generation: Generation? { database?.generation }

    /// Writes the open database on another thread; nil where none is open.
    var writer: TreeWriter? { database?.writer }

    /// Runs `body` on what is in the tree at this moment.
    func read<Result>(
        _ body: (borrowing Transaction) throws(LMDBError) -> Result
    ) throws(LMDBError) -> Result {
        try checkFile()
        return try checkingMaps { () throws(LMDBError) in
            guard let transaction = try database?.beginReading() else { throw LMDBError(code: LMDBError.panic) }
            if let opened = database?.generation.database, try transaction.generation()?.database != opened {
                throw LMDBError(code: LMDBError.corrupted)
            }
            return try body(transaction)
        }
    }

    /// LMDB's files only grow: one that is shorter than it was, somebody has truncated or written over.
    private func checkFile() throws(LMDBError) {
        guard let size = file?.size else { return }
        guard size >= knownSize else { throw LMDBError(code: LMDBError.corrupted) }
        knownSize = size
    }

    /// Runs `body`, and throws where it read what isn't there; that comes first, whatever it made of it.
    private func checkingMaps<Result>(_ body: () throws(LMDBError) -> Result) throws(LMDBError) -> Result {
        let result: Result
        do throws(LMDBError) {
            result = try body()
        } catch {
            try database?.checkMaps()
            throw error
        }
        try database?.checkMaps()
        return result
    }

    /// Makes room for more in the map, or maps what has grown.
    ///
    /// Nothing may be going on in the environment.
    func remap(after fault: LMDBError) throws(LMDBError) {
        if fault.code == LMDBError.mapFull { try remap(growth) } else { try remap { $0 } }
    }

    /// Runs `body` in a transaction and commits what it wrote.
    ///
    /// `body` runs again after the map has grown.
    func write<Result>(_ body: (inout Transaction) throws(LMDBError) -> Result) throws(LMDBError) -> Result {
        try checkFile()
        return try checkingMaps { () throws(LMDBError) in
            try whileMapGrows { () throws(LMDBError) in
                guard var transaction = try database?.begin() else { throw LMDBError(code: LMDBError.panic) }
                let result = try body(&transaction)
                try database?.checkMaps()
                if transaction.isDirty { try transaction.commit() }
                return result
            }
        }
    }

    /// Writes what isn't in the tree yet, with the generation that then is; `batch` as a whole or not at all.
    func write(_ buffer: WriteBuffer, _ batch: WriteBuffer, _ generation: Generation) throws(LMDBError) {
        try checkFile()
        try checkingMaps { () throws(LMDBError) in
            try whileMapGrows { () throws(LMDBError) in
                guard let writer else { throw LMDBError(code: LMDBError.panic) }
                try writer.write(buffer, batch, generation)
            }
        }
    }

    /// Looks whether the other thread, which has just written, read what isn't there.
    func checkMaps() throws(LMDBError) {
        try database?.checkMaps()
    }

    /// Looks whether the files are still those that were opened, and opens what has taken their place.
    ///
    /// What is written to a file that was removed dies with the process, and LMDB's readers don't see a writer without its
    /// lock file.
    ///
    /// - Returns: whether anything was opened again
    func reopenIfReplaced(at now: Timestamp) throws(StoreError) -> Bool {
        guard !isClosed, database != nil, let isInPlace = file?.isInPlace else { return false }
        if !isInPlace {
            adopted = database?.generation.database
            database = nil
            file = nil
            replacements += 1
            let isThere = FileNames.exists(path)
            report(
                "lmdb://\(path): the file was \(isThere ? "replaced" : "removed") while in use; "
                    + (isThere ? "opening the new one" : "starting with an empty one"))
            // That of the old file: LMDB would take its numbers for those of the new one.
            try? FileNames.remove(path + "-lock")
            let taken = try DatabaseFile(scheme: "lmdb", path: path)
            let isSound = taken.size == 0 || IntegrityCheck.passes(taken, limit: IntegrityCheck.limit)
            file = consume taken
            if !isSound { try quarantine(at: now) }
            try ready(at: now)
            return true
        }
        guard lockFile != FileNumber(of: path + "-lock") else { return false }
        report("lmdb://\(path): its lock file was removed or replaced while in use; opening the database again")
        database = nil
        try ready(at: now)
        return true
    }

    private func whileMapGrows<Result>(_ body: () throws(LMDBError) -> Result) throws(LMDBError) -> Result {
        while true {
            do throws(LMDBError) {
                return try body()
            } catch {
                switch error.code {
                case LMDBError.mapFull, LMDBError.mapResized: try remap(after: error)
                default: throw error
                }
            }
        }
    }

    /// Repairs what can be repaired after a transaction failed: a damaged file is quarantined, and an environment that LMDB
    /// declared dead (a commit failed half-way) is opened again.
    ///
    /// Any other fault is thrown on.
    func recover(from fault: LMDBError, at now: Timestamp?) throws(StoreError) {
        if fault.isCorruption, let now {
            try startFromScratch(at: now)
        } else if fault.code == LMDBError.panic {
            database = nil
            try ready(at: now)
        } else if fault.code == LMDBError.mapResized {
            do throws(LMDBError) { try remap(after: fault) } catch { throw error.storeError(path: path) }
        } else {
            throw fault.storeError(path: path)
        }
    }

    /// Closes the environment and lets go of its file.
    func close() {
        database = nil
        // What can't be opened keeps the marker that it came with: nobody has shown yet that it is whole.
        if file != nil, wasServed || marker.finding == .nothing { marker.remove() }
        file = nil
        isClosed = true
    }

    private func open() throws(LMDBError) {
        guard let fileSize = file?.size else { throw LMDBError(code: LMDBError.panic) }
        knownSize = fileSize
        let opened = try OpenDatabase.open(path: path, mapSize: mapSize, fileSize: fileSize, adopting: adopted)
        mapSize = opened.mapSize
        lockFile = FileNumber(of: path + "-lock")
        database = consume opened
    }

    private func remap(_ size: (Int) -> Int) throws(LMDBError) {
        let size = size(mapSize)
        do throws(LMDBError) {
            try database?.remap(to: size)
            mapSize = size
        } catch {
            database = nil
            throw error
        }
    }

    /// Quarantines the file and opens a fresh one.
    private func startFromScratch(at now: Timestamp) throws(StoreError) {
        try quarantine(at: now)
        try takeFile()
        do throws(LMDBError) { try open() } catch { throw error.storeError(path: path) }
    }

    /// Quarantines the file, loudly, and lets go of it.
    private func quarantine(at now: Timestamp) throws(StoreError) {
        adopted = database?.generation.database ?? adopted ?? Journal.database(beside: path)
        database = nil
        guard let name = try file?.quarantine(at: now) else { return }
        file = nil
        replacements += 1
        try? FileNames.remove(path + "-lock")
        report("lmdb://\(path): damaged, or not a database of ours: quarantined as \(name); starting with an empty one")
    }

    private func takeFile() throws(StoreError) {
        if file == nil { file = try DatabaseFile(scheme: "lmdb", path: path) }
    }
}

/// What a file is known by as long as it is there.
private struct FileNumber: Equatable {
    private let device: DeviceID
    private let inode: Inode

    /// Nil where there is no such file.
    init?(of path: String) {
        guard let status = try? Stat(path) else { return nil }
        (device, inode) = (status.deviceID, status.inode)
    }
}
