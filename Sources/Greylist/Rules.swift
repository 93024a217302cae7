/// The numbers that judgements follow.
///
/// Times are in seconds.
public struct Rules: Sendable, Equatable {
    /// How long a new triplet is told to wait; a retry passes from `leeway` seconds before its end on.
    public var delay: Int64
    /// How long a first attempt is remembered while its retry is awaited.
    public var retryWindow: Int64
    /// How long a triplet that has passed, or a client that is counted, is remembered after its last recorded use.
    ///
    /// A use is recorded where the one that was recorded last is more than a 32nd of it ago.
    public var maxAge: Int64
    /// How many passes put a client on the auto-whitelist; 0 turns the auto-whitelist off.
    public var clientCount: UInt32
    /// How many first attempts may wait for their retry; beyond that the oldest are dropped.
    public var maxPending: Int
    /// How many first attempts of one network may wait for their retry; beyond that none is remembered.
    public var maxPendingPerNetwork: Int

    /// How many seconds before the end of the delay a retry passes already.
    ///
    /// Many servers retry exactly when they were told to, or at a round time, and their clocks aren't ours: one that
    /// misses the end by a second would wait for its whole next interval.
    public var leeway: Int64 { min(delay / 30, 60) }

    /// Rules, by default those of a fresh installation.
    public init(
        delay: Int64 = 300, retryWindow: Int64 = 172_800, maxAge: Int64 = 3_024_000, clientCount: UInt32 = 0,
        maxPending: Int = 1_000_000, maxPendingPerNetwork: Int = 5_000
    ) {
        self.delay = delay
        self.retryWindow = retryWindow
        self.maxAge = maxAge
        self.clientCount = clientCount
        self.maxPending = maxPending
        self.maxPendingPerNetwork = maxPendingPerNetwork
    }
}
