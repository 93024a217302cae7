import TestSupport

/// A slot on its way from one master to another, in stages: `begin`, `moveKeys`, `finish`.
///
/// After `begin` the old master answers for keys that it (still) has and says ASK for others; after `finish` it says
/// MOVED.
public struct SlotMigration: Sendable {
    /// The slot.
    public let slot: Int
    /// The master that had it.
    public let source: RedisServer
    /// The master that is to have it.
    public let target: RedisServer
    let cluster: RedisCluster
    let sourceID: String
    let targetID: String

    /// Declares to both sides that the slot moves.
    public func begin() async throws {
        try await target.command("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", sourceID)
        try await source.command("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", targetID)
    }

    /// Moves so many of the slot's keys, or all of them; returns how many it moved.
    @discardableResult
    public func moveKeys(_ limit: Int = .max) async throws -> Int {
        var moved = 0
        while moved < limit {
            let keys = try await keys(atMost: min(limit - moved, 100))
            if keys.isEmpty { break }
            var command = ["MIGRATE", target.host, "\(target.port)", "\"\"", "0", "10000"]
            if let user = target.administrator {
                command += ["AUTH2", user.name, user.password]
            }
            _ = try await source.quotedCommand(command + ["KEYS"] + keys)
            moved += keys.count
        }
        return moved
    }

    /// Keys of the slot that the source has, quoted.
    private func keys(atMost count: Int) async throws -> [String] {
        let answer = try await source.quotedCommand(["CLUSTER", "GETKEYSINSLOT", "\(slot)", "\(count)"])
        // Lines such as `1) "key"`, or `(empty array)`.
        return answer.split(separator: "\n").compactMap { line in
            line.firstIndex(of: "\"").map { String(line[$0...]) }
        }
    }

    /// Gives the slot to the target for good, and waits until everybody knows it.
    public func finish() async throws {
        // The target first: if the source were first and the target failed, nobody would serve the slot.
        for server in [target, source] {
            try await server.command("CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
        }
        try await cluster.waitUntilReady()
    }

    /// Calls it off; keys that were moved stay where they are.
    public func cancel() async throws {
        for server in [target, source] {
            try await server.command("CLUSTER", "SETSLOT", "\(slot)", "STABLE")
        }
    }
}

extension RedisCluster {
    /// The move of a slot to `target`, of which nothing is done yet; to any other master if nil.
    public func migration(of slot: Int, to target: RedisServer? = nil) async throws -> SlotMigration {
        let masters = try await nodes().filter(\.isMaster)
        guard let source = masters.first(where: { $0.serves(slot) }),
            let destination = masters.first(where: { $0.id != source.id && $0.port == target?.port ?? $0.port })
        else { throw TestError("no such move of slot \(slot)") }
        return SlotMigration(
            slot: slot, source: try server(at: source.port), target: try server(at: destination.port), cluster: self,
            sourceID: source.id, targetID: destination.id)
    }

    /// Moves a slot with all its keys to another master.
    public func moveSlot(_ slot: Int, to target: RedisServer? = nil) async throws {
        let migration = try await migration(of: slot, to: target)
        try await migration.begin()
        try await migration.moveKeys()
        try await migration.finish()
    }
}
