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
    private var file: PlaceFile
    private let beginsAnew: Bool
    private var sourceBackend: Backend
    private var targetBackend: Backend
    /// Whether the place is kept for the next run.
    private var keepsPlace: Bool
    /// How many entries an earlier run had read, with whose place this one went on.
    private var resumedAfter = 0

    /// A run that keeps its place in a state directory: that of the user that root becomes, where it does.
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
        file = PlaceFile(of: plan, in: state)
        sourceBackend = Self.backend(for: plan.source, boot: boot)
        targetBackend = Self.backend(for: plan.target, boot: boot)
        keepsPlace = plan.source.keepsCursors && !plan.isDryRun
    }

    func run() async throws(Failure) -> CopyReport {
        for assumption in plan.assumptions { note(assumption) }
        var copy = self
        let explanation = try copy.becomeOwner()
        let (source, target): (any EntrySource, (any CopyTarget)?)
        do throws(Failure) {
            (source, target) = try await copy.openStores()
        } catch {
            throw Failure(error.status, error.messages + explanation)
        }
        let stop = await StopRequest(sentence: "stopped while a store didn't answer; \(advice)")
        let copier = Copier(
            source: source, target: target, rules: plan.rules, hashesKeys: plan.hashesKeys, now: WallClock.now,
            isStopped: { stop.status != nil })
        let result: Result<CopyReport, Failure>
        do throws(Failure) {
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
    private mutating func becomeOwner() throws(Failure) -> [String] {
        do throws(StoreError) {
            try sourceBackend.load(plan.source.location)
        } catch {
            throw Failure(source: error)
        }
        do throws(StoreError) {
            if !plan.isDryRun { try targetBackend.load(plan.target.location) }
        } catch {
            throw Failure(target: error)
        }
        guard let owner = try plan.becomeOwner() else { return [] }
        state = stateOf(owner)
        file = PlaceFile(of: plan, in: state)
        return [
            "root became user \(owner.name), whose one of these files or its directory is, and has only that user's rights"
        ]
    }

    /// Opens both; a Redis to read comes last, since connecting to it takes threads, and the look at an LMDB file
    /// wants none.
    private func openStores() async throws(Failure) -> (any EntrySource, (any CopyTarget)?) {
        let file = plan.source.keepsCursors ? try openSource() : nil
        do throws(Failure) {
            let target = try await openTarget()
            if let file { return (file, target) }
            return (try openSource(), target)
        } catch {
            await file?.close()
            throw error
        }
    }

    private func openSource() throws(Failure) -> any EntrySource {
        do throws(StoreError) {
            return try sourceBackend.openSource(
                plan.source.location, holding: plan.tables[0], isSalvaged: plan.isSalvaged)
        } catch {
            throw Failure(source: error)
        }
    }

    private func openTarget() async throws(Failure) -> (any CopyTarget)? {
        if plan.isDryRun { return nil }
        do throws(StoreError) {
            return try await targetBackend.openTarget(plan.target.location, holding: plan.tables[0])
        } catch {
            throw Failure(target: error)
        }
    }

    private static func backend(for side: StoreSide, boot: BootID?) -> Backend {
        Backend(keyPrefix: side.keyPrefix, boot: boot, now: WallClock.now, report: { note($0) })
    }

    private mutating func copy(with copier: Copier, until stop: StopRequest) async throws(Failure) -> CopyReport {
        var place = begin()
        defer { ProgressBar.wipe() }
        let total = await count(copier.source)
        try await walk(&place, total, until: stop) { (table, cursor, tally) async throws(CopyFault) in
            try await copier.copySlice(of: table, from: cursor, counting: &tally)
        }
        if !plan.isDryRun {
            let copied = place
            place = CopyPlace(plan.tables)
            for index in place.tables.indices {
                place.tables[index].tally.milliseconds = copied.tables[index].tally.milliseconds
            }
            try await check(&place, after: copied, total, with: copier, until: stop)
        }
        if keepsPlace { file.remove() }
        return CopyReport(
            source: "\(plan.source)", target: "\(plan.target)", isDryRun: plan.isDryRun, tables: place.tables,
            flaw: copier.source.flaw)
    }

    /// Goes through what the source has once more: a copy is whole, or it is said that it isn't.
    ///
    /// The place that is kept stays that of a copy that is done, so that a run after an interruption comes here again.
    private mutating func check(
        _ place: inout CopyPlace, after copied: CopyPlace, _ total: Int?, with copier: Copier, until stop: StopRequest
    ) async throws(Failure) {
        keep(copied, atOnce: true)
        let keepsPlace = keepsPlace
        self.keepsPlace = false
        defer { self.keepsPlace = keepsPlace }
        try await walk(&place, total, until: stop) { (table, cursor, tally) async throws(CopyFault) in
            try await copier.checkSlice(of: table, from: cursor, counting: &tally)
        }
        let lost = place.tables.reduce(0) { $0 + $1.tally.lost }
        guard lost == 0 else {
            throw Failure(
                .dataError,
                "\(plan.target): \(grouped(lost)) entries that were copied aren't there: the copy is not complete")
        }
        let (before, now) = (copied.copied, place.copied)
        let added = place.tables.reduce(0) { $0 + $1.tally.added }
        if resumedAfter > 0, added > max(0, now - before) {
            note("\(grouped(added)) entries were missing in the target after the interrupted copy; copied again")
        }
    }

    /// Goes through the tables, slice by slice, from that place on.
    private mutating func walk(
        _ place: inout CopyPlace, _ total: Int?, until stop: StopRequest,
        slice: (Table, Cursor?, inout Tally) async throws(CopyFault) -> Cursor?
    ) async throws(Failure) {
        var bar = ProgressBar()
        let readBefore = place.read
        let start = ContinuousClock.now
        for index in place.tables.indices where !place.tables[index].isDone {
            let before = place.tables[index].tally.milliseconds
            let tableStart = ContinuousClock.now
            repeat {
                if let status = stop.status {
                    keep(place, atOnce: true)
                    throw Failure(status, sentence(place, total))
                }
                var progress = place.tables[index]
                do throws(CopyFault) {
                    progress.cursor = try await slice(progress.table, progress.cursor, &progress.tally)
                } catch {
                    keep(place, atOnce: true)
                    throw Failure(error, place.read > 0 ? sentence(place, total) : nil)
                }
                progress.isDone = progress.cursor == nil
                progress.tally.milliseconds = before + (ContinuousClock.now - tableStart).wholeMilliseconds
                place.tables[index] = progress
                keep(place, atOnce: false)
                bar.show(
                    ProgressLine(
                        read: place.read, readBefore: readBefore, total: total, elapsed: ContinuousClock.now - start))
            } while !place.tables[index].isDone
        }
    }

    /// Where to begin: where the run before was interrupted, if there was one.
    private mutating func begin() -> CopyPlace {
        var fresh = CopyPlace(plan.tables)
        fresh.files = files
        guard keepsPlace else { return fresh }
        state.make()
        guard !beginsAnew else { return fresh }
        do throws(PlaceFault) {
            guard let place = try file.read() else { return fresh }
            guard place.files == files else {
                note("the copy was interrupted, and its source or its target is another file by now; beginning anew")
                return fresh
            }
            resumedAfter = place.read
            note("going on after \(grouped(place.read)) entries, where the copy was interrupted")
            return place
        } catch {
            note("\(error); beginning anew")
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

    private mutating func keep(_ place: CopyPlace, atOnce: Bool) {
        guard keepsPlace, place.read > 0 else { return }
        do throws(PlaceFault) {
            if atOnce { try file.write(place) } else { try file.note(place) }
        } catch {
            keepsPlace = false
            note("\(error): if this copy is interrupted, the next one begins anew")
        }
    }

    private func sentence(_ place: CopyPlace, _ total: Int?) -> String {
        let all = total.map { " of \(grouped($0))" } ?? ""
        return "stopped after \(grouped(place.read))\(all) entries; \(advice)"
    }

    private var advice: String {
        keepsPlace
            ? "the same command goes on there (--from-start: anew)"
            : "run it again: what was copied already is only read"
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int { Int(self / .milliseconds(1)) }
}
