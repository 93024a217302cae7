import TestSupport

extension RedisSentinels {
    /// Waits until the running data servers are a master and replicas in sync, and the running Sentinels see them so.
    public func waitUntilReady() async throws {
        let watching = sentinels.filter(\.isRunning)
        let serving = servers.filter(\.isRunning)
        try await eventuallySettled("Sentinels and replica are ready") {
            try await areReady(serving, watchedBy: watching) ? () : nil
        }
    }

    private func areReady(_ serving: [RedisServer], watchedBy watching: [RedisServer]) async throws -> Bool {
        guard let port = try await masterPort() else { return false }
        for server in serving where server.port != port {
            let state = try await server.command("INFO", "replication")
            guard fieldValue("master_link_status", in: state) == "up",
                fieldValue("master_port", in: state) == "\(port)"
            else { return false }
        }
        for sentinel in watching {
            // It answers with an error while there is no quorum.
            let quorum = try await sentinel.command("SENTINEL", "CKQUORUM", service)
            guard quorum.hasPrefix("OK \(watching.count) usable Sentinels") else { return false }
            for server in serving where server.port != port {
                guard try await isUsable(server, for: sentinel) else { return false }
            }
        }
        return true
    }

    /// Whether a Sentinel would make this replica the master.
    private func isUsable(_ replica: RedisServer, for sentinel: RedisServer) async throws -> Bool {
        // Names and values of the fields of each replica take turns, each on a line.
        let lines = try await sentinel.command("SENTINEL", "REPLICAS", service).split(
            separator: "\n", omittingEmptySubsequences: false)
        func value(_ field: String, after start: Int) -> Substring? {
            lines[start...].firstIndex { $0 == field }.flatMap { lines.indices.contains($0 + 1) ? lines[$0 + 1] : nil }
        }
        guard let start = lines.firstIndex(of: "\(replica.host):\(replica.port)") else { return false }
        return value("flags", after: start) == "slave" && value("master-link-status", after: start) == "ok"
    }

    /// The master's port as the running Sentinels see it; nil while they disagree.
    public func masterPort() async throws -> Int? {
        var ports: Set<Int?> = []
        for sentinel in sentinels where sentinel.isRunning {
            let answer = try await sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
            ports.insert(answer.split(separator: "\n").last.flatMap { Int($0) })
        }
        return ports.count == 1 ? ports.first ?? nil : nil
    }

    /// Waits until the Sentinels agree that another server is the master, and it agrees, too.
    @discardableResult
    public func waitForMaster(otherThan former: RedisServer) async throws -> RedisServer {
        try await eventuallySettled("the Sentinels choose another master") {
            guard let port = try await masterPort(), port != former.port,
                let server = servers.first(where: { $0.port == port }),
                try await server.info("role", in: "replication") == "master"
            else { return nil }
            return server
        }
    }
}
