import NIOCore

/// Whom a resolver asks, and how long it waits.
public struct ResolverOptions: Sendable, Hashable {
    /// The servers, at least one; another one is asked where one doesn't answer.
    public var servers: [DNSServer]
    /// How long a question may take, and an SPF check as a whole.
    public var timeout: Duration

    /// Servers, at least one, and a time above zero.
    public init(servers: [DNSServer], timeout: Duration) {
        precondition(!servers.isEmpty, "a resolver asks at least one server")
        self.servers = servers
        self.timeout = timeout
    }
}

/// What bounds the work that others can make for a resolver.
struct ResolverLimits: Sendable {
    /// Questions that are with the servers at a time.
    var queries = 256
    /// SPF evaluations at a time.
    var evaluations = 128
    /// New evaluations in a minute for a client network without a host's organisation.
    var evaluationsPerMinute = 20
    /// Networks whose evaluations are counted.
    var networks = 4_096
    /// Callers that wait at a time.
    var callers = 16_384
    /// Bytes of answers that one evaluation may use.
    var answerBytes = 64 << 10
    /// Outcomes that are kept, and the bytes they may take.
    var outcomes = CacheLimits(entries: 16_384, bytes: 16 << 20)

    /// What a loop keeps for itself of outcomes, and of answers.
    static let loopCache = CacheLimits(entries: 1_024, bytes: 1 << 20)
    /// How long an outcome is kept at most.
    static let longestLifetime = TimeAmount.hours(1)
    /// How long a temporary error is kept, and what names no time.
    static let shortLifetime = TimeAmount.seconds(5)
}
