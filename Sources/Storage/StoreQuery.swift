public import Greylist

/// What one request asks of the store, as data: what to look up, to be judged and written in one atomic step.
///
/// Memory, LMDB and GNU dbm answer it with `answer`; Redis sends the lookups as commands, and a pair of stores gives each
/// its own.
public struct StoreQuery: Sendable {
    /// What an entry that a lookup finds is to the judgement.
    public enum Role: Sendable {
        /// What is known of the triplet; what is remembered of it is written here.
        case triplet
        /// What an earlier version, or postgrey, knew of the triplet, under a key of its own; only read.
        case legacy
        /// What is known of the client, for the auto-whitelist; a pass that counts is written here.
        case client
        /// What postgrey knew of the client, under a key of its own; only read.
        case legacyClient
    }

    /// One key that is looked up in one table.
    public struct Lookup: Sendable {
        /// Where to look.
        public let table: Table
        /// Under what.
        public let key: Key
        /// What is found there is this to the judgement.
        public let role: Role

        /// A lookup; the table follows from the role.
        public init(_ role: Role, _ key: Key) {
            self.role = role
            self.key = key
            table =
                switch role {
                case .triplet, .legacy: .greylist
                case .client, .legacyClient: .autoWhitelist
                }
        }
    }

    /// The lookups of a query, in the order in which they count; held without an allocation of their own.
    public struct Lookups: Sendable, RandomAccessCollection {
        /// How many there may be: the triplet, its keys of two earlier versions, the client, and postgrey's digests of both.
        public static let limit = 6

        @usableFromInline var slots = InlineArray<6, Lookup?>(repeating: nil)
        /// How many there are.
        public internal(set) var count = 0

        /// None.
        public init() {}

        /// Adds a lookup; there must be room for it.
        public mutating func append(_ lookup: Lookup) {
            precondition(count < Self.limit, "a query has too many lookups")
            slots[count] = lookup
            count += 1
        }

        /// The position of the first one.
        @inlinable public var startIndex: Int { 0 }
        /// The position behind the last one.
        @inlinable public var endIndex: Int { count }

        /// The lookup at that position.
        @inlinable
        public subscript(position: Int) -> Lookup {
            guard let lookup = slots[position] else { preconditionFailure("there is no lookup at this position") }
            return lookup
        }
    }

    /// What is looked up, and may be written.
    public var lookups: Lookups
    /// The client's network, as it is counted for `Rules.maxPendingPerNetwork`; 0: unknown, and not counted.
    public var network: UInt32
    /// The moment of the request.
    public var time: Timestamp
    /// The rules that apply to it.
    public var rules: Rules
    /// The verdict, where it has been reached already: then only what follows from it for the client is to be written.
    public var settled: Verdict?
    /// What the store found; nil until it has answered.
    public var judgement: Judgement?
    /// Why the store could not answer this one, while it may have answered others of the same batch.
    public var error: StoreError?

    /// A query that is still open.
    public init(_ lookups: Lookups = Lookups(), network: UInt32 = 0, time: Timestamp, rules: Rules) {
        self.lookups = lookups
        self.network = network
        self.time = time
        self.rules = rules
    }

    /// Whether something is looked up in that role.
    @inlinable
    public func has(_ role: Role) -> Bool { lookups.contains { $0.role == role } }

    /// The same query with nothing but its lookups in one table.
    public func restricted(to table: Table) -> StoreQuery {
        var query = self
        query.lookups = Lookups()
        for lookup in lookups where lookup.table == table { query.lookups.append(lookup) }
        return query
    }

    /// Looks up, judges, and writes what is to be remembered; the store makes one atomic step of it.
    ///
    /// May run more than once. What it notes in the limiter becomes final with `PendingLimiter.commit`.
    ///
    /// - Parameters:
    ///   - read: an entry, and the network of a pending one
    ///   - write: puts an entry in the place of the one that was read; false where there is no room for it
    @inlinable
    public mutating func answer<Failure: Error>(
        noting limiter: inout PendingLimiter,
        read: (Lookup) throws(Failure) -> (sighting: Sighting, network: UInt32)?,
        write: (Lookup, Sighting) throws(Failure) -> Bool
    ) throws(Failure) {
        var own: (sighting: Sighting, network: UInt32)?
        let stored = try state(under: limiter) { (index) throws(Failure) in
            let found = try read(lookups[index])
            if lookups[index].role == .triplet { own = found }
            return found?.sighting
        }
        let changes = judge(stored)
        for lookup in lookups {
            switch lookup.role {
            case .triplet:
                guard let triplet = changes.triplet else { continue }
                guard try write(lookup, triplet) else { return rejectForLackOfRoom() }
                if let own { limiter.remove(own.sighting, network: own.network) }
                limiter.add(triplet, network: network, under: rules)
            case .legacy, .legacyClient: continue
            case .client: if let client = changes.client { _ = try write(lookup, client) }
            }
        }
    }

    /// What the lookups say.
    ///
    /// Of the keys of a triplet that counts which has passed, in the order of the lookups; where none has, that whose first
    /// attempt came first. An entry that is imported after its sender has come is found that way, too.
    ///
    /// - Parameter read: what is found by the lookup at an index; not called for one that no longer matters
    @inlinable
    public func state<Failure: Error>(
        under limiter: borrowing PendingLimiter, read: (_ index: Int) throws(Failure) -> Sighting?
    ) throws(Failure) -> StoredState {
        var state = StoredState()
        for index in lookups.indices {
            switch lookups[index].role {
            case .triplet, .legacy:
                guard state.triplet?.isPending != false, let found = try read(index),
                    found.counts(at: time, under: rules), !limiter.hasDropped(found)
                else { continue }
                if let earlier = state.triplet, found.isPending, found.first >= earlier.first { continue }
                state.triplet = found
                state.isLegacy = lookups[index].role == .legacy
            case .client: state.client = try read(index)
            case .legacyClient:
                // It follows the client's own, and counts on where that has nothing, or decides where that doesn't.
                guard state.client?.isAutoWhitelisted(at: time, under: rules) != true, let found = try read(index),
                    state.client == nil || found.isAutoWhitelisted(at: time, under: rules)
                else { continue }
                state.client = found
            }
        }
        if state.triplet == nil, has(.triplet) {
            state.isPendingLimitReached = !limiter.admits(network: network, at: time, under: rules)
        }
        return state
    }

    /// Judges by what is stored, keeps the judgement, and returns what is to be written.
    public mutating func judge(_ stored: StoredState) -> Judgement.Changes {
        let judgement =
            settled.map { Judgement($0, remember: .following($0, client: stored.client, at: time, under: rules)) }
            ?? Greylist.judge(stored, at: time, under: rules)
        self.judgement = judgement
        return judgement.remember
    }

    /// A first attempt that can't be remembered is one too many.
    @usableFromInline
    mutating func rejectForLackOfRoom() {
        if case .new(let wait) = judgement?.verdict { judgement = Judgement(.pendingLimitReached(wait: wait)) }
    }
}
