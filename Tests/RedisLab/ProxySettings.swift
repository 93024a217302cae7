/// What a proxy does to the traffic at the moment.
struct ProxySettings: Sendable {
    var latency = Duration.zero
    var blackhole = false
    var dribble: Duration?
    var truncation: Truncation?

    /// What becomes of the next reply.
    struct Truncation: Sendable {
        /// How many bytes of it pass; half of it if nil.
        var bytes: Int?
        var then: RedisProxy.AfterTruncation
    }
}
