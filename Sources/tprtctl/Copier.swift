import Greylist
import Programs
import Storage

/// Copies entries from one store to another, slice by slice.
struct Copier {
    let source: any EntrySource
    /// Nil to read only.
    let target: (any Store)?
    let rules: Rules
    let ages: IdentityAges
    /// What plain keys become; nil: they stay.
    let keys: KeyScheme?
    let now: @Sendable () -> Timestamp
    /// How long to ask again where a store is away.
    var patience = Duration.seconds(10)
    /// Whether not to ask again any more.
    var isStopped: @Sendable () -> Bool = { false }

    /// Entries in a slice.
    static let slice = 1_000
    private static let minute: Int64 = 60

    /// Copies a slice, adds it to the counts, and returns where to go on; nil at the end of the table.
    func copySlice(
        of table: Table, from cursor: Cursor?, counting counts: inout CopyCounts
    ) async throws(CopyError) -> Cursor? {
        let (live, slice) = try await read(table, from: cursor)
        if !live.isEmpty { try await merge(live, into: table) }
        counts.read += slice.entries.count
        counts.copied += live.count
        counts.expired += slice.entries.count - live.count
        return slice.next
    }

    /// Looks whether the target has what a slice of the source has, and adds what is missing there.
    ///
    /// That is what came meanwhile, and what a target has lost that was thought to have it: one that was emptied or
    /// replaced, or that throws entries away.
    func checkSlice(
        of table: Table, from cursor: Cursor?, counting counts: inout CopyCounts
    ) async throws(CopyError) -> Cursor? {
        let (live, slice) = try await read(table, from: cursor)
        let missing = try await missing(live, from: table)
        if !missing.isEmpty {
            try await merge(missing, into: table)
            counts.lost += try await self.missing(missing, from: table).count
        }
        counts.read += slice.entries.count
        counts.copied += live.count
        counts.expired += slice.entries.count - live.count
        counts.added += missing.count
        return slice.next
    }

    /// The entries of a slice that aren't expired, as they are to be in the target; and the slice.
    private func read(
        _ table: Table, from cursor: Cursor?
    ) async throws(CopyError) -> (live: [Entry], slice: ScannedSlice) {
        let slice: ScannedSlice
        do throws(StoreError) {
            slice = try await patiently { () throws(StoreError) in
                try await source.scan(table, from: cursor, limit: Self.slice)
            }
        } catch {
            throw .source(error)
        }
        let now = now()
        let live = slice.entries.lazy.filter { !isExpired($0, of: table, at: now) }
            .map { Entry(key: key($0.key, of: table), sighting: $0.sighting) }
        return (Array(live), slice)
    }

    private func isExpired(_ entry: Entry, of table: Table, at now: Timestamp) -> Bool {
        table == .identity
            ? ages.areExceeded(by: entry, at: now) : entry.sighting.isExpired(at: now, under: rules)
    }

    /// The key as it is to be in the target: those that name organisations are plain in every store, and of a digest no
    /// other one can be made.
    private func key(_ key: Key, of table: Table) -> Key {
        guard let keys, case .text(let text) = key, table != .identity || key.organisation == nil else { return key }
        return keys.key(text.span)
    }

    private func merge(_ entries: [Entry], into table: Table) async throws(CopyError) {
        guard let target else { return }
        do throws(StoreError) {
            try await patiently { () throws(StoreError) in
                if table == .identity {
                    try await target.mergeIdentities(entries, at: now(), under: rules, ages: ages)
                } else {
                    try await target.merge(entries, into: table, at: now(), under: rules)
                }
            }
        } catch {
            throw .target(error)
        }
    }

    /// Those of the entries that the target hasn't, but for such as expire in this very minute.
    private func missing(_ entries: [Entry], from table: Table) async throws(CopyError) -> [Entry] {
        guard let target, !entries.isEmpty else { return [] }
        let soon = Timestamp(seconds: now().seconds + Self.minute)
        do throws(StoreError) {
            let absent = try await patiently { () throws(StoreError) in
                try await target.absent(entries.map(\.key), from: table)
            }
            return absent.map { entries[$0] }.filter { !isExpired($0, of: table, at: soon) }
        } catch {
            throw .target(error)
        }
    }

    /// Asks again for a while where a store doesn't answer: a Redis may be about to change its master.
    private func patiently<Answer>(
        _ ask: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let deadline = ContinuousClock.now + patience
        while true {
            do throws(StoreError) {
                return try await ask()
            } catch {
                guard error.code == .unavailable, ContinuousClock.now < deadline, !isStopped() else { throw error }
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }
}

/// Which end of a copy has failed.
enum CopyError: Error {
    case source(StoreError)
    case target(StoreError)
}

/// What a copy of a table came to, so far.
struct CopyCounts: Equatable {
    /// Entries that were read.
    var read = 0
    /// Entries that were handed over, those that the target knew already among them.
    var copied = 0
    /// Entries that were left out.
    var expired = 0
    /// Entries that the check afterwards found missing in the target, and added.
    var added = 0
    /// Those of them that were missing even then.
    var lost = 0
    /// The time it took, in milliseconds.
    var milliseconds = 0
}
