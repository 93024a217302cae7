import CProcess
import FileStorage
import Glibc
import Programs
import Storage
import TrustedFiles

/// One run of a copy, from opening the stores to the report.
@MainActor
struct CopyRun {
    private let plan: CopyPlan
    private var state: StateDirectory
    private let stateOf: (FileUser) -> StateDirectory
    private var file: CheckpointFile
    private let beginsAnew: Bool
    private var sourceStores: StoreFactory
    private var targetStores: StoreFactory
    /// Whether the checkpoint is kept for the next run.
    private var keepsCheckpoint: Bool
    /// How many entries an earlier run had read, from whose checkpoint this one went on.
    private var resumedAfter = 0

    /// A run that keeps its checkpoint in a state directory: that of the user that root becomes, where it does.
    ///
    /// - Parameter boot: which boot this is; nil where that is unknown
    init(
        _ plan: CopyPlan, state: StateDirectory, stateOf: @escaping (FileUser) -> StateDirectory, boot: BootID?,
        beginsAnew: Bool
    ) {
        self.plan = plan
        self.state = state
        self.stateOf = stateOf
        self.beginsAnew = beginsAnew
        file = CheckpointFile(of: plan, in: state)
        sourceStores = Self.stores(for: plan.source, boot: boot)
        targetStores = Self.stores(for: plan.target, boot: boot)
        keepsCheckpoint = plan.source.keepsCursors && !plan.isDryRun
    }

    func run() async throws(ProgramError) -> CopyReport {
        for assumption in plan.assumptions { note(assumption) }
        var copy = self
        let explanation = try copy.becomeOwner()
        let (source, target): (any EntrySource, (any Store)?)
        do throws(ProgramError) {
            (source, target) = try await copy.openStores()
        } catch {
            throw ProgramError(error.status, error.messages + explanation)
        }
        let stop = await StopRequest(message: "stopped while a store didn't answer; \(advice)")
        let copier = Copier(
            source: source, target: target, rules: plan.rules, ages: plan.ages, keys: plan.keys,
            now: WallClock.now, isStopped: { stop.status != nil })
        let result: Result<CopyReport, ProgramError>
        do throws(ProgramError) {
            result = .success(try await copy.copy(with: copier, until: stop))
        } catch {
            result = .failure(error)
        }
        await source.close()
        await target?.close()
        return try result.get()
    }

    /// Becomes whom the databases belong to, where root copies; passwords and keys are read before.
    ///
    /// - Returns: what is to be said beside a fault; nothing where the process stays who it is
    private mutating func becomeOwner() throws(ProgramError) -> [String] {
        do throws(StoreError) {
            try sourceStores.load(plan.source.location)
        } catch {
            throw ProgramError(source: error)
        }
        do throws(StoreError) {
            if !plan.isDryRun { try targetStores.load(plan.target.location) }
        } catch {
            throw ProgramError(target: error)
        }
        guard let owner = try plan.becomeOwner() else { return [] }
        state = stateOf(owner)
        file = CheckpointFile(of: plan, in: state)
        return [
            "root became user \(owner.name), whose one of these files or its directory is, and has only that user's rights"
        ]
    }

    /// Opens both; a Redis to read comes last, since connecting to it takes threads, and the look at an LMDB file
    /// wants none.
    private func openStores() async throws(ProgramError) -> (any EntrySource, (any Store)?) {
        let file = plan.source.keepsCursors ? try openSource() : nil
        do throws(ProgramError) {
            let target = try await openTarget()
            if let file { return (file, target) }
            return (try openSource(), target)
        } catch {
            await file?.close()
            throw error
        }
    }

    private func openSource() throws(ProgramError) -> any EntrySource {
        do throws(StoreError) {
            return try sourceStores.openSource(
                plan.source.location, holding: plan.tables[0], isSalvaged: plan.isSalvaged)
        } catch {
            throw ProgramError(source: error)
        }
    }

    private func openTarget() async throws(ProgramError) -> (any Store)? {
        if plan.isDryRun { return nil }
        do throws(StoreError) {
            return try await targetStores.openTarget(plan.target.location, holding: plan.tables[0])
        } catch {
            throw ProgramError(target: error)
        }
    }

    private static func stores(for endpoint: CopyEndpoint, boot: BootID?) -> StoreFactory {
        StoreFactory(keyPrefix: endpoint.keyPrefix, boot: boot, now: WallClock.now, report: { note($0) })
    }

    private mutating func copy(with copier: Copier, until stop: StopRequest) async throws(ProgramError) -> CopyReport {
        var checkpoint = begin()
        defer { ProgressBar.wipe() }
        let total = await count(copier.source)
        try await walk(&checkpoint, total, until: stop) { (table, cursor, counts) async throws(CopyError) in
            try await copier.copySlice(of: table, from: cursor, counting: &counts)
        }
        if !plan.isDryRun {
            let copied = checkpoint
            checkpoint = CopyCheckpoint(plan.tables)
            for index in checkpoint.tables.indices {
                checkpoint.tables[index].counts.milliseconds = copied.tables[index].counts.milliseconds
            }
            try await check(&checkpoint, after: copied, total, with: copier, until: stop)
        }
        if keepsCheckpoint { file.remove() }
        return CopyReport(
            source: "\(plan.source)", target: "\(plan.target)", isDryRun: plan.isDryRun, tables: checkpoint.tables,
            flaw: copier.source.flaw)
    }

    /// Goes through what the source has once more: a copy is whole, or it is said that it isn't.
    ///
    /// The checkpoint that is kept stays that of a copy that is done, so that a run after an interruption comes here again.
    private mutating func check(
        _ checkpoint: inout CopyCheckpoint, after copied: CopyCheckpoint, _ total: Int?, with copier: Copier,
        until stop: StopRequest
    ) async throws(ProgramError) {
        keep(copied, atOnce: true)
        let keepsCheckpoint = keepsCheckpoint
        self.keepsCheckpoint = false
        defer { self.keepsCheckpoint = keepsCheckpoint }
        try await walk(&checkpoint, total, until: stop) { (table, cursor, counts) async throws(CopyError) in
            try await copier.checkSlice(of: table, from: cursor, counting: &counts)
        }
        let lost = checkpoint.tables.reduce(0) { $0 + $1.counts.lost }
        guard lost == 0 else {
            throw ProgramError(
                .dataError,
                "\(plan.target): \(grouped(lost)) entries that were copied aren't there: the copy is not complete")
        }
        let (before, now) = (copied.copied, checkpoint.copied)
        let added = checkpoint.tables.reduce(0) { $0 + $1.counts.added }
        if resumedAfter > 0, added > max(0, now - before) {
            note("\(grouped(added)) entries were missing in the target after the interrupted copy; copied again")
        }
    }

    /// Goes through the tables, slice by slice, from that checkpoint on.
    private mutating func walk(
        _ checkpoint: inout CopyCheckpoint, _ total: Int?, until stop: StopRequest,
        slice: (Table, Cursor?, inout CopyCounts) async throws(CopyError) -> Cursor?
    ) async throws(ProgramError) {
        var bar = ProgressBar()
        let readBefore = checkpoint.read
        let start = ContinuousClock.now
        for index in checkpoint.tables.indices where !checkpoint.tables[index].isDone {
            let before = checkpoint.tables[index].counts.milliseconds
            let tableStart = ContinuousClock.now
            repeat {
                if let status = stop.status {
                    keep(checkpoint, atOnce: true)
                    throw ProgramError(status, message(checkpoint, total))
                }
                var progress = checkpoint.tables[index]
                do throws(CopyError) {
                    progress.cursor = try await slice(progress.table, progress.cursor, &progress.counts)
                } catch {
                    keep(checkpoint, atOnce: true)
                    throw ProgramError(error, checkpoint.read > 0 ? message(checkpoint, total) : nil)
                }
                progress.isDone = progress.cursor == nil
                progress.counts.milliseconds = before + (ContinuousClock.now - tableStart).wholeMilliseconds
                checkpoint.tables[index] = progress
                keep(checkpoint, atOnce: false)
                bar.show(
                    ProgressLine(
                        read: checkpoint.read, readBefore: readBefore, total: total,
                        elapsed: ContinuousClock.now - start))
            } while !checkpoint.tables[index].isDone
        }
    }

    /// Where to begin: where the run before was interrupted, if there was one.
    private mutating func begin() -> CopyCheckpoint {
        var fresh = CopyCheckpoint(plan.tables)
        fresh.files = files
        guard keepsCheckpoint else { return fresh }
        state.make()
        guard !beginsAnew else { return fresh }
        do throws(CheckpointError) {
            guard let checkpoint = try file.read() else { return fresh }
            guard checkpoint.files == files else {
                note(
                    "the copy was interrupted, and its source or its target is another file by now; starting from scratch"
                )
                return fresh
            }
            resumedAfter = checkpoint.read
            note("going on after \(grouped(checkpoint.read)) entries, where the copy was interrupted")
            return checkpoint
        } catch {
            note("\(error); starting from scratch")
            return fresh
        }
    }

    /// What the files of both stores are known by: those that have taken their place since are others.
    private var files: String {
        [plan.source, plan.target].map { $0.location.fileIdentity ?? "-" }.joined(separator: " ")
    }

    /// How many entries there are; nil where the source doesn't know.
    private func count(_ source: any EntrySource) async -> Int? {
        var total = 0
        for table in plan.tables {
            guard let count = try? await source.count(table) else { return nil }
            total += count
        }
        return total
    }

    private mutating func keep(_ checkpoint: CopyCheckpoint, atOnce: Bool) {
        guard keepsCheckpoint, checkpoint.read > 0 else { return }
        do throws(CheckpointError) {
            if atOnce { try file.write(checkpoint) } else { try file.note(checkpoint) }
        } catch {
            keepsCheckpoint = false
            note("\(error): if this copy is interrupted, the next one starts from scratch")
        }
    }

    private func message(_ checkpoint: CopyCheckpoint, _ total: Int?) -> String {
        let all = total.map { " of \(grouped($0))" } ?? ""
        return "stopped after \(grouped(checkpoint.read))\(all) entries; \(advice)"
    }

    private var advice: String {
        keepsCheckpoint
            ? "the same command goes on there (--from-start: from the beginning)"
            : "run it again: what was copied already is only read"
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int { Int(self / .milliseconds(1)) }
}

extension CopyPlan {
    /// Has root become the user whose the databases of the copy are, for good.
    ///
    /// - Returns: that user; nil where the process stays who it is
    func becomeOwner() throws(ProgramError) -> FileUser? {
        let from = try Self.owner(of: source)
        let to = isDryRun ? nil : try Self.owner(of: target)
        guard let user = from ?? to else { return nil }
        if let from, let to, from.user != to.user {
            throw ProgramError(
                .noPermission,
                "\(source) belongs to \(from.name) and \(target) to \(to.name): root copies only between files of one user "
                    + "(copy as one of them, to where both may read)")
        }
        guard user.become() else {
            throw ProgramError(
                .noPermission,
                "the database belongs to \(user.name), and root can't become that user: it needs CAP_SETUID and CAP_SETGID"
            )
        }
        return user
    }

    private static func owner(of endpoint: CopyEndpoint) throws(ProgramError) -> FileUser? {
        do throws(FileError) {
            return try DatabaseOwner.of(endpoint.location)
        } catch {
            throw ProgramError(.noPermission, error.description)
        }
    }
}

/// Has what follows done by a child of this process, so that a database that crashes its reader ends in a sentence.
///
/// LMDB trusts the pages of its files. A look through a file finds what is damaged when it is opened; a file that is
/// truncated or written over while it is read is met without warning.
enum CrashBarrier {
    /// The ends that damaged files bring about.
    private static var crashes: [CInt] { [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP] }

    /// Returns in the child; the parent waits for it, passes signals on to it, and ends as it does.
    ///
    /// Where there can be no child, it is done without.
    ///
    /// - Parameters:
    ///   - stores: what is read and written, for the sentence
    ///   - work: what is done with it, for the sentence
    static func enter(what stores: String, work: String = "copy") throws(ProgramError) {
        var status: CInt = 0
        guard tprt_run_in_child(&status) == 1 else { return }
        let signal = status & 0x7f
        if signal == 0 { exit(status >> 8 & 0xff) }
        ProgressBar.wipe()
        throw failure(afterSignal: signal, stores, work: work)
    }

    /// What is said of a child that a signal ended.
    static func failure(afterSignal signal: CInt, _ stores: String, work: String = "copy") -> ProgramError {
        // Until it writes, the child does nothing about these.
        if signal == SIGINT { return ProgramError(.interrupted, "stopped before anything was written") }
        if signal == SIGTERM { return ProgramError(.terminated, "stopped before anything was written") }
        guard !crashes.contains(signal) else {
            return ProgramError(
                .dataError,
                "\(stores): damaged, or changed while it was read (signal \(signal)): "
                    + "the \(work) is not complete")
        }
        return ProgramError(.software, "ended by signal \(signal): the \(work) is not complete")
    }
}
