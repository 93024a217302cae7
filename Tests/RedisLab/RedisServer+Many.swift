extension RedisServer {
    /// Starts several servers at once; all of them or none.
    static func start(_ count: Int, _ options: RedisOptions) async throws -> [RedisServer] {
        try await withThrowingTaskGroup(of: RedisServer.self) { group in
            for _ in 0..<count {
                group.addTask { try await start(options) }
            }
            // If one fails, the others end with the last references to them.
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Removes several servers at once.
    static func remove(_ servers: [RedisServer]) async {
        await withTaskGroup { group in
            for server in servers {
                group.addTask { await server.remove() }
            }
        }
    }
}
