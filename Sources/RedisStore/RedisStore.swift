import Greylist
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RedisClient
public import Storage
public import StoreURLs

/// A store in Redis or Valkey: one server, a master that Sentinels name, or a cluster.
///
/// It never waits for a connection: while there is none, what is asked fails at once, and whoever asks decides what
/// that means. Each event loop that asks has connections of its own; everything else goes over those of one more.
///
/// Entries are those of TPRT 0.9.3 (`LegacyRecord`), which may use the same database, with an expiry that follows the rules.
/// The bounds on pending entries are kept by each process for itself and approximately: it knows what it wrote, not what
/// others did.
public final class RedisStore: Store {
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
    let pending = NIOLockedValueBox(PendingLimiter())
    private let clients = NIOLockedValueBox<[ObjectIdentifier: NIOLoopBound<LoopClient>]>([:])
    /// For what doesn't come from an event loop, and for maintenance.
    let background: any EventLoop

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

    init(
        _ access: RedisAccess, options: Options, limits: RedisLimits,
        background: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    ) {
        self.access = access
        self.background = background
        layout = RedisLayout(keyPrefix: options.keyPrefix, separatesTables: options.separatesTables)
        maintenanceLease = options.maintenanceLease
        self.limits = limits
    }

    /// Begins to connect, so that the first request doesn't have to.
    public func connect() {
        background.execute { _ = self.client(on: self.background) }
    }

    /// Sends the queries on the connections of the calling event loop; `done` is called there.
    public func update(
        _ batch: consuming [StoreQuery], done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        if let eventLoop = MultiThreadedEventLoopGroup.currentEventLoop {
            UpdateOperation(batch, by: client(on: eventLoop).batcher, done: done).start()
        } else {
            let batch = batch
            background.execute {
                UpdateOperation(batch, by: self.client(on: self.background).batcher, done: done).start()
            }
        }
    }

    /// Closes all connections; what is under way fails.
    public func close() async {
        for bound in clients.withLockedValue({ Array($0.values) }) {
            _ = try? await bound.eventLoop.submit { bound.value.client.close() }.get()
        }
    }

    /// What an event loop has of the store, made when it is first asked for; to be called there.
    func client(on eventLoop: any EventLoop) -> LoopClient {
        if let client = clients.withLockedValue({ $0[ObjectIdentifier(eventLoop)] }) { return client.value }
        let client = RedisClient(on: eventLoop, configuration: access.configuration, limits: limits)
        let batcher = CommandBatcher(
            on: eventLoop, client: client,
            commands: EntryCommands(layout: layout, isCluster: access.location.isCluster), pending: pending)
        let made = LoopClient(client: client, batcher: batcher)
        clients.withLockedValue { $0[ObjectIdentifier(eventLoop)] = NIOLoopBound(made, eventLoop: eventLoop) }
        return made
    }
}

extension RedisLocation {
    var isCluster: Bool {
        if case .cluster = servers { true } else { false }
    }
}

/// Where entries lie among the keys of a database.
///
/// Without a prefix that is the layout of TPRT 0.9.3: the keys of both tables as they are. With one, the keys of the
/// greylist begin with it, those of the auto-whitelist with the prefix and `awl:`, and those of identities with the prefix
/// and `id:`. Where the auto-whitelist is with a greylist without a prefix, its keys begin with `awl:` alone, as those of
/// no triplet do; those of identities always begin with `id:`. A prefix that ends so is taken for that of the table: so
/// `awl:` names those keys for `tprtctl`.
package struct RedisLayout: Sendable {
    /// What the keys of a table have after the prefix.
    private static let marks = PerTable(greylist: [], autoWhitelist: Array("awl:".utf8), identity: Array("id:".utf8))

    private let keyPrefix: [UInt8]
    private let separatesTables: Bool

    package init(keyPrefix: String, separatesTables: Bool = false) {
        self.keyPrefix = Array(keyPrefix.utf8)
        self.separatesTables = separatesTables
    }

    func prefix(of table: Table) -> [UInt8] {
        let mark = Self.marks[table]
        if keyPrefix.suffix(mark.count) == mark[...] { return keyPrefix }
        return table == .autoWhitelist && keyPrefix.isEmpty && !separatesTables ? [] : keyPrefix + mark
    }

    /// The entry that a key of the database names; nil where it isn't one of the table.
    ///
    /// Others may have keys in the same database: only what has the form of ours is taken for ours.
    func key(_ name: UnsafeRawBufferPointer, in table: Table) -> Key? {
        let prefix = prefix(of: table)
        guard name.starts(with: prefix), !prefix.isEmpty || !Self.isMarked(name) else { return nil }
        let key = Key(spelling: UnsafeRawBufferPointer(rebasing: name[prefix.count...]))
        return key.hasForm ? key : nil
    }

    /// Whether it is a key of a table that isn't the greylist, in a database without a prefix.
    private static func isMarked(_ name: UnsafeRawBufferPointer) -> Bool {
        name.starts(with: marks[.autoWhitelist]) || name.starts(with: marks[.identity])
    }

    /// The pattern of `SCAN` for a table; nil where every key may be an entry.
    func pattern(of table: Table) -> [UInt8]? {
        let prefix = prefix(of: table)
        guard !prefix.isEmpty else { return nil }
        var pattern: [UInt8] = []
        for byte in prefix {
            if "*?[]\\".utf8.contains(byte) { pattern.append(UInt8(ascii: "\\")) }
            pattern.append(byte)
        }
        return pattern + [UInt8(ascii: "*")]
    }

    /// The key of the lease by which instances agree who goes through a table.
    func lease(of table: Table) -> [UInt8] {
        prefix(of: table) + Array("tprt-maintenance".utf8)
    }
}
