import TestSupport

/// Runs `body` with a new server that is gone afterwards, whatever happened.
nonisolated(nonsending) public func withServer<Value>(
    _ options: RedisOptions = .plain, _ body: nonisolated(nonsending) (RedisServer) async throws -> Value
) async throws -> Value {
    let server = try await RedisServer.start(options)
    return try await using(server, body) { await server.remove() }
}

/// Runs `body` with a new master, its replica and Sentinels, which are gone afterwards, whatever happened.
nonisolated(nonsending) public func withSentinels<Value>(
    password: String? = nil, sentinelPassword: String? = nil,
    _ body: nonisolated(nonsending) (RedisSentinels) async throws -> Value
) async throws -> Value {
    let sentinels = try await RedisSentinels.start(password: password, sentinelPassword: sentinelPassword)
    return try await using(sentinels, body) { await sentinels.remove() }
}

/// Runs `body` with a new cluster that is gone afterwards, whatever happened.
nonisolated(nonsending) public func withCluster<Value>(
    password: String? = nil, _ body: nonisolated(nonsending) (RedisCluster) async throws -> Value
) async throws -> Value {
    let cluster = try await RedisCluster.start(password: password)
    return try await using(cluster, body) { await cluster.remove() }
}

/// Runs `body` with a new proxy in front of a server; it is gone afterwards, whatever happened.
nonisolated(nonsending) public func withProxy<Value>(
    to server: RedisServer, _ body: nonisolated(nonsending) (RedisProxy) async throws -> Value
) async throws -> Value {
    let proxy = try RedisProxy.start(to: server)
    return try await using(proxy, body) { await proxy.stop() }
}

/// Runs `body` with `thing`, and `end` in any case.
nonisolated(nonsending) private func using<Thing, Value>(
    _ thing: Thing, _ body: nonisolated(nonsending) (Thing) async throws -> Value,
    end: @escaping @Sendable () async -> Void
) async throws -> Value {
    do {
        let value = try await body(thing)
        await shielded(end)
        return value
    } catch {
        await shielded(end)
        throw error
    }
}

/// Like `eventually`, for servers that change their roles, and lose or close connections meanwhile.
///
/// A command that fails means "not yet".
nonisolated(nonsending) func eventuallySettled<Value>(
    _ what: String, _ attempt: nonisolated(nonsending) () async throws -> Value?
) async throws -> Value {
    var failure: TestError?
    return try await eventually(
        what + (failure.map { "; at last \($0)" } ?? ""), within: .seconds(90), every: .milliseconds(100)
    ) {
        do {
            failure = nil
            return try await attempt()
        } catch let error as TestError {
            failure = error
            return nil
        }
    }
}
