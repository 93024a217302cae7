public import Greylist

/// What one request asks of the store, as data: what to look up, to be judged and written in one atomic step.
///
/// Memory, LMDB and GNU dbm answer it with `answer`; Redis sends the lookups as commands, and joined stores are given each
/// its own.
public struct StoreQuery: Sendable {
    /// What an entry that a lookup finds is to the judgement.
    public enum Role: Sendable {
        /// What is known of the triplet by the client's network; what is remembered of it is written here.
        case triplet
        /// What is known of it by who the client is; what is remembered of the triplet is written here, too.
        case alias
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
        /// Where it is a legacy of the triplet: the position of the lookup whose text it is about.
        @usableFromInline let origin: UInt8

        /// A lookup; the table follows from the role.
        ///
        /// - Parameter origin: the position of the triplet's own lookup that is about the same
        public init(_ role: Role, _ key: Key, of origin: Int = 0) {
            self.role = role
            self.key = key
            self.origin = UInt8(truncatingIfNeeded: origin)
            table =
                switch role {
                case .triplet, .alias, .legacy: .greylist
                case .client, .legacyClient: .autoWhitelist
                }
        }
    }

    /// The lookups of a query, in the order in which they count: the triplet, its aliases, all others.
    ///
    /// Held without an allocation of their own, unless keys are looked up in several ways.
    public struct Lookups: Sendable, RandomAccessCollection {
        /// How many there may be: the triplet and its aliases, its keys of two earlier versions and the client, each of them in
        /// three ways (`KeyScheme`), and postgrey's digests of triplet and client.
        public static let limit = 20
        /// How many of them may be the triplet and its aliases.
        public static let ownLimit = 3

        @usableFromInline var slots = InlineArray<8, Lookup?>(repeating: nil)
        /// Those for which there is no slot.
        @usableFromInline var more: [Lookup] = []
        /// How many there are.
        public internal(set) var count = 0

        /// None.
        public init() {}

        /// Adds a lookup, an alias before all that are not the triplet's own; there must be room for it.
        ///
        /// - Returns: its position, which one of the triplet's own keeps
        @discardableResult
        public mutating func append(_ lookup: Lookup) -> Int {
            precondition(count < Self.limit, "a query has too many lookups")
            var place = count
            count += 1
            while lookup.role == .alias, place > 0, !self[place - 1].role.isOwn {
                put(self[place - 1], at: place)
                place -= 1
            }
            precondition(!lookup.role.isOwn || place < Self.ownLimit, "a triplet has too many keys")
            put(lookup, at: place)
            return place
        }

        private mutating func put(_ lookup: Lookup, at place: Int) {
            if place < slots.count {
                slots[place] = lookup
            } else if place - slots.count < more.count {
                more[place - slots.count] = lookup
            } else {
                if more.isEmpty { more.reserveCapacity(Self.limit - slots.count) }
                more.append(lookup)
            }
        }

        /// The position of the first one.
        @inlinable public var startIndex: Int { 0 }
        /// The position behind the last one.
        @inlinable public var endIndex: Int { count }

        /// The lookup at that position.
        @inlinable
        public subscript(position: Int) -> Lookup {
            guard position < slots.count else { return more[position - slots.count] }
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
    /// What other recipients of the same message let this one do.
    public var carrying = Carrying()
    /// Why the sender need not wait; nil where it has to.
    public var merit: Merit?
    /// Whether more may be learnt of a client that would have to wait: then nothing is written for it, and the query comes
    /// once more.
    public var isPreliminary = false
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

    /// The network by which the entry of such a lookup counts as pending; 0: by none.
    @inlinable
    public func network(for role: Role) -> UInt32 { role == .triplet ? network : 0 }

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
        // As many as `Lookups.ownLimit`.
        var own = InlineArray<3, (sighting: Sighting, network: UInt32)?>(repeating: nil)
        let stored = try state(under: limiter) { (index) throws(Failure) in
            let found = try read(lookups[index])
            if lookups[index].role.isOwn { own[index] = found }
            return found?.sighting
        }
        let changes = judge(stored)
        if stored.isPendingLimitReached { noteRefusal(in: &limiter) }
        for index in lookups.indices {
            let lookup = lookups[index]
            switch lookup.role {
            case .triplet, .alias:
                guard let triplet = changes.triplet, needsWrite(own[index]?.sighting, triplet, under: limiter) else {
                    continue
                }
                guard try write(lookup, triplet) else {
                    if lookup.role == .triplet { return rejectForLackOfRoom(noting: &limiter) }
                    continue
                }
                if let old = own[index] {
                    limiter.remove(old.sighting, network: lookup.role == .triplet ? old.network : 0)
                }
                limiter.add(triplet, network: network(for: lookup.role), under: rules)
            case .legacy, .legacyClient: continue
            case .client: if let client = changes.client { _ = try write(lookup, client) }
            }
        }
    }

    /// What the lookups say.
    ///
    /// Of the keys of a triplet that counts which has passed, in the order of the lookups; where none has, that which is
    /// released, and then that whose first attempt came first. An entry that is imported after its sender has come is found that way, too.
    ///
    /// - Parameter read: what is found by the lookup at an index; not called for one that no longer matters
    @inlinable
    public func state<Failure: Error>(
        under limiter: borrowing PendingLimiter, read: (_ index: Int) throws(Failure) -> Sighting?
    ) throws(Failure) -> StoredState {
        var state = StoredState()
        for index in lookups.indices {
            let role = lookups[index].role
            switch role {
            case .triplet, .alias, .legacy:
                // What has passed needs the others only where it is written: then they are, too.
                if let seen = state.triplet, !seen.isPending, !seen.isReleased,
                    role == .legacy || !state.isIncomplete && !seen.isUseOutdated(at: time, under: rules)
                {
                    continue
                }
                guard let found = try read(index), counts(found, under: limiter) else {
                    if role.isOwn { state.isIncomplete = true }
                    continue
                }
                let own = role.isOwn ? index : Int(lookups[index].origin)
                guard let seen = state.triplet else {
                    (state.triplet, state.matched) = (found, own)
                    if role == .legacy { state.isIncomplete = true }
                    continue
                }
                if found.counts(before: seen) { (state.triplet, state.matched) = (found, own) }
                // One of them has passed, and the other doesn't know.
                if seen.isPending != found.isPending || seen.isReleased != found.isReleased {
                    state.isIncomplete = true
                }
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

    /// Whether an entry says anything of the triplet: it hasn't expired, nor been dropped.
    @inlinable
    func counts(_ found: Sighting, under limiter: borrowing PendingLimiter) -> Bool {
        found.counts(at: time, under: rules) && !limiter.hasDropped(found)
    }

    /// Whether what is to be remembered of the triplet says more than what was found under one of its own keys.
    @inlinable
    public func needsWrite(
        _ found: Sighting?, _ triplet: Sighting, under limiter: borrowing PendingLimiter
    ) -> Bool {
        guard let found, counts(found, under: limiter) else { return true }
        if found.isPending || found.isReleased { return !triplet.isPending }
        return !triplet.isPending && found.isUseOutdated(at: time, under: rules)
    }

    /// Judges by what is stored, keeps the judgement, and returns what is to be written.
    public mutating func judge(_ stored: StoredState) -> Judgement.Changes {
        var judgement =
            settled.map { Judgement($0, remember: .following($0, client: stored.client, at: time, under: rules)) }
            ?? Greylist.judge(stored, at: time, under: rules, carrying: carrying, merit: merit)
        judgement.matched = stored.matched
        if isPreliminary, judgement.verdict.isWaiting { judgement.remember = Judgement.Changes() }
        self.judgement = judgement
        return judgement.remember
    }

    /// A first attempt that can't be remembered is one too many.
    @usableFromInline
    mutating func rejectForLackOfRoom(noting limiter: inout PendingLimiter) {
        guard case .new(let wait) = judgement?.verdict else { return }
        judgement = Judgement(.pendingLimitReached(wait: wait))
        noteRefusal(in: &limiter)
    }

    /// Counts in the limiter, where it was judged so, that the first attempt isn't remembered.
    ///
    /// A preliminary query isn't counted: it comes once more.
    public func noteRefusal(in limiter: inout PendingLimiter) {
        guard !isPreliminary, case .pendingLimitReached = judgement?.verdict else { return }
        limiter.countRefusal(network: network, at: time, under: rules)
    }
}

extension StoreQuery.Role {
    /// Whether it is one of the keys under which the triplet is written.
    @inlinable
    public var isOwn: Bool { self == .triplet || self == .alias }
}
