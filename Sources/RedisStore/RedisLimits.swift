import NIOCore

/// Times and bounds of a client.
struct RedisLimits: Sendable {
    /// Until a connection is ready for use, with all that is said before.
    var connect: TimeAmount = .seconds(2)
    /// Until a command has its reply; then the whole connection is given up.
    var reply: TimeAmount = .seconds(5)
    /// How long a connection may be silent before it is tried with a `PING`.
    var idle: TimeAmount = .seconds(10)
    /// Until a Sentinel or a node asked about the cluster has answered, before the next one is asked.
    var scouting: TimeAmount = .seconds(1)
    /// How often a Sentinel is asked who the master is, and a cluster who has the slots.
    var sentinelPace: TimeAmount = .seconds(1)
    var clusterPace: TimeAmount = .seconds(3)
    /// Between two attempts where settings are wrong: nobody fixes them sooner, and servers count such attempts.
    var misconfigured: TimeAmount = .seconds(60)
    /// Commands that wait on one connection.
    var waiting = 20_000
    /// How often one command may be sent elsewhere.
    var redirections = 8
}
