import Policy
public import Resolver

/// What a server counts for metrics, and what it is at: the sum of its event loops.
public struct ServerFigures: Sendable, Equatable {
    /// Why requests are answered without the store, or from memory where that stands in for it.
    public enum WithoutStore: Int, Sendable, CaseIterable {
        /// It failed, or is left alone since it did.
        case unavailable
        /// It didn't answer in time.
        case late
        /// It takes no more entries.
        case full

        /// The cause in the form of a label.
        public var text: StaticString {
            switch self {
            case .unavailable: "unavailable"
            case .late: "late"
            case .full: "full"
            }
        }
    }

    /// Requests.
    public internal(set) var requests = RequestFigures()
    /// Connections.
    public internal(set) var connections = ConnectionFigures()
    /// Batches of queries that the store was given.
    public internal(set) var batches = BatchFigures()
    /// Requests that were answered without the store, by ``WithoutStore``.
    public internal(set) var withoutStore = [Int](repeating: 0, count: WithoutStore.allCases.count)
    /// Event loops that leave the store alone just now but for a probe.
    public internal(set) var openBreakers = 0
    /// Whether the store failed when it was last asked.
    public internal(set) var isStoreUnavailable = false
    /// The caches of the event loops in front of the resolver, which has another one.
    ///
    /// What they don't know it is asked for: so all caches together knew the hits of both, and the misses here less the
    /// resolver's hits they didn't.
    public internal(set) var dnsCache = CacheCounts()
    /// Whitelist entries in force.
    public internal(set) var whitelistEntries = 0

    /// Nothing.
    public init() {}

    /// Adds those of another event loop, which has the same whitelist.
    static func += (left: inout ServerFigures, right: ServerFigures) {
        left.requests += right.requests
        left.connections += right.connections
        left.batches += right.batches
        for index in left.withoutStore.indices { left.withoutStore[index] += right.withoutStore[index] }
        left.openBreakers += right.openBreakers
        left.isStoreUnavailable = left.isStoreUnavailable || right.isStoreUnavailable
        left.dnsCache += right.dnsCache
        left.whitelistEntries = max(left.whitelistEntries, right.whitelistEntries)
    }
}

/// Connections of clients since the start; the server's own are none of them.
public struct ConnectionFigures: Sendable, Equatable {
    /// Why a connection was refused, or had to make room.
    public enum Rejection: Int, Sendable, CaseIterable {
        /// It was the one that had been silent longest when there was one too many.
        case limit
        /// It couldn't be accepted for want of a file descriptor; counted once for each pause in accepting.
        case descriptors
        /// It couldn't be accepted for another reason; likewise.
        case failed

        /// The cause in the form of a label.
        public var text: StaticString {
            switch self {
            case .limit: "limit"
            case .descriptors: "descriptors"
            case .failed: "failed"
            }
        }
    }

    /// Those that are open.
    public internal(set) var open = 0
    /// All that were accepted.
    public internal(set) var accepted = 0
    /// Those that were closed since they had been silent for the idle time-out.
    public internal(set) var idle = 0
    /// By ``Rejection``.
    public internal(set) var rejected = [Int](repeating: 0, count: Rejection.allCases.count)
    /// Those that were closed without a reply, by `PolicyError.Kind`.
    public internal(set) var errors = [Int](repeating: 0, count: PolicyError.Kind.allCases.count)

    /// None.
    public init() {}

    static func += (left: inout ConnectionFigures, right: ConnectionFigures) {
        left.open += right.open
        left.accepted += right.accepted
        left.idle += right.idle
        for index in left.rejected.indices { left.rejected[index] += right.rejected[index] }
        for index in left.errors.indices { left.errors[index] += right.errors[index] }
    }
}

/// What became of the batches of queries that requests wait for; those that are under way don't count yet.
public struct BatchFigures: Sendable, Equatable {
    /// Those that were answered in time, be it that the store takes no more.
    public internal(set) var answered = 0
    /// Those that failed.
    public internal(set) var failed = 0
    /// Those that were given up after their time.
    public internal(set) var late = 0

    /// None.
    public init() {}

    static func += (left: inout BatchFigures, right: BatchFigures) {
        left.answered += right.answered
        left.failed += right.failed
        left.late += right.late
    }
}
