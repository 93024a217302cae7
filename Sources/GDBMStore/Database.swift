import CGDBM
import Glibc
import Greylist
import Storage

/// A GNU dbm database that is written anew, from what can be read of it, where it is damaged or wasn't closed properly.
///
/// After it was opened only one thread at a time may use it: the one that serves the store.
final class Database: @unchecked Sendable {  // guarded by: GDBMStore calls it on its single storage thread alone
    /// After so many seconds to try again what a full disk made impossible.
    private static let patience: Int64 = 60
    /// How long to look at a file before it is served.
    private static let lookLimit = Duration.milliseconds(100)

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
    /// Why it couldn't be mended, and when to try again.
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
    ///   - now: the time for the name of a damaged file that is set aside
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
        if wasCutShort { try mendUncleanEnd(at: now) } else { look() }
        try ready(at: now)
    }

    deinit {
        close()
    }

    /// Whether the database is open for service.
    var isOpen: Bool { handle != nil }

    /// Looks for damage at a file that was closed properly, as long as that takes no time: what lies beyond is met in
    /// service.
    private func look() {
        guard let descriptor = file?.descriptor, (file?.size ?? 0) > 0, let walk = try? EntryWalk(descriptor) else {
            return
        }
        if walk.extent(within: Self.lookLimit).unreadable > 0 { isDamaged = true }
    }

    /// Opens what a fault left closed, and mends what was found damaged.
    ///
    /// - Parameter now: the time for the name of a damaged file that is set aside; nil to leave a damaged one alone
    /// - Returns: whether it was mended: entries may be missing
    @discardableResult
    func ready(at now: Timestamp?) throws(StoreError) -> Bool {
        guard !isClosed else { throw StoreError(.unavailable, "\(url): is closed") }
        var isMended = false
        checkSize()
        // Opened to be read, a file that was emptied would become a fresh database.
        if isDamaged, now == nil, handle == nil { throw StoreError(.corrupt, "\(url): damaged") }
        if isDamaged, let now {
            try mend(at: now)
            isMended = true
        }
        if handle != nil { return isMended }
        try takeFile()
        do throws(GDBMFault) {
            try open()
        } catch {
            guard error.isCorruption, let now else { throw error.error(url: url) }
            try mend(at: now)
            isMended = true
            try takeFile()
            do throws(GDBMFault) { try open() } catch { throw error.error(url: url) }
        }
        wasServed = true
        return isMended
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
            look()
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
    func sighting(_ key: Key) throws(GDBMFault) -> Sighting? {
        try use { handle throws(GDBMFault) in try handle.sighting(key) }
    }

    /// Writes an entry.
    func store(_ sighting: Sighting, _ key: Key) throws(GDBMFault) {
        try makeRoom()
        isDirty = true
        try use { handle throws(GDBMFault) in try handle.store(sighting, key) }
    }

    /// Removes an entry that a walk came to; returns whether it was there.
    func remove(_ entry: StoredEntry) throws(GDBMFault) -> Bool {
        try makeRoom()
        let wasThere = try use { handle throws(GDBMFault) in try handle.remove(entry.key) }
        // GNU dbm looks for it elsewhere than where it is.
        if !wasThere { isDamaged = true }
        return wasThere
    }

    /// Reads entries in the order of a walk.
    func entries(from place: Place?, limit: Int) throws(GDBMFault) -> EntryWalk.Slice {
        try use { _ throws(GDBMFault) in
            guard let descriptor = file?.descriptor else { throw GDBMFault(GDBM_NEED_RECOVERY) }
            let slice = try EntryWalk(descriptor).slice(from: place, limit: limit)
            if slice.damaged > 0 { isDamaged = true }
            return slice
        }
    }

    /// Waits until everything that was stored is on the disk.
    func sync() throws(GDBMFault) {
        guard isDirty else { return }
        try use { handle throws(GDBMFault) in try handle.sync() }
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

    /// Uses the open database; after a fault it is opened anew, since GNU dbm may refuse it from then on.
    private func use<Result>(_ body: (Handle) throws(GDBMFault) -> Result) throws(GDBMFault) -> Result {
        guard let handle else { throw GDBMFault(GDBM_NEED_RECOVERY) }
        do throws(GDBMFault) {
            return try body(handle)
        } catch {
            self.handle = nil
            if error.isCorruption { isDamaged = true }
            throw error
        }
    }

    private func makeRoom() throws(GDBMFault) {
        guard let descriptor = file?.descriptor else { throw GDBMFault(GDBM_NEED_RECOVERY) }
        try reservation.extend(descriptor)
    }

    private func open() throws(GDBMFault) {
        guard let descriptor = file?.descriptor else { throw GDBMFault(GDBM_NEED_RECOVERY) }
        reservation = Reservation()
        handle = try Handle(descriptor, name: path)
    }

    private func takeFile() throws(StoreError) {
        if file == nil { file = try DatabaseFile(scheme: "gdbm", path: path) }
    }

    /// Writes a file anew that wasn't closed properly; where that can't be done, it has to do as it is.
    private func mendUncleanEnd(at now: Timestamp) throws(StoreError) {
        switch rebuild() {
        case .success(let rebuilt) where rebuilt.damaged == 0:
            _ = try file?.replace(with: rebuilt.path, settingAsideAt: nil)
            file = nil
            report("\(url): was not closed properly; written anew with its \(rebuilt.entries) entries")
        case .success(let rebuilt):
            try goOn(with: rebuilt, at: now)
        // A file that can't be read at all is dealt with when it is opened.
        case .failure(let fault) where fault.isCorruption: break
        case .failure(let fault):
            report("\(fault.error(url: url).description): was not closed properly, and can't be written anew")
        }
    }

    /// Sets a damaged file aside, loudly, and lets go of it; what can be read of it is in the new one.
    private func mend(at now: Timestamp) throws(StoreError) {
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
            try beginAnew(at: now, because: "damaged, or not a database of ours")
        case .failure(let fault) where fault.isCorruption:
            try beginAnew(at: now, because: "damaged, or not a database of ours")
        case .failure(let fault) where [.writeRefused, .denied].contains(fault.error(url: url).code):
            // It is worth waiting for room, or for a right.
            let error = fault.error(url: url)
            obstacle = (error, Timestamp(seconds: now.seconds + Self.patience))
            isDamaged = true
            throw error
        case .failure(let fault):
            try beginAnew(at: now, because: "damaged, and can't be written anew (\(fault.error(url: url)))")
        }
    }

    private func rebuild() -> Result<Rebuild, GDBMFault> {
        guard let descriptor = file?.descriptor else { return .failure(GDBMFault(GDBM_NEED_RECOVERY)) }
        return Result { () throws(GDBMFault) in try Rebuild(of: descriptor, at: path) }
    }

    private func goOn(with rebuilt: Rebuild, at now: Timestamp) throws(StoreError) {
        guard let name = try file?.replace(with: rebuilt.path, settingAsideAt: now) else { return }
        file = nil
        report(
            "\(url): damaged: set aside as \(name); going on with the \(rebuilt.entries) entries that can be read; "
                + "\(rebuilt.damaged) entries or buckets of entries can't")
    }

    private func beginAnew(at now: Timestamp, because cause: String) throws(StoreError) {
        guard let name = try file?.setAside(at: now) else { return }
        file = nil
        report("\(url): \(cause): set aside as \(name); starting with an empty one")
    }
}
