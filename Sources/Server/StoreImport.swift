public import Control
import Glibc
public import Greylist
import NIOConcurrencyHelpers
public import Storage

/// Adds entries to the store while the daemon answers mail: what `tprtctl import` asks for, slice by slice.
///
/// As maintenance does, it takes at most half of the store's time.
public struct StoreImport: Sendable {
    /// What entries must fit.
    public struct Options: Sendable {
        /// What the daemon makes its keys by.
        public var site: String
        /// By which entries expire.
        public var rules: Rules
        /// The tables that are open.
        public var tables: [Table]

        /// Such options.
        public init(site: String, rules: Rules, tables: [Table]) {
            self.site = site
            self.rules = rules
            self.tables = tables
        }
    }

    /// How far in the future an entry may be, as another machine's clock may have it.
    private static let day: Int64 = 86_400

    private let store: any Store
    /// They may change between two slices.
    private let options: NIOLockedValueBox<Options>
    private let now: @Sendable () -> Timestamp
    private let isStoreUnavailable: @Sendable () -> Bool

    /// Imports into that store.
    ///
    /// - Parameter isStoreUnavailable: whether to leave the store alone
    public init(
        store: any Store, options: Options, now: @escaping @Sendable () -> Timestamp,
        isStoreUnavailable: @escaping @Sendable () -> Bool = { false }
    ) {
        self.store = store
        self.options = NIOLockedValueBox(options)
        self.now = now
        self.isStoreUnavailable = isStoreUnavailable
    }

    /// Changes the options from the next slice on.
    public func change(to options: Options) {
        self.options.withLockedValue { $0 = options }
    }

    /// Carries out an order; all of it, or nothing where anything is wrong with it.
    public func carryOut(_ request: ControlRequest) async -> ControlReply {
        let options = options.withLockedValue { $0 }
        guard let order = ImportOrder(request),
            let table = Table.allCases.first(where: { $0.name == order.table && $0 != .identity })
        else {
            return ControlReply(status: EX_USAGE, warnings: ["malformed import (expected settings, a table, entries)"])
        }
        guard order.site == options.site else {
            return ControlReply(
                status: EX_CONFIG,
                warnings: [
                    "the daemon makes its keys by other settings: \(options.site); those read here: \(order.site): "
                        + "name its configuration (-c), or have it reload or restart"
                ])
        }
        guard options.tables.contains(table) else {
            return ControlReply(
                status: EX_CONFIG, warnings: ["the daemon has no \(table.name) (awl_client_count is 0)"])
        }
        let latest = now().seconds + Self.day
        var entries: [Entry] = []
        entries.reserveCapacity(order.lines.count)
        for line in order.lines {
            guard let entry = Entry(line: line), entry.sighting.last.seconds <= latest else {
                return ControlReply(
                    status: EX_DATAERR, warnings: ["an entry can't be read: nothing of this slice was added"])
            }
            entries.append(entry)
        }
        guard !isStoreUnavailable() else { return .unavailable("store unavailable; try again") }
        return await merge(entries, into: table, options.rules)
    }

    private func merge(_ entries: [Entry], into table: Table, _ rules: Rules) async -> ControlReply {
        guard !entries.isEmpty else { return ImportReceipt(new: nil).reply }
        let start = ContinuousClock.now
        let new: Int
        do throws(StoreError) {
            let absent = try await store.absent(entries.map(\.key), from: table)
            new = Set(absent.lazy.map { entries[$0].key }).count
            try await store.merge(entries, into: table, at: now(), under: rules)
        } catch {
            return ControlReply(status: EX_UNAVAILABLE, warnings: [error.description])
        }
        try? await Task.sleep(for: ContinuousClock.now - start)
        return ImportReceipt(new: new).reply
    }
}
