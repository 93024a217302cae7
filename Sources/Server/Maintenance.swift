public import Greylist
public import Logging
public import ServiceLifecycle
public import Storage

/// Removes what is expired, a slice at a time, with a breath between two slices for the requests.
public struct Maintenance: Service {
    /// Entries in a slice: a few milliseconds of a store's time.
    private static let slice = 1_000

    private let store: any Store
    private let tables: [Table]
    private let rules: Rules
    private let interval: Duration
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// Maintenance of these tables, each time when the interval is over.
    public init(
        store: any Store, tables: [Table], rules: Rules, interval: Duration, now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.store = store
        self.tables = tables
        self.rules = rules
        self.interval = interval
        self.now = now
        self.logger = logger
    }

    /// Runs until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: interval)) != nil { await pass() }
        }
    }

    /// Goes through all tables once.
    public func pass() async {
        for table in tables {
            do throws(StoreError) {
                let removed = try await expire(table)
                logger.info("maintenance: \(removed) expired entries removed from the \(table.name)")
            } catch {
                logger.warning("maintenance of the \(table.name) failed: \(error)")
            }
        }
    }

    private func expire(_ table: Table) async throws(StoreError) -> Int {
        var removed = 0
        var cursor: Cursor?
        repeat {
            let done = try await store.expire(table, from: cursor, limit: Self.slice, at: now(), under: rules)
            removed += done.removed
            cursor = done.next
            if (try? await Task.sleep(for: .milliseconds(5))) == nil { break }
        } while cursor != nil
        return removed
    }
}

extension Table {
    fileprivate var name: String {
        self == .greylist ? "greylist" : "auto-whitelist"
    }
}
