import Greylist
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import Storage

/// A store in Redis or Valkey: one server, a master that Sentinels name, or a cluster.
///
/// It never waits for a connection: while there is none, what is asked fails at once, and whoever asks decides what
/// that means. Each event loop that asks has connections of its own; everything else goes over those of one more.
///
/// Entries are those of TPRT 0.9.3 (`LegacyRecord`), which may use the same database, with an expiry that follows the rules.
/// The bounds on pending entries are kept by each process for itself and approximately: it knows what it wrote, not what
/// others did.
public final class RedisStore: CopyTarget {
    /// What doesn't follow from the location.
    public struct Options: Sendable {
        /// What every key begins with; empty for the layout of TPRT 0.9.3.
        public var keyPrefix = ""
        /// Whether the keys of the auto-whitelist have a prefix of their own, also without a `keyPrefix`.
        public var separatesTables = false
        /// For how many seconds an instance that begins to go through a table keeps all others from it; nil: they
        /// don't wait for each other.
        public var maintenanceLease: Int64?
        /// The options of a fresh installation.
        public init() {}
    }

    let access: RedisAccess
    private let limits: RedisLimits
    let layout: RedisLayout
    let maintenanceLease: Int64?
    let pending = NIOLockedValueBox(PendingLimiter(rules: Rules()))
    private let batchers = NIOLockedValueBox<[ObjectIdentifier: NIOLoopBound<CommandBatcher>]>([:])
    /// For what doesn't come from an event loop, and for maintenance.
    let background = MultiThreadedEventLoopGroup.singleton.next()

    /// Reads the files that the location names (passwords, certificates), and doesn't wait for a connection.
    ///
    /// - Parameter report: takes a sentence for the log: what the administrator should fix; called on any thread
    public convenience init(
        _ location: RedisLocation, options: Options = Options(), report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        try self.init(location, options: options, limits: RedisLimits(), report: report)
    }

    /// Reads no file any more.
    public convenience init(_ access: RedisAccess, options: Options) {
        self.init(access, options: options, limits: RedisLimits())
    }

    convenience init(
        _ location: RedisLocation, options: Options, limits: RedisLimits, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        self.init(try RedisAccess(location, report: report), options: options, limits: limits)
    }

    private init(_ access: RedisAccess, options: Options, limits: RedisLimits) {
        self.access = access
        layout = RedisLayout(keyPrefix: options.keyPrefix, separatesTables: options.separatesTables)
        maintenanceLease = options.maintenanceLease
        self.limits = limits
    }

    /// Begins to connect, so that the first request doesn't have to.
    public func connect() {
        background.execute { _ = self.batcher(on: self.background) }
    }

    /// Sends the queries on the connections of the calling event loop; `done` is called there.
    public func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        if let eventLoop = MultiThreadedEventLoopGroup.currentEventLoop {
            UpdateOperation(batch, by: batcher(on: eventLoop), done: done).start()
        } else {
            let batch = batch
            background.execute {
                UpdateOperation(batch, by: self.batcher(on: self.background), done: done).start()
            }
        }
    }

    /// Closes all connections; what is under way fails.
    public func close() async {
        for bound in batchers.withLockedValue({ Array($0.values) }) {
            _ = try? await bound.eventLoop.submit { bound.value.client.close() }.get()
        }
    }

    /// The batcher of an event loop, made when it is first asked for; to be called there.
    func batcher(on eventLoop: any EventLoop) -> CommandBatcher {
        if let batcher = batchers.withLockedValue({ $0[ObjectIdentifier(eventLoop)] }) { return batcher.value }
        let batcher = CommandBatcher(
            on: eventLoop, client: RedisClient(on: eventLoop, access: access, limits: limits),
            commands: EntryCommands(layout: layout, isCluster: access.location.isCluster), pending: pending)
        batchers.withLockedValue { $0[ObjectIdentifier(eventLoop)] = NIOLoopBound(batcher, eventLoop: eventLoop) }
        return batcher
    }
}

extension RedisLocation {
    var isCluster: Bool {
        if case .cluster = servers { true } else { false }
    }
}
