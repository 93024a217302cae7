import Glibc
import Greylist
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Storage
import SystemPackage

/// A tree that is written behind its back: what is answered is in the journal and in memory first, and reaches the tree
/// later, many entries in one commit and on another thread.
///
/// Each new key dirties a page of the tree's own, and a commit syncs them all; a frame of the journal is a single append.
/// Of two ways to have the tree catch up, this one takes more code than a long transaction of LMDB's, and keeps its page
/// copies, its commits and its syncs off the thread that answers. While the tree can't be written (a full disk), every
/// batch that writes something tries to, and is refused where that fails; what is in the journal stays known.
final class WriteBehind: @unchecked Sendable {  // guarded by: LMDBStore calls it on its storage thread alone
    /// So many entries go to the tree at once, without waiting for their time.
    private static let bulk = 65_536
    /// So many bytes of the journal are enough, too: the same entries may change again and again.
    private static let bulkSize = 8 << 20
    /// With so many, and others on their way, requests wait for the tree.
    private static let limit = 2 * bulk
    /// The time between writes of the tree where a reply waits for the journal's sync.
    private static let commitInterval = Duration.seconds(5)

    private let environment: Environment
    private let report: @Sendable (String) -> Void
    /// Whether a batch is synced before it is answered.
    private let isSynced: Bool
    private let interval: TimeAmount
    /// Has `settle` called on the storage thread; to be set before anything is asked.
    var wake: @Sendable () -> Void = {}

    private var journal: Journal
    /// What it was handed and hasn't got, is of the generation before that of the journal.
    private var memtable = Memtable()
    /// Why the tree couldn't be written the last time; until it is, nothing goes into the journal.
    private var fault: LMDBError?
    /// The environment's, as it was when the fault was last forgotten for it.
    private var replacements = 0
    private var isJournalMissed = false

    /// Whether the other thread is writing the tree.
    private(set) var isWriting = false
    private var isTimed = false
    private let files: JournalFiles
    private let writers: WriterThread
    private let events = NIOLockedValueBox(Events())

    private struct Events: Sendable {
        var written: Result<Void, LMDBError>?
        var isDue = false
    }

    /// Takes in what journals beside the tree have: its process was ended before the tree had it.
    ///
    /// - Parameters:
    ///   - syncInterval: how long what is answered may be on its way to the disk; nil: not at all
    init(
        _ environment: Environment, syncInterval: Duration?, files: JournalFiles,
        startWriters: () -> WriterThread, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        self.environment = environment
        self.files = files
        self.report = report
        isSynced = syncInterval == nil
        let (seconds, attoseconds) = (syncInterval ?? Self.commitInterval).components
        interval = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        let path = environment.path
        let generation = environment.generation ?? Generation()
        let found = try Journal.find(beside: path, of: generation.database, on: files)
        for name in found.strange {
            report(
                "lmdb://\(path): \(name) is not a journal of it: quarantined as "
                    + "\(try Journal.quarantine(foreign: name, on: files))"
            )
        }
        for journal in found.contents where journal.header.generation > generation.applied { memtable.add(journal.all) }
        let last = max(generation.applied, found.contents.last?.header.generation ?? 0)
        journal = Journal(beside: path, database: generation.database, generation: last + 1, files: files)
        writers = startWriters()
        let flaws = found.flaws(after: generation.applied)
        if !memtable.isEmpty {
            report("lmdb://\(path): recovered \(memtable.immutable.count) entries from the journal")
            do throws(LMDBError) {
                try flush()
            } catch {
                // The files stay for the next start.
                for flaw in flaws { report("lmdb://\(path): \(flaw.message)") }
                return
            }
        }
        for flaw in flaws {
            let name = try Journal.quarantine(flaw.name, at: environment.start, on: files)
            report("lmdb://\(path): \(flaw.message); quarantined as \(name)")
        }
        journal.removeFiles()
    }

    /// How long the files of the journal are, in bytes.
    var journalSize: Int { journal.fileSize }
    /// Whether everything is in the tree.
    var isFlushed: Bool { memtable.isEmpty }

    /// Whether something is known under these bytes of a key that isn't in the tree yet.
    func isNewer(_ table: Table, _ bytes: UnsafeRawBufferPointer) -> Bool {
        memtable.has(table, bytes)
    }

    /// Runs `body`, and keeps what it wrote: in the journal or, where there is none, in the tree.
    ///
    /// What was written is forgotten where this throws.
    func keep<Answer>(
        _ body: (inout Memtable, borrowing Transaction) throws(LMDBError) -> Answer
    ) throws(LMDBError) -> Answer {
        makeRoom()
        // Nothing is left of it where it was kept.
        defer { memtable.takeBatch() }
        let answer = try environment.read { (transaction) throws(LMDBError) in try body(&memtable, transaction) }
        if memtable.hasBatch { try keepBatch() }
        schedule()
        return answer
    }

    /// Brings everything into the tree, and waits for it.
    func flush() throws(LMDBError) {
        let batch = memtable.takeBatch()
        waitForTree()
        guard !isFlushed || !batch.isEmpty || journal.fault != nil || fault != nil else { return }
        do throws(LMDBError) {
            let target = Generation(database: journal.database, applied: journal.generation)
            try environment.write(memtable.all, batch, target)
        } catch {
            let error = error.code == EIO && isDiskFull ? LMDBError(code: ENOSPC) : error
            fault = error
            throw error
        }
        memtable.forgetAll()
        fault = nil
        journal.turn(isAllApplied: true)
    }

    /// Has the other thread bring everything into the tree that was written until now; does it here after a fault.
    func handOver() throws(LMDBError) {
        waitForTree()
        if fault == nil, journal.fault == nil { startWriting() } else { try flush() }
    }

    /// Waits for what was handed over, and tries it once more where it failed.
    func checkHandOver() throws(LMDBError) {
        waitForTree()
        if fault != nil { try flush() }
    }

    /// LMDB takes a write that was cut short for a broken disk, where it may be a full one.
    private var isDiskFull: Bool {
        var status = statvfs()
        return [.noSpace, .diskQuotaExceeded, .fileTooLarge].contains(journal.fault)
            || statvfs(environment.path, &status) == 0 && status.f_bavail < 16
    }

    /// Repairs what can be repaired after a fault of the tree's; any other is thrown on.
    func recover(from fault: LMDBError, at now: Timestamp?) throws(StoreError) {
        waitForTree()
        defer { followDatabase() }
        try environment.recover(from: fault, at: now)
    }

    /// Opens what a fault left closed.
    func ready(at now: Timestamp?) throws(StoreError) {
        guard !environment.isOpen else { return }
        waitForTree()
        defer { followDatabase() }
        try environment.ready(at: now)
    }

    /// Looks whether the files are still those that were opened; returns whether the database was opened again.
    func reopenIfReplaced(at now: Timestamp) throws(StoreError) -> Bool {
        waitForTree()
        let isReopened = try environment.reopenIfReplaced(at: now)
        if isReopened {
            followDatabase()
            do throws(LMDBError) { try flush() } catch { throw error.storeError(path: environment.path) }
        }
        guard !journal.isInPlace else { return isReopened }
        report("lmdb://\(environment.path): its journal was removed or replaced while in use; writing a new one")
        do throws(LMDBError) { try flush() } catch { throw error.storeError(path: environment.path) }
        journal.close()
        return isReopened
    }

    /// Takes note of what the other thread has done.
    func settle() {
        let written = events.withLockedValue { events in
            defer { events.written = nil }
            return events.written
        }
        if let written { take(written) }
    }

    /// Hands the tree what it is to have, where it is time, or there is much of it.
    func startIfDue() {
        let isDue = events.withLockedValue { $0.isDue }
        let isMuch = memtable.active.count >= Self.bulk || journal.size >= Self.bulkSize
        guard !isWriting, isDue || isMuch && fault == nil else { return }
        if isDue {
            events.withLockedValue { $0.isDue = false }
            isTimed = false
        }
        startWriting()
    }

    /// Brings everything into the tree and removes the journal; where that can't be done, the next opening does it.
    func close() {
        do throws(LMDBError) {
            try flush()
            journal.removeFiles()
        } catch {
            journal.close()
            report("\(error.storeError(path: environment.path)): the next start takes in what is in the journal")
        }
        environment.close()
    }

    /// Ends the other thread.
    func shutDown() async {
        await writers.shutDown()
    }

    private func makeRoom() {
        if memtable.active.count >= Self.limit {
            waitForTree()
            startWriting()
        }
    }

    private func keepBatch() throws(LMDBError) {
        // It takes this batch with it.
        if fault != nil { return try flush() }
        let isKept = journal.append(&memtable.frame, isSynced: isSynced)
        if let code = journal.fault, !isJournalMissed {
            report(
                "lmdb://\(environment.path): can't write its journal: \(code); writes each batch into the database")
        }
        isJournalMissed = !isKept
        if isKept { memtable.keepBatch() } else { try flush() }
    }

    /// Hands the tree what came since the last time, or what it couldn't take the last time.
    private func startWriting() {
        guard !isWriting, !isFlushed, let writer = environment.writer else { return }
        if memtable.immutable.isEmpty {
            memtable.freeze()
            journal.turn(isAllApplied: false)
        }
        isWriting = true
        let target = Generation(database: journal.database, applied: journal.generation - 1)
        // With itself, the environment stays open as long as this takes.
        writers.run { [self, immutable = memtable.immutable, wake] in
            let result = Result { () throws(LMDBError) in try writer.write(immutable, WriteBuffer(), target) }
            events.withLockedValue { $0.written = result }
            wake()
        }
    }

    private func take(_ written: Result<Void, LMDBError>) {
        isWriting = false
        do throws(LMDBError) {
            do throws(LMDBError) {
                try environment.checkMaps()
                try written.get()
            } catch {
                guard error.code == LMDBError.mapFull || error.code == LMDBError.mapResized else { throw error }
                try environment.remap(after: error)
                return startWriting()
            }
            memtable.forgetImmutable()
            fault = nil
        } catch {
            fault = error
        }
        schedule()
    }

    /// Waits until the other thread is done.
    func waitForTree() {
        while isWriting {
            writers.wait()
            settle()
        }
    }

    private func schedule() {
        guard !isTimed, !isFlushed else { return }
        isTimed = true
        // A disk that is full isn't tried all the time.
        let interval = fault == nil ? interval : max(interval, .seconds(1))
        writers.schedule(interval) { [events, wake] in
            events.withLockedValue { $0.isDue = true }
            wake()
        }
    }

    /// Goes on with the database that is open by now.
    ///
    /// One that was begun from scratch in place of a damaged one has its number, and so its journals: what was on the way to the
    /// old one is written to it. Another one, which somebody put there, gets that at once, and journals of its own.
    private func followDatabase() {
        guard let opened = environment.generation else { return }
        if replacements != environment.replacements {
            replacements = environment.replacements
            fault = nil
        }
        guard opened.database != journal.database else { return }
        journal.close()
        journal = Journal(
            beside: environment.path, database: opened.database, generation: opened.applied + 1, files: files)
        // Where it fails now, the next batch takes it along.
        try? flush()
    }
}

/// The thread that writes the tree; in a test that has no threads what takes its place.
struct WriterThread: Sendable {
    typealias Task = @Sendable () -> Void

    /// Has something done there, after all that was handed over before.
    var run: @Sendable (@escaping Task) -> Void
    /// Has something done there when that time is over.
    var schedule: @Sendable (TimeAmount, @escaping Task) -> Void
    /// Waits until all is done that was handed over.
    var wait: @Sendable () -> Void
    /// Ends it.
    var shutDown: @Sendable () async -> Void

    /// A thread of its own.
    static func start() -> WriterThread {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        return WriterThread {
            loop.execute($0)
        } schedule: { time, task in
            loop.scheduleTask(in: time, task)
        } wait: {
            try? loop.submit {}.wait()
        } shutDown: {
            try? await group.shutdownGracefully()
        }
    }
}
