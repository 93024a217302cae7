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

    /// A run that keeps its place in a state directory: that of the user that root becomes, where it does.
    init(
        _ plan: CopyPlan, state: StateDirectory, stateOf: @escaping (FileUser) -> StateDirectory, beginsAnew: Bool
    ) {
        self.plan = plan
        self.state = state
        self.stateOf = stateOf
        self.beginsAnew = beginsAnew
        file = PlaceFile(of: plan, in: state)
        sourceBackend = Self.backend(for: plan.source)
        targetBackend = Self.backend(for: plan.target)
        keepsPlace = plan.source.keepsCursors && !plan.isDryRun
    }

    func run() async throws(Failure) -> CopyReport {
        for assumption in plan.assumptions { note(assumption) }
        var copy = self
        let explanation = try copy.becomeOwner()
        let (source, target): (any EntrySource, (any Store)?)
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
    private func openStores() async throws(Failure) -> (any EntrySource, (any Store)?) {
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
            return try sourceBackend.openSource(plan.source.location, holding: plan.tables[0])
        } catch {
            throw Failure(source: error)
        }
    }

    private func openTarget() async throws(Failure) -> (any Store)? {
        if plan.isDryRun { return nil }
        do throws(StoreError) {
            return try await targetBackend.openTarget(plan.target.location, holding: plan.tables[0])
        } catch {
            throw Failure(target: error)
        }
    }

    private static func backend(for side: StoreSide) -> Backend {
        Backend(keyPrefix: side.keyPrefix, now: WallClock.now, report: { note($0) })
    }

    private mutating func copy(with copier: Copier, until stop: StopRequest) async throws(Failure) -> CopyReport {
        var place = begin()
        var bar = ProgressBar()
        defer { ProgressBar.wipe() }
        let readBefore = place.read
        let total = await count(copier.source)
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
                    progress.cursor = try await copier.copySlice(
                        of: progress.table, from: progress.cursor, counting: &progress.tally)
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
        if keepsPlace { file.remove() }
        return CopyReport(
            source: "\(plan.source)", target: "\(plan.target)", isDryRun: plan.isDryRun, tables: place.tables)
    }

    /// Where to begin: where the run before was interrupted, if there was one.
    private func begin() -> CopyPlace {
        let fresh = CopyPlace(plan.tables)
        guard keepsPlace else { return fresh }
        state.make()
        guard !beginsAnew else { return fresh }
        do throws(PlaceFault) {
            guard let place = try file.read() else { return fresh }
            note("going on after \(grouped(place.read)) entries, where the copy was interrupted")
            return place
        } catch {
            note("\(error); beginning anew")
            return fresh
        }
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
