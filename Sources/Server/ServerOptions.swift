public import Greylist
public import NIOCore

/// What is settled about serving, apart from what is answered.
public struct ServerOptions: Sendable {
    /// How many event loops there are.
    public var threads = 1
    /// How many connections are kept, shared out among the loops.
    public var maxConnections = 2_000
    /// Each complete request is answered by then, whatever the store does.
    public var requestDeadline = TimeAmount.seconds(5)
    /// For how long a store that fails is left alone: at first, and at most.
    public var storePauses = TimeAmount.milliseconds(250)...TimeAmount.seconds(4)
    /// The shortest time between two lines in the log that say whether the store answers.
    public var storeLinePause = TimeAmount.seconds(10)
    /// Whether a store in memory stands in for one that is away.
    public var hasFallback = false
    /// A connection that is silent for so long is closed.
    ///
    /// Postfix keeps one for up to 1,000 s.
    public var idleTimeout = TimeAmount.seconds(1_200)
    /// How long the store may take for what is in flight when the server stops; then it is answered without the store.
    public var grace = Duration.seconds(1)
    /// Tells the time; tests hand in a clock that they move.
    public var now: @Sendable () -> Timestamp

    /// The options of a fresh installation, with a clock.
    public init(now: @escaping @Sendable () -> Timestamp) {
        self.now = now
    }
}
