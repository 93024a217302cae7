import CGDBM
import FileCalls
import FileStorage
import Glibc
import Greylist
import Storage
import SystemPackage

/// A GNU dbm database that is rewritten, from what can be read of it, where it is damaged or wasn't closed properly.
///
/// After it was opened only one thread at a time may use it: the one that serves the store.
final class Database: @unchecked Sendable {  // guarded by: GDBMStore calls it on its single storage thread alone
    /// After so many seconds to try again what a full disk made impossible.
    private static let patience: Int64 = 60
    /// How long to check a file before it is served.
    private static let checkLimit = Duration.milliseconds(100)

    let url: String
    let path: String
    private let report: @Sendable (String) -> Void
    private let marker: UncleanShutdownMarker
    /// Nil after a fault that left us without it, and at the end.
    private var file: DatabaseFile?
    /// Nil as well after a fault; open only while the file is ours.
    private var handle: Handle?
    private var reservation = Reservation()
    /// How long the file is known to be.
    private var knownSize = 0
    /// Whether damage was met.
    private var isDamaged = false
    /// Why it couldn't be repaired, and when to try again.
    private var obstacle: (error: StoreError, until: Timestamp)?
    private var isClosed = false
    /// Whether the database was ever open for service.
    private var wasServed = false
    /// Whether there is something that isn't on the disk yet.
    private var isDirty = false

    /// Opens the file.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - now: the time for the name of a damaged file that is quarantined
    ///   - report: takes a sentence for the log
    init(path: String, at now: Timestamp, report: @escaping @Sendable (String) -> Void) throws(StoreError) {
        self.path = path
        self.report = report
        let file = try DatabaseFile(scheme: "gdbm", path: path)
        url = file.url
        // Without the boot: GNU dbm has no transactions, so that a process that was killed in the middle of a write may
        // leave a file that is damaged, or gets damaged later. It is written again after a kill, too.
        marker = UncleanShutdownMarker(beside: path, boot: nil)
        let wasCutShort = marker.finding != .nothing && file.size > 0
        self.file = consume file
        if wasCutShort { try repairUncleanShutdown(at: now) } else { check() }
        try ready(at: now)
    }

    deinit {
        close()
    }

    /// Whether the database is open for service.
    var isOpen: Bool { handle != nil }
    /// How long the file is, in bytes.
    var fileSize: Int { file?.size ?? 0 }

    /// Checks for damage a file that was closed properly, as long as that takes no time: what lies beyond is met in
    /// service.
    private func check() {
        guard let descriptor = file?.descriptor, (file?.size ?? 0) > 0, let walk = try? EntryWalk(descriptor) else {
            return
        }
        if walk.extent(within: Self.checkLimit).unreadable > 0 { isDamaged = true }
    }

    /// Opens what a fault left closed, and repairs what was found damaged.
    ///
    /// - Parameter now: the time for the name of a damaged file that is quarantined; nil to leave a damaged one alone
    /// - Returns: whether it was repaired: entries may be missing
    @discardableResult
    func ready(at now: Timestamp?) throws(StoreError) -> Bool {
        guard !isClosed else { throw StoreError(.unavailable, "\(url): is closed") }
        var isRepaired = false
        checkSize()
        // Opened to be read, a file that was emptied would become a fresh database.
        if isDamaged, now == nil, handle == nil { throw StoreError(.corrupt, "\(url): damaged") }
        if isDamaged, let now {
            try repair(at: now)
            isRepaired = true
        }
        if handle != nil { return isRepaired }
        try takeFile()
        do throws(GDBMError) {
            try open()
        } catch {
            guard error.isCorruption, let now else { throw error.storeError(url: url) }
            try repair(at: now)
            isRepaired = true
            try takeFile()
            do throws(GDBMError) { try open() } catch { throw error.storeError(url: url) }
        }
        wasServed = true
        return isRepaired
    }

    /// Looks whether the file is still the one that was opened, and opens the one that has taken its place.
    ///
    /// GNU dbm's files only grow: one that is shorter than it was, somebody has truncated or written over.
    ///
    /// - Returns: whether another database is open now
    func reopenIfReplaced(at now: Timestamp) throws(StoreError) -> Bool {
        guard !isClosed, handle != nil, let isInPlace = file?.isInPlace else { return false }
        if !isInPlace {
            handle = nil
            file = nil
            isDirty = false
            knownSize = 0
            let isThere = access(path, F_OK) == 0
            report(
                "\(url): the file was \(isThere ? "replaced" : "removed") while in use; "
                    + (isThere ? "opening the new one" : "starting with an empty one"))
            try takeFile()
            check()
            try ready(at: now)
            return true
        }
        checkSize()
        return try ready(at: now)
    }

    private func checkSize() {
        guard let size = file?.size else { return }
        if size < knownSize {
            handle = nil
            isDamaged = true
        }
        knownSize = size
    }

    /// What is known under a key.
    func sighting(_ key: Key) throws(GDBMError) -> Sighting? {
        try use { handle throws(GDBMError) in try handle.sighting(key) }
    }

    /// Writes an entry.
    func store(_ sighting: Sighting, _ key: Key) throws(GDBMError) {
        try makeRoom()
        isDirty = true
        try use { handle throws(GDBMError) in try handle.store(sighting, key) }
    }

    /// Removes an entry that a walk came to; returns whether it was there.
    func remove(_ entry: StoredEntry) throws(GDBMError) -> Bool {
        try makeRoom()
        let wasThere = try use { handle throws(GDBMError) in try handle.remove(entry.key) }
        // GNU dbm looks for it elsewhere than where it is.
        if !wasThere { isDamaged = true }
        return wasThere
    }

    /// Removes the entry under a key; returns what was known under it, nil where that was no record of ours, or nothing.
    func remove(_ key: Key) throws(GDBMError) -> Sighting? {
        guard let sighting = try sighting(key) else { return nil }
        try makeRoom()
        isDirty = true
        _ = try use { handle throws(GDBMError) in try handle.remove(key) }
        return sighting
    }

    /// Reads entries in the order of a walk.
    func entries(from position: WalkPosition?, limit: Int) throws(GDBMError) -> EntryWalk.Slice {
        try use { _ throws(GDBMError) in
            guard let descriptor = file?.descriptor else { throw GDBMError(GDBM_NEED_RECOVERY) }
            let slice = try EntryWalk(descriptor).slice(from: position, limit: limit)
            if slice.damaged > 0 { isDamaged = true }
            return slice
        }
    }

    /// Waits until everything that was stored is on the disk.
    func sync() throws(GDBMError) {
        guard isDirty else { return }
        try use { handle throws(GDBMError) in try handle.sync() }
        isDirty = false
    }

    /// Closes the database and lets go of its file.
    func close() {
        handle = nil
        // What can't be opened keeps the marker that it came with: nobody has shown yet that it is whole.
        if file != nil, !isDamaged, wasServed || marker.finding == .nothing { marker.remove() }
        file = nil
        isClosed = true
    }

    /// Uses the open database; after a fault it is opened again, since GNU dbm may refuse it from then on.
    private func use<Result>(_ body: (Handle) throws(GDBMError) -> Result) throws(GDBMError) -> Result {
        guard let handle else { throw GDBMError(GDBM_NEED_RECOVERY) }
        do throws(GDBMError) {
            return try body(handle)
        } catch {
            self.handle = nil
            if error.isCorruption { isDamaged = true }
            throw error
        }
    }

    private func makeRoom() throws(GDBMError) {
        guard let descriptor = file?.descriptor else { throw GDBMError(GDBM_NEED_RECOVERY) }
        try reservation.extend(descriptor)
    }

    private func open() throws(GDBMError) {
        guard let descriptor = file?.descriptor else { throw GDBMError(GDBM_NEED_RECOVERY) }
        reservation = Reservation()
        handle = try Handle(descriptor, name: path)
    }

    private func takeFile() throws(StoreError) {
        if file == nil { file = try DatabaseFile(scheme: "gdbm", path: path) }
    }

    /// Rewrites a file that wasn't closed properly; where that can't be done, it has to do as it is.
    private func repairUncleanShutdown(at now: Timestamp) throws(StoreError) {
        switch rebuild() {
        case .success(let rebuilt) where rebuilt.damaged == 0:
            _ = try file?.replace(with: rebuilt.path, quarantiningAt: nil)
            file = nil
            report("\(url): was not closed properly; rewritten with its \(rebuilt.entries) entries")
        case .success(let rebuilt):
            try goOn(with: rebuilt, at: now)
        // A file that can't be read at all is dealt with when it is opened.
        case .failure(let fault) where fault.isCorruption: break
        case .failure(let fault):
            report("\(fault.storeError(url: url).description): was not closed properly, and can't be rewritten")
        }
    }

    /// Quarantines a damaged file, loudly, and lets go of it; what can be read of it is in the new one.
    private func repair(at now: Timestamp) throws(StoreError) {
        if let obstacle, now < obstacle.until { throw obstacle.error }
        handle = nil
        isDamaged = false
        isDirty = false
        knownSize = 0
        try takeFile()
        switch rebuild() {
        case .success(let rebuilt) where rebuilt.entries > 0: try goOn(with: rebuilt, at: now)
        case .success(let rebuilt):
            rebuilt.discard()
            try startFromScratch(at: now, because: "damaged, or not a database of ours")
        case .failure(let fault) where fault.isCorruption:
            try startFromScratch(at: now, because: "damaged, or not a database of ours")
        case .failure(let fault) where [.writeRefused, .denied].contains(fault.storeError(url: url).code):
            // It is worth waiting for room, or for a right.
            let error = fault.storeError(url: url)
            obstacle = (error, Timestamp(seconds: now.seconds + Self.patience))
            isDamaged = true
            throw error
        case .failure(let fault):
            try startFromScratch(at: now, because: "damaged, and can't be rewritten (\(fault.storeError(url: url)))")
        }
    }

    private func rebuild() -> Result<Rebuild, GDBMError> {
        guard let descriptor = file?.descriptor else { return .failure(GDBMError(GDBM_NEED_RECOVERY)) }
        return Result { () throws(GDBMError) in try Rebuild(of: descriptor, at: path) }
    }

    private func goOn(with rebuilt: Rebuild, at now: Timestamp) throws(StoreError) {
        guard let name = try file?.replace(with: rebuilt.path, quarantiningAt: now) else { return }
        file = nil
        report(
            "\(url): damaged: quarantined as \(name); going on with the \(rebuilt.entries) entries that can be read; "
                + "\(rebuilt.damaged) entries or buckets of entries can't")
    }

    private func startFromScratch(at now: Timestamp, because cause: String) throws(StoreError) {
        guard let name = try file?.quarantine(at: now) else { return }
        file = nil
        report("\(url): \(cause): quarantined as \(name); starting with an empty one")
    }
}

/// Makes a new file out of what can be read of an old one, beside it.
///
/// A process that is killed while it writes leaves free space listed that is in use: nothing is wrong to see, until the
/// next entries are written over others. So a file that wasn't closed properly is rewritten from its entries.
struct Rebuild {
    /// The new file.
    let path: String
    /// How many entries it has.
    private(set) var entries = 0
    /// Buckets and entries that couldn't be read.
    private(set) var damaged = 0

    /// Entries in a step.
    private static let slice = 10_000

    /// Rewrites the file; nothing is left of an attempt that fails.
    ///
    /// - Parameters:
    ///   - file: a descriptor of the old one
    ///   - original: where the old one is
    init(of file: FileDescriptor, at original: String) throws(GDBMError) {
        path = original + "-rebuild"
        // One that was interrupted may have left it.
        try? FileNames.remove(path)
        let new: FileDescriptor
        do throws(Errno) {
            new = try systemCall {
                try FileDescriptor.open(
                    path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec, .noControllingTerminal],
                    permissions: .ownerReadWrite)
            }
        } catch {
            throw GDBMError(GDBM_FILE_OPEN_ERROR, system: error.rawValue)
        }
        defer { try? new.close() }
        do throws(GDBMError) {
            try copy(from: file, to: new)
        } catch {
            try? FileNames.remove(path)
            throw error
        }
    }

    /// Removes the new file: it isn't wanted.
    func discard() {
        try? FileNames.remove(path)
    }

    private mutating func copy(from old: FileDescriptor, to new: FileDescriptor) throws(GDBMError) {
        if let status = try? Stat(old) {
            // Another owner is only for root to give; without him the file is ours, and that is enough.
            try? new.setOwner(status.userID, status.groupID)
            try? new.setPermissions(status.permissions.intersection(FilePermissions(rawValue: 0o777)))
        }
        let walk = try EntryWalk(old)
        let handle = try Handle(new, name: path)
        var position: WalkPosition?
        repeat {
            let slice = walk.slice(from: position, limit: Self.slice)
            for entry in slice.entries { try handle.store(entry) }
            entries += slice.entries.count
            damaged += slice.damaged
            position = slice.next
        } while position != nil
        try handle.sync()
    }
}
