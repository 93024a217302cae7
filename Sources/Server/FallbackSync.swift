import Greylist
import Logging
import NIOConcurrencyHelpers
import NIOCore
public import ServiceLifecycle
import Storage

/// Hands what was learnt in memory while the store was away over to the store when it is back.
///
/// Nothing gets lost or is counted twice: what the store doesn't take goes back into memory, and to merge it again
/// changes nothing.
public struct FallbackSync: Service {
    /// Entries in a slice: a few milliseconds of a store's time.
    private static let slice = 1_000
    /// After this time a slice counts as not taken, so that a store that hangs can't keep the daemon from its end.
    private static let patience = TimeAmount.seconds(10)
    private static let task = "handing over what was learnt without the store"

    private let fallback: MemoryStore
    private let store: any Store
    private let health: StoreHealth
    /// By which entries expire; they may change.
    private let rules: NIOLockedValueBox<Rules>
    private let now: @Sendable () -> Timestamp
    private let clock: any EventLoop
    /// Where what it starts runs; nil: wherever there is a thread.
    private let executor: (any TaskExecutor)?
    private let faults: ErrorReport
    private let log: LimitedLog
    private let logger: Logger

    init(
        from fallback: MemoryStore, to store: any Store, health: StoreHealth, rules: Rules,
        now: @escaping @Sendable () -> Timestamp, clock: any EventLoop, log: LimitedLog, logger: Logger,
        on executor: (any TaskExecutor)? = nil
    ) {
        self.fallback = fallback
        self.store = store
        self.health = health
        self.rules = NIOLockedValueBox(rules)
        self.now = now
        self.clock = clock
        self.executor = executor
        faults = ErrorReport(logger: logger)
        self.log = log
        self.logger = logger
    }

    private var rulesNow: Rules { rules.withLockedValue { $0 } }

    /// Changes the rules from the next slice on.
    func change(to rules: Rules) {
        self.rules.withLockedValue { $0 = rules }
    }

    /// Runs until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await clock.sleep(for: .seconds(1))) != nil {
                if !health.isAway { await fallbackSync(by: clock.now + Self.patience) }
            }
        }
    }

    /// Hands over what is left, whatever is known of the store; for the end of the server.
    func finish(by deadline: NIODeadline) async {
        await fallbackSync(by: deadline)
        let left = Table.allCases.reduce(0) { $0 + fallback.take(.max, from: $1).count }
        if left > 0 { logger.warning("\(left) entries are lost that were only in memory: the store did not take them") }
    }

    /// Hands over all there is, or as much as the store takes by then.
    func fallbackSync(by deadline: NIODeadline) async {
        var count = 0
        do throws(StoreError) {
            for table in Table.allCases { try await fallbackSync(table, by: deadline, counting: &count) }
            faults.succeeded(Self.task)
        } catch {
            faults.failed(Self.task, error)
        }
        guard count > 0 else { return }
        log.log(
            .fallbackSync, level: .notice, "\(count) entries that were learnt without the store were handed over to it")
    }

    private func fallbackSync(
        _ table: Table, by deadline: NIODeadline, counting count: inout Int
    ) async throws(StoreError) {
        while case let entries = fallback.take(Self.slice, from: table), !entries.isEmpty {
            do throws(StoreError) {
                try await merge(entries, into: table, by: deadline)
                count += entries.count
            } catch {
                try await fallback.merge(entries, into: table, at: now(), under: rulesNow)
                throw error
            }
        }
    }

    /// Gives up at the deadline; if the store takes the entries later, that does no harm.
    private func merge(
        _ entries: [Entry], into table: Table, by deadline: NIODeadline
    ) async throws(StoreError) {
        let (results, continuation) = AsyncStream<Result<Void, StoreError>>.makeStream()
        Task(executorPreference: executor) { [store, now, rules = rulesNow] in
            do throws(StoreError) {
                try await store.merge(entries, into: table, at: now(), under: rules)
                continuation.yield(.success(()))
            } catch {
                continuation.yield(.failure(error))
            }
        }
        let timer = clock.scheduleTask(deadline: deadline) {
            continuation.yield(.failure(StoreError(.unavailable, "the store did not take the entries in time")))
        }
        defer { timer.cancel() }
        for await result in results { return try result.get() }
        throw StoreError(.unavailable, "the server is stopped")
    }
}
