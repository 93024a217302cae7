import Greylist
import Import
import Programs
import Storage
import WhitelistFiles
import Whitelists

/// Puts the entries of a source into a store, slice by slice.
@MainActor
struct Importer {
    private let plan: ImportPlan
    private let target: ImportTarget
    private let stop: StopRequest
    private let total: Int
    private var screen: WhitelistScreen
    private var site: SiteEntries
    private var report: ImportSummary
    /// What is to be merged next.
    private var slices = PerTable<[Entry]> { _ in [] }
    /// The whitelist entries among them, where they are to be written.
    private(set) var whitelistEntries: [WhitelistEntry] = []

    /// Entries in a slice.
    private static let slice = 4_000

    init(
        _ plan: ImportPlan, into target: ImportTarget, screening screen: WhitelistScreen, total: Int, stop: StopRequest
    ) {
        self.plan = plan
        self.target = target
        self.screen = screen
        self.total = total
        self.stop = stop
        site = SiteEntries(
            masks: plan.site.masks, countsAddresses: plan.site.countsAddresses,
            foldsRecipient: plan.site.foldsRecipient, keys: plan.site.keys,
            keepsPostgreyDigests: plan.site.keepsPostgreyDigests)
        report = ImportSummary(kind: plan.kind, target: target.name, hasAutoWhitelist: plan.rules.clientCount > 0)
    }

    /// Imports everything.
    mutating func run(_ input: inout ImportInput) async throws(ProgramError) -> ImportSummary {
        let (start, total) = (ContinuousClock.now, total)
        var bar = ProgressBar()
        var read = 0
        while let entries = try input.next() {
            for entry in entries { place(entry) }
            read += entries.count
            if site.isFull { takeCounted() }
            for table in [Table.greylist, .autoWhitelist] where slices[table].count >= Self.slice {
                try await flush(table, read)
            }
            bar.show(ProgressLine(read: read, total: total, elapsed: ContinuousClock.now - start))
        }
        takeCounted()
        for table in [Table.greylist, .autoWhitelist] { try await flush(table, read) }
        report.counts = input.counts
        return report
    }

    // MARK: Placing

    private mutating func place(_ entry: ImportedEntry) {
        switch entry {
        case .triplet(let triplet):
            report.tables[.greylist].read += 1
            guard !isExpired(triplet.times.sighting, of: .greylist) else { return }
            let (sender, recipient) = (triplet.sender, triplet.recipient)
            guard !screen.covers(client: triplet.client, sender: sender, recipient: recipient) else {
                report.tables[.greylist].whitelisted += 1
                return
            }
        case .client(let client):
            report.tables[.autoWhitelist].read += 1
            guard report.hasAutoWhitelist else { return }
            let known = Sighting(passes: 1, first: client.first, last: client.last)
            guard !isExpired(known, of: .autoWhitelist) else { return }
            guard !screen.covers(client: client.client) else {
                report.tables[.autoWhitelist].whitelisted += 1
                return
            }
        case .digest(let digest):
            report.tables[digest.table].read += 1
            guard digest.table == .greylist || report.hasAutoWhitelist,
                !isExpired(digest.sighting, of: digest.table)
            else { return }
        case .whitelist(let entry):
            report.whitelistEntries += 1
            if plan.whitelistFile != nil, whitelistEntries.count < WhitelistLimits.list {
                whitelistEntries.append(entry)
            }
            return
        }
        switch site.place(entry) {
        case .entry(let entry, let table): slices[table].append(entry)
        case .counted, .whitelist: break
        case .leftOut(let reason): report.misplaced[reason, default: 0] += 1
        }
    }

    private mutating func isExpired(_ sighting: Sighting, of table: Table) -> Bool {
        guard sighting.isExpired(at: plan.options.now, under: plan.rules) else { return false }
        report.tables[table].expired += 1
        return true
    }

    private mutating func takeCounted() {
        slices[.autoWhitelist] += site.takeCounted()
    }

    // MARK: Merging

    private mutating func flush(_ table: Table, _ read: Int) async throws(ProgramError) {
        if let status = stop.status {
            throw ProgramError(
                status, "stopped after \(grouped(read)) of \(grouped(total)) entries; \(ImportRun.advice)")
        }
        let entries = slices[table]
        guard !entries.isEmpty else { return }
        slices[table].removeAll(keepingCapacity: true)
        do throws(ProgramError) {
            let new = try await target.merge(entries, into: table, at: WallClock.now(), under: plan.rules)
            report.tables[table].imported += entries.count
            report.tables[table].new = new.flatMap { count in report.tables[table].new.map { $0 + count } }
        } catch {
            let imported = report.tables[.greylist].imported + report.tables[.autoWhitelist].imported
            guard imported > 0 else { throw error }
            throw ProgramError(
                error.status, error.messages + ["\(grouped(imported)) entries were imported; \(ImportRun.advice)"])
        }
    }
}
