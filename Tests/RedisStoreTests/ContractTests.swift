import Greylist
import NIOCore
import RedisClient
import RedisLab
import Storage
import StoreContract
import StoreURLs
import Testing

@testable import RedisStore

/// The promises of all stores, kept on every kind of Redis there is: real servers, started for it.
@Suite(.serialized) struct ContractTests {
    /// Runs every case, each with a prefix of its own in place of an empty database.
    private func keepContract(at url: String, keyPrefix: String = "") async throws {
        for (number, promise) in (StoreContract.cases + StoreContract.identities).enumerated() {
            let store = try openStore(url, keyPrefix: "\(keyPrefix)case \(number)*:")
            do {
                try await promise.check(store)
            } catch {
                Issue.record("\(promise): \(error)")
            }
            await store.close()
        }
    }

    @Test func overTCP() async throws {
        try await withServer(.plain) { server in
            try await keepContract(at: "redis://\(server.host):\(server.port)")
        }
    }

    @Test func overAUnixSocket() async throws {
        try await withServer(.unix) { server in
            try await keepContract(at: "redis-unix://\(try #require(server.socketPath))?db=3")
        }
    }

    @Test func overTLS() async throws {
        try await withServer(.tls) { server in
            let authority = try #require(server.certificates?.authority)
            try await keepContract(at: "rediss://localhost:\(server.port)?ca_file=\(authority)")
        }
    }

    @Test func behindSentinels() async throws {
        try await withSentinels { group in
            try await keepContract(at: "redis+sentinel://\(group.addresses.joined(separator: ","))/\(group.service)")
        }
    }

    @Test func inACluster() async throws {
        try await withCluster { cluster in
            let seed = try #require(cluster.servers.first)
            try await keepContract(at: "redis+cluster://\(seed.host):\(seed.port)")
        }
    }

    @Test func asAUserWithOnlyTheCommandsThatAreUsed() async throws {
        let rules = "~* +get +set +del +eval +evalsha +scan +ttl +ping +select +role +info +client|setname"
        try await withServer(.plain.acl("tprt", password: "p/:@ss word", rules: rules)) { server in
            try await keepContract(at: "redis://tprt:p%2F%3A%40ss%20word@\(server.host):\(server.port)/0")
        }
    }

    /// The layout of TPRT 0.9.3: no prefix, and a database for each table.
    @Test func inTheOriginalLayout() async throws {
        try await withServer(.plain) { server in
            for promise in StoreContract.cases + StoreContract.identities {
                _ = try await server.command("FLUSHALL")
                let pair = JoinedStore(
                    greylist: try openStore("redis-tcp://\(server.host):\(server.port)/?db=1"),
                    autoWhitelist: try openStore("redis-tcp://\(server.host):\(server.port)/2"))
                do {
                    try await promise.check(pair)
                } catch {
                    Issue.record("\(promise): \(error)")
                }
                await pair.close()
            }
        }
    }
}

/// Opens the store of a URL; what it reports is an issue.
func openStore(
    _ url: String, keyPrefix: String = "", lease: Int64? = nil,
    report: @escaping @Sendable (String) -> Void = { Issue.record("reported: \($0)") }
) throws -> RedisStore {
    guard case .redis(let location) = try StoreLocation(url: url) else { throw NoRedisURL() }
    var options = RedisStore.Options()
    options.keyPrefix = keyPrefix
    options.maintenanceLease = lease
    // The machine may be busy: who isn't after these limits shall not meet them.
    var limits = RedisLimits()
    limits.connect = .seconds(60)
    limits.reply = .seconds(60)
    limits.scouting = .seconds(60)
    return try RedisStore(location, options: options, limits: limits, report: report)
}

struct NoRedisURL: Error {}
