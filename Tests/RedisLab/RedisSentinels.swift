import TestSupport

/// A master, a replica, and three Sentinels that watch them.
public final class RedisSentinels: Sendable {
    /// The name by which the Sentinels know the master.
    public let service = "tprt-service"
    /// The server that is the master at first.
    public let master: RedisServer
    /// The server that is the replica at first.
    public let replica: RedisServer
    /// The Sentinels.
    public let sentinels: [RedisServer]

    /// The data servers.
    public var servers: [RedisServer] { [master, replica] }

    /// The Sentinels' addresses, as `127.0.0.1:26379`.
    public var addresses: [String] { sentinels.map { "\($0.host):\($0.port)" } }

    private init(master: RedisServer, replica: RedisServer, sentinels: [RedisServer]) {
        self.master = master
        self.replica = replica
        self.sentinels = sentinels
    }

    /// Starts them and returns when the replica is in sync and the Sentinels know each other.
    ///
    /// `password` is that of master and replica, `sentinelPassword` that of the Sentinels.
    public static func start(
        password: String? = nil, sentinelPassword: String? = nil
    ) async throws -> RedisSentinels {
        var options = RedisOptions.plain
        if let password {
            options = options.requirepass(password).adding("masterauth \(quoted(password))")
        }
        let master = try await RedisServer.start(options)
        let replica = try await RedisServer.start(options.adding("replicaof \(master.host) \(master.port)"))
        // Sentinels look for replicas every ten seconds: it has to be there when they look first.
        try await waitUntil("the replica is in sync") {
            try await replica.info("master_link_status", in: "replication") == "up"
        }
        let watching = sentinelOptions(of: master, password: password, sentinelPassword: sentinelPassword)
        let all = RedisSentinels(
            master: master, replica: replica, sentinels: try await RedisServer.start(3, watching))
        for sentinel in all.sentinels {
            // They ask twice in the second after which a server counts as down: their first question to a new master
            // would otherwise come after a second, too, and they might take that one for down as well. Not oftener:
            // what they know of a replica is good for five such periods, and they look each second.
            // They look each second instead of every ten, so that a former master is soon a replica. And a moment
            // without processor time doesn't make them idle for half a minute.
            try await sentinel.command(
                "SENTINEL", "DEBUG", "PING-PERIOD", "400", "INFO-PERIOD", "1000", "PUBLISH-PERIOD", "500",
                "TILT-TRIGGER", "30000", "TILT-PERIOD", "1000")
        }
        try await all.waitUntilReady()
        return all
    }

    private static func sentinelOptions(
        of master: RedisServer, password: String?, sentinelPassword: String?
    ) -> RedisOptions {
        var options = RedisOptions.plain.running(as: .sentinel).adding(
            "sentinel monitor tprt-service \(master.host) \(master.port) 2",
            "sentinel down-after-milliseconds tprt-service 1000",
            "sentinel failover-timeout tprt-service 3000")
        if let password {
            options = options.adding("sentinel auth-pass tprt-service \(quoted(password))")
        }
        if let sentinelPassword {
            options = options.requirepass(sentinelPassword)
            options = options.adding("sentinel sentinel-pass \(quoted(sentinelPassword))")
        }
        return options
    }

    /// Stops all of them and removes their directories.
    public func remove() async {
        // The Sentinels first, so that they don't act upon the end of the others.
        await RedisServer.remove(sentinels)
        await RedisServer.remove(servers)
    }
}
