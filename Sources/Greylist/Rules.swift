/// The numbers that judgements follow.
///
/// Times are in seconds.
public struct Rules: Sendable, Equatable {
    /// How long a new triplet must wait; a retry passes when strictly more seconds have gone by.
    public var delay: Int64
    /// How long a first attempt is remembered while its retry is awaited.
    public var retryWindow: Int64
    /// How long a triplet that has passed, or a client that is counted, is remembered after its last use.
    public var maxAge: Int64
    /// How many passes put a client on the auto-whitelist; 0 turns the auto-whitelist off.
    public var clientCount: UInt32

    /// Rules, by default those of a fresh installation.
    public init(
        delay: Int64 = 300, retryWindow: Int64 = 172_800, maxAge: Int64 = 3_024_000, clientCount: UInt32 = 0
    ) {
        self.delay = delay
        self.retryWindow = retryWindow
        self.maxAge = maxAge
        self.clientCount = clientCount
    }
}
