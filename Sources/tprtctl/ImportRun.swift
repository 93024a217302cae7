import FileStorage
import Greylist
import Import
import Programs
import Storage
import StoreURLs
import WhitelistFiles
import Whitelists

/// One run of an import, from opening the sources to the report.
///
/// Everything is read twice: at first to see that it is whole, then to import it.
@MainActor
struct ImportRun {
    private let plan: ImportPlan
    private let boot: BootID?

    /// - Parameter boot: which boot this is; nil where that is unknown
    init(_ plan: ImportPlan, boot: BootID?) {
        self.plan = plan
        self.boot = boot
    }

    func run() async throws(ProgramError) -> ImportSummary {
        let start = ContinuousClock.now
        let list = try plan.whitelistFile.map { path throws(ProgramError) in try Self.newFile(at: path) }
        // As root, everything is opened that another user may not.
        var input = try ImportInput(plan)
        let daemon = try plan.socket.flatMap { path throws(ProgramError) in
            try ImportTarget.daemon(at: path, isNamed: plan.isSocketNamed, plan.site.description)
        }
        var factory = stores()
        let screen = plan.hasRemoteWhitelists ? nil : try plan.screen()
        let explanation = daemon == nil ? try becomeOwner(&factory) : []
        let total = try Self.check(&input)
        let target: ImportTarget
        do throws(ProgramError) {
            target = if let daemon { daemon } else { try await open(with: factory) }
        } catch {
            throw ProgramError(error.status, error.messages + explanation)
        }
        let stop = await StopRequest(message: "stopped while a store didn't answer; \(Self.advice)")
        let result: Result<ImportSummary, ProgramError>
        do throws(ProgramError) {
            let screen = if let screen { screen } else { try plan.screen() }
            var importer = Importer(plan, into: target, screening: screen, total: total, stop: stop)
            var report = try await importer.run(&input)
            report.seconds = (ContinuousClock.now - start) / .seconds(1)
            if let list, !importer.whitelistEntries.isEmpty {
                try list.replace(by: Array(Self.text(of: importer.whitelistEntries).utf8))
                report.whitelistFile = plan.whitelistFile
            }
            result = .success(report)
        } catch {
            result = .failure(error)
        }
        ProgressBar.wipe()
        await target.close()
        return try result.get()
    }

    static let advice = "run it again: what was imported already stays as it is"

    /// Reads everything once; how many entries there are.
    private static func check(_ input: inout ImportInput) throws(ProgramError) -> Int {
        defer { ProgressBar.wipe() }
        var bar = ProgressBar()
        let start = ContinuousClock.now
        while try input.next() != nil {
            let read = input.counts.entries
            bar.show(ProgressLine(read: read, elapsed: ContinuousClock.now - start))
        }
        let total = input.counts.entries
        try input.restart()
        return total
    }

    private static func newFile(at path: String) throws(ProgramError) -> FileReplacement {
        let file = try FileReplacement(of: path)
        guard !file.exists else {
            throw ProgramError(.cannotCreate, "--whitelist-file: \(path) exists; name another file, or move it away")
        }
        return file
    }

    private static func text(of entries: [WhitelistEntry]) -> String {
        var lists = EntryLists(unlisted: "imported")
        lists.append(entries)
        return lists.text
    }

    // MARK: Stores

    private func stores() -> StoreFactory {
        var factory = StoreFactory(keyPrefix: plan.keyPrefix, boot: boot, now: WallClock.now, report: { note($0) })
        factory.separatesTables = plan.separatesTables
        return factory
    }

    /// Becomes whose the databases are, where root imports; passwords and keys are read before.
    private func becomeOwner(_ factory: inout StoreFactory) throws(ProgramError) -> [String] {
        guard case .stores(let greylist, let autoWhitelist) = plan.target else { return [] }
        do throws(StoreError) {
            try factory.load(greylist)
            if let autoWhitelist { try factory.load(autoWhitelist) }
        } catch {
            throw ProgramError(error)
        }
        return try plan.becomeOwner()
    }

    private func open(with factory: StoreFactory) async throws(ProgramError) -> ImportTarget {
        guard case .stores(let greylist, let autoWhitelist) = plan.target else { return .none }
        guard greylist != .memory, autoWhitelist != .memory else {
            throw ProgramError(.usage, "a memory: store ends with its process: name another one (--to)")
        }
        let places = [greylist] + (autoWhitelist.map { $0 == greylist ? [] : [$0] } ?? [])
        let name = places.map { "\(CopyEndpoint(location: $0, keyPrefix: plan.keyPrefix))" }.joined(separator: " and ")
        do throws(StoreError) {
            guard places.count > 1 else {
                let store = try await factory.openTarget(greylist, holding: .greylist)
                return .stores(greylist: store, autoWhitelist: nil, name: name)
            }
            // A look at an LMDB file wants to be the first thing that happens.
            if case .redis = greylist {
                let clients = try await factory.openTarget(places[1], holding: .autoWhitelist)
                let triplets = try await factory.openTarget(greylist, holding: .greylist)
                return .stores(greylist: triplets, autoWhitelist: clients, name: name)
            }
            let triplets = try await factory.openTarget(greylist, holding: .greylist)
            let clients = try await factory.openTarget(places[1], holding: .autoWhitelist)
            return .stores(greylist: triplets, autoWhitelist: clients, name: name)
        } catch {
            guard error.code == .inUse else { throw ProgramError(target: error) }
            throw ProgramError(
                .unavailable,
                "\(error): if that is tprtd, set server.control_socket, to import through it, or stop it")
        }
    }
}
