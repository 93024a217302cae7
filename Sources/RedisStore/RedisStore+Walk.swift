public import Greylist
import NIOConcurrencyHelpers
import NIOCore
import RedisClient
public import Storage

/// Expiry, scan and merge: slices of `SCAN`, with the commands on the entries of a slice sent together.
extension RedisStore {
    /// How many keys to ask for at once: requests on the same connection don't wait for more.
    private static let slice = 1_000

    /// An entry as it is in Redis.
    private struct Found: Sendable {
        var key: Key
        var record: ByteBuffer
        var sighting: Sighting

        func isToGo(_ isDropped: Bool, at now: Timestamp, under rules: Rules) -> Bool {
            isDropped || sighting.isExpired(at: now, under: rules)
        }
    }

    /// Removes what is expired from a slice, and gives an expiry to entries that have none.
    ///
    /// A pass begins only where no other instance has the lease. Redis removes by itself what has an expiry: removed
    /// here are the entries of TPRT 0.9.3, which have none, and those that were dropped.
    public func expire(
        _ table: Table, from cursor: Cursor?, limit: Int, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) -> ExpiredSlice {
        var slice = ExpiredSlice()
        if cursor == nil, let lease = maintenanceLease, try await !takeLease(of: table, for: lease, at: now) {
            slice.isLeftToOthers = true
            return slice
        }
        let (found, next) = try await look(table, from: cursor, limit: limit)
        let lives = try await run(found.count) { number, commands, buffer in
            commands.timeToLive(of: found[number].key, in: table, into: &buffer)
        }
        let dropped = pending.withLockedValue { pending in
            found.map { table == .greylist && pending.hasDropped($0.sighting) }
        }
        let changes = found.indices.filter { number in
            found[number].isToGo(dropped[number], at: now, under: rules) || (try? lives[number].get()) == .integer(-1)
        }
        let replies = try await run(changes.count) { number, commands, buffer in
            let place = changes[number]
            let entry = found[place]
            if entry.isToGo(dropped[place], at: now, under: rules) {
                return commands.remove(entry.key, in: table, entry.record, into: &buffer)
            }
            return commands.replace(
                entry.key, in: table, entry.record, with: entry.sighting, at: now, under: rules, isLoaded: false,
                into: &buffer)
        }
        for (place, reply) in zip(changes, replies) where found[place].isToGo(dropped[place], at: now, under: rules) {
            guard try reply.value() == .integer(1) else { continue }
            slice.removed += 1
            if table == .greylist { forget(found[place].sighting) }
        }
        slice.visited = found.count
        slice.next = next
        return slice
    }

    /// Reads a slice.
    ///
    /// One entry may come twice, while Redis grows or shrinks its table.
    public func scan(_ table: Table, from cursor: Cursor?, limit: Int) async throws(StoreError) -> ScannedSlice {
        let (found, next) = try await look(table, from: cursor, limit: limit)
        return ScannedSlice(entries: found.map { Entry(key: $0.key, sighting: $0.sighting) }, next: next)
    }

    /// Doesn't know: servers only count all keys of a database, whosever they are.
    public func count(_ table: Table) async throws(StoreError) -> Int? { nil }

    /// The first attempts that this process knows of; files and entries are the server's affair.
    public func figures() async throws(StoreError) -> StoreFigures {
        StoreFigures(pending: pending.withLockedValue { $0.figures })
    }

    /// What it has under these keys; nothing where somebody else has something else there, a list say.
    public func find(_ keys: [Key], in table: Table) async throws(StoreError) -> [Sighting?] {
        var (found, rest): ([Sighting?], ArraySlice<Key>) = ([], keys[...])
        while !rest.isEmpty {
            let slice = Array(rest.prefix(Self.slice))
            for record in try await records(of: slice, in: table) {
                found.append(record.flatMap { LegacyRecord.sighting($0) })
            }
            rest = rest.dropFirst(slice.count)
        }
        return found
    }

    /// Takes entries away, each atomically; what is no record of ours is left alone.
    public func remove(_ keys: [Key], from table: Table) async throws(StoreError) {
        // Read again where somebody else has written meanwhile; of two of the same key the second finds nothing.
        var open = keys[...]
        while !open.isEmpty {
            let slice = Array(open.prefix(Self.slice))
            open = open.dropFirst(slice.count) + (try await removeOnce(slice, from: table))
        }
    }

    /// Removes what is there; returns the keys whose entries were changed meanwhile.
    private func removeOnce(_ keys: [Key], from table: Table) async throws(StoreError) -> [Key] {
        let found = zip(keys, try await records(of: keys, in: table)).compactMap { key, record in
            record.flatMap { record in
                LegacyRecord.sighting(record).map { Found(key: key, record: record, sighting: $0) }
            }
        }
        let replies = try await run(found.count) { number, commands, buffer in
            commands.remove(found[number].key, in: table, found[number].record, into: &buffer)
        }
        var changed: [Key] = []
        for (entry, reply) in zip(found, replies) {
            guard try reply.value() == .integer(1) else {
                changed.append(entry.key)
                continue
            }
            if table == .greylist { forget(entry.sighting) }
        }
        return changed
    }

    /// Notes that an entry of the greylist was removed.
    private func forget(_ sighting: Sighting) {
        pending.withLockedValue { pending in
            pending.remove(sighting, network: 0)
            pending.commit()
        }
    }

    /// Adds entries, each atomically; those that are expired aren't worth it.
    public func merge(
        _ entries: [Entry], into table: Table, at now: Timestamp, under rules: Rules
    ) async throws(StoreError) {
        var open = entries.filter { !$0.sighting.isExpired(at: now, under: rules) }
        while !open.isEmpty {
            let asked = open
            let records = try await records(of: asked.map(\.key), in: table)
            var writes: [(entry: Entry, record: ByteBuffer, merged: Sighting)] = []
            for (entry, record) in zip(asked, records) {
                // There is no place for an entry, and others shall not wait for it.
                guard let record else { continue }
                let stored = LegacyRecord.sighting(record)
                let merged = entry.sighting.merged(with: stored, at: now, under: rules)
                if !merged.hasSameText(as: stored) { writes.append((entry, record, merged)) }
            }
            let wanted = writes
            let replies = try await run(wanted.count) { number, commands, buffer in
                commands.replace(
                    wanted[number].entry.key, in: table, wanted[number].record, with: wanted[number].merged, at: now,
                    under: rules, isLoaded: false, into: &buffer)
            }
            open = []
            for (write, reply) in zip(wanted, replies) where try reply.value() != .integer(1) {
                open.append(write.entry)
            }
        }
    }

    /// Whether this instance may go through the table now: nobody else may for as long as the lease lasts.
    ///
    /// The value has the form of a record, so that a TPRT 0.9.3 on the same database can read it.
    private func takeLease(of table: Table, for seconds: Int64, at now: Timestamp) async throws(StoreError) -> Bool {
        let key = layout.lease(of: table)
        let isCluster = access.location.isCluster
        let reply = try await run(1) { _, _, buffer in
            buffer.writeCommand("SET", arguments: 5)
            buffer.writeBulk(key.span)
            buffer.writeBulk("0,\(now.seconds)")
            buffer.writeBulk("NX")
            buffer.writeBulk("EX")
            buffer.writeBulk(Int(max(1, seconds)))
            return isCluster ? KeySlot.of(key.span) : nil
        }
        return try reply[0].value() != .null
    }

    /// The entries of a slice, and where to go on.
    private func look(
        _ table: Table, from cursor: Cursor?, limit: Int
    ) async throws(StoreError) -> (found: [Found], next: Cursor?) {
        let (keys, next) = try await scan(table, from: cursor.flatMap { RedisCursor($0) }, limit: limit)
        var found: [Found] = []
        for (key, record) in zip(keys, try await records(of: keys, in: table)) {
            // Gone since, or not ours.
            guard let record, let sighting = LegacyRecord.sighting(record) else { continue }
            found.append(Found(key: key, record: record, sighting: sighting))
        }
        return (found, next?.cursor)
    }

    private func scan(
        _ table: Table, from place: RedisCursor?, limit: Int
    ) async throws(StoreError) -> (keys: [Key], next: RedisCursor?) {
        let masters = try await masters()
        let start = place?.master ?? ""
        guard let index = masters.firstIndex(where: { $0.name >= start }) else { return ([], nil) }
        let master = masters[index]
        let position = master.name == place?.master ? place?.position ?? "0" : "0"
        let pattern = layout.pattern(of: table)
        var command = ByteBuffer()
        command.writeCommand("SCAN", arguments: pattern == nil ? 3 : 5)
        command.writeBulk(position)
        if let pattern {
            command.writeBulk("MATCH")
            command.writeBulk(pattern.span)
        }
        command.writeBulk("COUNT")
        command.writeBulk(max(1, limit))
        let reply = try await onLoop { [command] loop, done in
            PipelinedCommands.run(command, on: master, by: loop.client) { done($0) }
        }.value()
        guard let parts = reply.elements, parts.count == 2, let next = parts[0].string, let names = parts[1].elements
        else { throw StoreError(.unavailable, "redis: the answer to SCAN can't be understood") }
        let keys = names.compactMap { name in
            name.text.flatMap { text in text.withUnsafeReadableBytes { layout.key($0, in: table) } }
        }
        if next != "0" { return (keys, RedisCursor(master: master.name, position: next)) }
        let isLast = index + 1 == masters.count
        return (keys, isLast ? nil : RedisCursor(master: masters[index + 1].name, position: "0"))
    }

    /// What is there under these keys: a record, or anything else; empty where there is nothing; nil where it is no text,
    /// but somebody else's list, say.
    private func records(of keys: [Key], in table: Table) async throws(StoreError) -> [ByteBuffer?] {
        let replies = try await run(keys.count) { number, commands, buffer in
            commands.get(keys[number], in: table, into: &buffer)
        }
        var records: [ByteBuffer?] = []
        for reply in replies {
            if case .failure(let fault) = reply, fault.kind == .wrongType {
                records.append(nil)
            } else {
                records.append(try reply.value().text ?? ByteBuffer())
            }
        }
        return records
    }

    private func masters() async throws(StoreError) -> [RedisClient.Master] {
        let result = await onLoop { loop, done in loop.client.masters(done) }
        switch result {
        case .success(let masters): return masters.sorted { $0.name < $1.name }
        case .failure(let fault): throw StoreError(fault)
        }
    }

    private func run(
        _ count: Int, _ write: @escaping @Sendable (Int, inout EntryCommands, inout ByteBuffer) -> UInt16?
    ) async throws(StoreError) -> [PipelinedCommands.Reply] {
        await onLoop { loop, done in PipelinedCommands.run(count, by: loop.batcher, write, done: done) }
    }

    /// Runs `body` on the background loop, and waits until it says that it is done.
    private func onLoop<Answer: Sendable>(
        _ body: @escaping @Sendable (LoopClient, @escaping (Answer) -> Void) -> Void
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            background.execute {
                body(self.client(on: self.background)) { continuation.resume(returning: $0) }
            }
        }
    }
}

extension Sighting {
    /// Whether it reads the same in Redis, where the first time of what has passed isn't kept.
    fileprivate func hasSameText(as other: Sighting?) -> Bool {
        passes == other?.passes && last == other?.last
    }
}

extension PipelinedCommands.Reply {
    /// The reply, or the fault as whoever asked the store knows it.
    fileprivate func value() throws(StoreError) -> RESPValue {
        do throws(RedisError) { return try get() } catch { throw StoreError(error) }
    }
}

/// Where a walk through all masters goes on: the master, and the cursor that its `SCAN` gave.
///
/// Masters are walked through in the order of their names, so that one that comes or goes meanwhile confuses nothing.
struct RedisCursor: Equatable {
    var master: String
    var position: String

    init(master: String, position: String) {
        self.master = master
        self.position = position
    }

    init?(_ cursor: Cursor) {
        let parts = String(decoding: cursor.bytes, as: UTF8.self).split(
            separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        self.init(master: String(parts[0]), position: String(parts[1]))
    }

    var cursor: Cursor { Cursor(Array("\(master) \(position)".utf8)) }
}

extension RedisClient.Master {
    /// The name by which a cursor knows it.
    var name: String {
        switch self {
        case .only: ""
        case .node(let address): "\(address)"
        }
    }
}
