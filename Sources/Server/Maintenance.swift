public import Greylist
public import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import ServiceLifecycle
public import Storage

/// Removes what is expired, a slice at a time, with a breath between two slices for the requests.
public struct Maintenance: Service {
    /// What is maintained, and how.
    public struct Options: Sendable {
        /// The tables, one after the other.
        public var tables: [Table]
        /// By which entries expire.
        public var rules: Rules
        /// The time from one pass to the next.
        public var interval: Duration

        /// Such options.
        public init(tables: [Table], rules: Rules, interval: Duration) {
            self.tables = tables
            self.rules = rules
            self.interval = interval
        }
    }

    /// What it has learnt of the store, and done.
    public struct Figures: Sendable, Equatable {
        /// What the store said of itself when it was last asked, some seconds ago; nil before it has.
        public internal(set) var store: StoreFigures?
        /// How many entries each table had at the end of its last walk; nil before that.
        public internal(set) var left = PerTable<Int?> { _ in nil }
        /// How many entries it has removed from each table.
        public internal(set) var removed = PerTable { _ in 0 }
        /// When it last was through with all tables; nil before that.
        public internal(set) var lastPass: Timestamp?

        /// Nothing.
        public init() {}

        /// How many entries a table has: what the store says, or else what the last walk has found.
        public func entries(_ table: Table) -> Int? { store?.entries[table] ?? left[table] }
    }

    /// How often files are looked at.
    private static let fileInterval = TimeAmount.seconds(10)

    private let store: any Store
    /// They may change between two passes.
    private let options: NIOLockedValueBox<Options>
    private let delay: Duration
    private let now: @Sendable () -> Timestamp
    private let clock: any EventLoop
    private let isStoreUnavailable: @Sendable () -> Bool
    private let isClockDoubtful: @Sendable () -> Bool
    private let evidence: ClockEvidence?
    private let learnt = NIOLockedValueBox(Figures())
    private let faults: ErrorReport
    private let logger: Logger

    /// Maintenance of these tables, each time when the interval is over.
    ///
    /// - Parameters:
    ///   - delay: when the first pass comes; not at once, so that a daemon that starts again and again does no such
    ///     work each time, and not at the same time everywhere
    ///   - isStoreUnavailable: whether to leave the store alone
    ///   - isClockDoubtful: whether the clock may be wrong, so that nothing should be removed
    ///   - checksClock: whether the clock is compared with the entries that are there before the first pass
    public init(
        store: any Store, options: Options, delay: Duration = .seconds(.random(in: 30...90)),
        now: @escaping @Sendable () -> Timestamp,
        isStoreUnavailable: @escaping @Sendable () -> Bool = { false },
        isClockDoubtful: @escaping @Sendable () -> Bool = { false }, checksClock: Bool = false, logger: Logger
    ) {
        self.init(
            store: store, options: options, delay: delay, now: now, clock: MultiThreadedEventLoopGroup.singleton.any(),
            isStoreUnavailable: isStoreUnavailable, isClockDoubtful: isClockDoubtful, checksClock: checksClock,
            logger: logger)
    }

    /// - Parameter clock: by which passes are due and slices are timed
    init(
        store: any Store, options: Options, delay: Duration, now: @escaping @Sendable () -> Timestamp,
        clock: any EventLoop, isStoreUnavailable: @escaping @Sendable () -> Bool = { false },
        isClockDoubtful: @escaping @Sendable () -> Bool = { false }, checksClock: Bool = false, logger: Logger
    ) {
        self.store = store
        self.options = NIOLockedValueBox(options)
        self.delay = min(delay, options.interval)
        self.now = now
        self.clock = clock
        self.isStoreUnavailable = isStoreUnavailable
        self.isClockDoubtful = isClockDoubtful
        evidence = checksClock ? ClockEvidence(at: now()) : nil
        faults = ErrorReport(logger: logger)
        self.logger = logger
    }

    /// What it has learnt and done; from any thread.
    public var figures: Figures { learnt.withLockedValue { $0 } }

    /// Changes the options from the next pass on.
    public func change(to options: Options) {
        self.options.withLockedValue { $0 = options }
    }

    /// Runs until graceful shutdown, and doesn't wait for a slice that is with the store then: the store may hang.
    public func run() async throws {
        let passes = Task {
            var pause = delay
            while (try? await clock.sleep(for: TimeAmount(pause))) != nil {
                await pass()
                pause = options.withLockedValue { $0.interval }
            }
        }
        let files = Task {
            await learnFigures()
            while (try? await clock.sleep(for: Self.fileInterval)) != nil {
                await checkFiles()
                await learnFigures()
            }
        }
        try? await gracefulShutdown()
        passes.cancel()
        files.cancel()
    }

    /// Has the store look whether its files are still there.
    func checkFiles() async {
        guard !isStoreUnavailable() else { return }
        do throws(StoreError) {
            try await store.checkFiles(at: now())
            faults.succeeded("the check of the database's files")
        } catch {
            faults.failed("the check of the database's files", error)
        }
    }

    /// Asks the store what it says of itself; one that can't tell now is asked again with the next look at its files.
    func learnFigures() async {
        guard !isStoreUnavailable(), let figures = try? await store.figures() else { return }
        learnt.withLockedValue { $0.store = figures }
    }

    /// Goes through all tables once, as far as the store is there.
    public func pass() async {
        let options = options.withLockedValue { $0 }
        var walks = 0
        for table in options.tables where !isStoreUnavailable() && !Task.isCancelled {
            let task = "maintenance of the \(table.name)"
            do throws(StoreError) {
                guard try await isTrusted(for: table) else { continue }
                if try await expire(table, under: options.rules) { walks += 1 }
                faults.succeeded(task)
            } catch {
                faults.failed(task, error)
            }
        }
        guard walks == options.tables.count else { return }
        let end = now()
        learnt.withLockedValue { $0.lastPass = end }
    }

    /// Whether the clock may decide what is expired.
    private func isTrusted(for table: Table) async throws(StoreError) -> Bool {
        guard !isClockDoubtful() else {
            logger.warning("maintenance of the \(table.name) is put off: the clock has jumped")
            return false
        }
        guard let evidence, let message = try await evidence.objection(against: table, of: store) else { return true }
        logger.warning("maintenance of the \(table.name) is put off for a day: \(message)")
        return false
    }

    /// Removes what is expired from a table; returns whether it was gone through, by this instance or by another one.
    private func expire(_ table: Table, under rules: Rules) async throws(StoreError) -> Bool {
        let start = clock.now
        var size = SliceSize()
        var (visited, removed) = (0, 0)
        var cursor: Cursor?
        repeat {
            let sliceStart = clock.now
            guard !isClockDoubtful() else {
                logger.warning("maintenance of the \(table.name) is broken off: the clock has jumped")
                return false
            }
            let slice = try await store.expire(table, from: cursor, limit: size.limit, at: now(), under: rules)
            if slice.isLeftToOthers {
                logger.debug("maintenance: the \(table.name) is left to another instance")
                return true
            }
            visited += slice.visited
            removed += slice.removed
            learnt.withLockedValue { $0.removed[table] += slice.removed }
            cursor = slice.next
            let took = clock.now - sliceStart
            size.follow(took)
            // So maintenance takes at most half of the store's time.
            if (try? await clock.sleep(for: max(took, .milliseconds(1)))) == nil { break }
        } while cursor != nil && !isStoreUnavailable()
        let took = Double((clock.now - start).nanoseconds) / 1e9
        logger.info(
            "maintenance of the \(table.name): \(visited) entries looked at, \(removed) removed, \(took.tenths) s")
        guard cursor == nil else { return false }
        learnt.withLockedValue { [visited, removed] in $0.left[table] = visited - removed }
        return true
    }
}

extension Table {
    var name: String {
        switch self {
        case .greylist: "greylist"
        case .autoWhitelist: "auto-whitelist"
        case .identity: "identities"
        }
    }
}

extension Double {
    var tenths: Double { (self * 10).rounded() / 10 }
}

/// How many entries maintenance takes at a time, so that a slice takes a few milliseconds on any store.
struct SliceSize {
    /// No fewer: in LMDB a slice of fifty takes as long as one of a thousand, as long as its sync to disk does.
    private static let least = 250
    private static let most = 10_000

    /// How many entries the next slice has.
    private(set) var limit = 1_000

    /// Takes note of how long a slice took.
    ///
    /// It shrinks fast and grows slowly: requests wait for a slice that is too long.
    mutating func follow(_ took: TimeAmount) {
        if took > .milliseconds(5) {
            limit = max(Self.least, limit / 2)
        } else if took < .milliseconds(2) {
            limit = min(Self.most, limit + limit / 8)
        }
    }
}
