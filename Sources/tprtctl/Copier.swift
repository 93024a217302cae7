import Greylist
import Programs
import Storage

/// Copies entries from one store to another, slice by slice.
struct Copier {
    let source: any EntrySource
    /// Nil to read only.
    let target: (any Store)?
    let rules: Rules
    let hashesKeys: Bool
    let now: @Sendable () -> Timestamp
    /// How long to ask again where a store is away.
    var patience = Duration.seconds(10)
    /// Whether not to ask again any more.
    var isStopped: @Sendable () -> Bool = { false }

    /// Entries in a slice.
    static let slice = 1_000

    /// Copies a slice, adds it to the tally, and returns where to go on; nil at the end of the table.
    func copySlice(
        of table: Table, from cursor: Cursor?, counting tally: inout Tally
    ) async throws(CopyFault) -> Cursor? {
        let slice: ScannedSlice
        do throws(StoreError) {
            slice = try await patiently { () throws(StoreError) in
                try await source.scan(table, from: cursor, limit: Self.slice)
            }
        } catch {
            throw .source(error)
        }
        let now = now()
        let entries = slice.entries.lazy.filter { !$0.sighting.isExpired(at: now, under: rules) }
            .map { Entry(key: hashesKeys ? $0.key.hashed : $0.key, sighting: $0.sighting) }
        let live = Array(entries)
        if let target, !live.isEmpty {
            do throws(StoreError) {
                try await patiently { () throws(StoreError) in
                    try await target.merge(live, into: table, at: now, under: rules)
                }
            } catch {
                throw .target(error)
            }
        }
        tally.read += slice.entries.count
        tally.copied += live.count
        tally.expired += slice.entries.count - live.count
        return slice.next
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

/// Which side of a copy has a fault.
enum CopyFault: Error {
    case source(StoreError)
    case target(StoreError)
}

extension Key {
    /// The same as a digest.
    fileprivate var hashed: Key {
        switch self {
        case .digest: self
        case .text(let text): Key(text.span, isHashed: true)
        }
    }
}
