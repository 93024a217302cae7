import TestSupport

/// A cluster of three masters with a replica each.
public final class RedisCluster: Sendable {
    /// All of its servers, also those that don't run at the moment.
    public let servers: [RedisServer]

    private init(servers: [RedisServer]) {
        self.servers = servers
    }

    /// Starts six servers, makes a cluster of them, and returns when all of them serve it.
    public static func start(password: String? = nil) async throws -> RedisCluster {
        var options = RedisOptions.plain.running(as: .cluster)
        if let password {
            options = options.requirepass(password).adding("masterauth \(quoted(password))")
        }
        let cluster = RedisCluster(servers: try await RedisServer.start(6, options))
        let addresses = cluster.servers.map { "\($0.host):\($0.port)" }
        try await cluster.servers[0].manageCluster(
            ["create"] + addresses + ["--cluster-replicas", "1", "--cluster-yes"])
        try await cluster.waitUntilReady()
        return cluster
    }

    /// Waits until all servers that run say that the cluster is well, agree about it, and replicas are in sync.
    public func waitUntilReady() async throws {
        try await eventuallySettled("the cluster is ready") { try await isReady() ? () : nil }
    }

    private func isReady() async throws -> Bool {
        var views: Set<[ClusterNode.Shape]> = []
        for server in servers where server.isRunning {
            let state = try await server.command("CLUSTER", "INFO")
            guard fieldValue("cluster_state", in: state) == "ok",
                fieldValue("cluster_known_nodes", in: state) == "\(servers.count)"
            else { return false }
            let replication = try await server.command("INFO", "replication")
            guard fieldValue("master_link_status", in: replication) ?? "up" == "up" else { return false }
            views.insert(try await nodes(seenBy: server).map(\.shape).sorted())
        }
        return views.count == 1
    }

    /// Stops all of them and removes their directories.
    public func remove() async {
        await RedisServer.remove(servers)
    }

    /// The nodes as one of the running servers sees them.
    public func nodes() async throws -> [ClusterNode] {
        try await nodes(seenBy: someServer())
    }

    func nodes(seenBy server: RedisServer) async throws -> [ClusterNode] {
        try await server.command("CLUSTER", "NODES").split(separator: "\n").map { try ClusterNode($0) }
    }

    private func someServer() throws -> RedisServer {
        guard let server = servers.first(where: \.isRunning) else { throw TestError("no node runs") }
        return server
    }

    /// The server at a port.
    public func server(at port: Int) throws -> RedisServer {
        guard let server = servers.first(where: { $0.port == port }) else { throw TestError("no node at \(port)") }
        return server
    }

    /// The slot of a key.
    public func slot(of key: String) async throws -> Int {
        let answer = try await someServer().command("CLUSTER", "KEYSLOT", key)
        guard let slot = Int(answer) else { throw TestError("CLUSTER KEYSLOT: \(answer)") }
        return slot
    }

    /// The master that serves a slot.
    public func master(of slot: Int) async throws -> RedisServer {
        guard let node = try await nodes().first(where: { $0.isMaster && $0.serves(slot) }) else {
            throw TestError("nobody serves slot \(slot)")
        }
        return try server(at: node.port)
    }

    /// Kills a master and waits until its replica has taken its place for everybody; returns that one.
    @discardableResult
    public func killMaster(_ master: RedisServer) async throws -> RedisServer {
        let nodes = try await nodes()
        guard let fallen = nodes.first(where: { $0.port == master.port && $0.isMaster }),
            let heir = nodes.first(where: { $0.masterID == fallen.id })
        else { throw TestError("no master with a replica at \(master.port)") }
        await master.kill()
        let server = try server(at: heir.port)
        try await eventuallySettled("the replica is promoted") {
            try await self.nodes(seenBy: server).contains { $0.id == heir.id && $0.isMaster } ? () : nil
        }
        try await waitUntilReady()
        return server
    }
}
