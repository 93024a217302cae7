public import Greylist

/// The two tables of a store.
public enum Table: Int, Sendable, CaseIterable {
    /// Entries of triplets.
    case greylist
    /// Entries of clients, counted for the auto-whitelist.
    case autoWhitelist
}

/// The keys, at most two, that earlier versions had for a triplet, in the order in which they are looked up.
///
/// They are only read: what is remembered is written under the triplet's own key.
public struct LegacyKeys: Sendable, Equatable, Sequence, IteratorProtocol {
    /// The key to look up first.
    public private(set) var first: Key?
    /// The key to look up then.
    public private(set) var second: Key?

    /// None, one or two keys; a second one without a first is the first.
    public init(_ first: Key? = nil, _ second: Key? = nil) {
        self.first = first ?? second
        self.second = first == nil ? nil : second
    }

    /// Takes out the key to look up next.
    public mutating func next() -> Key? {
        defer { (first, second) = (second, nil) }
        return first
    }
}

/// What one request wants of the store: to be judged by what is known under its keys, in one atomic step.
public struct Inquiry: Sendable {
    /// What is asked.
    public enum Question: Sendable {
        /// The verdict on a message, by both tables.
        case message
        /// Only whether the client is on the auto-whitelist: the verdict is then `autoWhitelisted`, else `new`.
        case client
        /// No verdict: a triplet of the client has passed for the first time.
        case pass
    }

    /// What is asked.
    public var question: Question
    /// The triplet's key.
    public var triplet: Key
    /// Other keys that earlier versions had for the triplet: looked up when nothing that counts is under ours.
    public var legacyKeys: LegacyKeys
    /// The client's key; nil while the auto-whitelist is off.
    public var client: Key?
    /// The client's network, as it is counted for `Rules.maxPendingPerNetwork`; 0: unknown, and not counted.
    public var network: UInt32
    /// The moment of the request.
    public var time: Timestamp
    /// The rules that hold for it.
    public var rules: Rules
    /// What the store found; nil until it has answered.
    public var judgement: Judgement?
    /// Why the store could not answer this one, while it may have answered others of the same batch.
    public var fault: StoreError?

    /// An inquiry that is still open.
    public init(
        _ question: Question = .message, triplet: Key, legacyKeys: LegacyKeys = LegacyKeys(), client: Key?,
        network: UInt32 = 0,
        time: Timestamp, rules: Rules
    ) {
        self.question = question
        self.triplet = triplet
        self.legacyKeys = legacyKeys
        self.client = client
        self.network = network
        self.time = time
        self.rules = rules
    }

    /// Whether the triplet's entry is wanted.
    public var asksForTriplet: Bool { question == .message }

    /// A sighting that was found under the triplet's key or one of its legacy keys, where it counts.
    ///
    /// Of several the first counts that is alive, the triplet's own before the legacy keys in their order: they aren't merged.
    /// It is alive where it isn't expired, wasn't dropped, and isn't the first attempt of a clock that stepped back since.
    public func counting(_ found: Sighting?, heeding pending: borrowing PendingLedger) -> Sighting? {
        guard let found, !found.isExpired(at: time, under: rules), !pending.hasDropped(found),
            !(found.isPending && found.first > time)
        else { return nil }
        return found
    }

    /// Judges by what is known, keeps the judgement, and returns what is to be written.
    ///
    /// May run more than once. What is then really written goes to `PendingLedger.replace`.
    ///
    /// - Parameter isLegacy: whether the triplet's sighting, where there is one, was found under a legacy key: it has to be
    ///   written under the triplet's own, since nothing else keeps it there
    public mutating func judge(_ known: Known, isLegacy: Bool, heeding pending: borrowing PendingLedger) -> Known {
        var judgement: Judgement
        switch question {
        case .message:
            var known = known
            if let triplet = known.triplet, pending.hasDropped(triplet) { known.triplet = nil }
            judgement = Greylist.judge(known, at: time, under: rules)
            if isLegacy, judgement.verdict == .known { judgement.remember.triplet = known.triplet?.passing(at: time) }
            if case .new(let wait) = judgement.verdict, !pending.admits(network: network, at: time, under: rules) {
                judgement = Judgement(.crowded(wait: wait))
            }
        case .client:
            judgement = Greylist.judge(Known(client: known.client), at: time, under: rules)
            judgement.remember.triplet = nil
        case .pass:
            judgement = Judgement(.known, remember: Known(client: countPass(of: known.client, at: time, under: rules)))
        }
        self.judgement = judgement
        return judgement.remember
    }
}
