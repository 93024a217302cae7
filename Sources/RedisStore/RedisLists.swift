import NIOCore
import NIOPosix
import RedisClient
public import Storage
public import StoreURLs

/// Lists of hashes in the layout of TPRT 0.9.3: the list `whitelists` names lists, each of which holds keys of hashes.
///
public final class RedisLists: Sendable {
    /// A list as it is kept.
    public struct List: Sendable, Equatable {
        /// Its key.
        public let name: String
        /// The hashes, by their keys, in their order; of a key that comes twice the first.
        public internal(set) var entries: [(key: String, fields: [(name: String, value: String)])]
        /// All keys that it holds, be there hashes or not.
        let keys: [String]

        /// A list of these entries.
        public init(name: String, entries: [(key: String, fields: [(name: String, value: String)])]) {
            self.init(name: name, keys: entries.map(\.key))
            self.entries = entries
        }

        init(name: String, keys: [String]) {
            self.name = name
            self.keys = keys
            entries = []
        }

        /// Whether name and entries are the same.
        public static func == (one: Self, other: Self) -> Bool {
            one.name == other.name
                && one.entries.elementsEqual(other.entries) { one, other in
                    one.key == other.key && one.fields.elementsEqual(other.fields, by: ==)
                }
        }
    }

    /// What a reading brought.
    public struct Contents: Sendable {
        /// The lists, in their order.
        public internal(set) var lists: [List] = []
        /// What is of the wrong kind or missing: the list, its entry's key or nil, and a sentence.
        public internal(set) var messages: [(list: String, key: String?, message: String)] = []
        /// All that the list `whitelists` holds.
        var names: [String] = []
    }

    /// The most entries of a list that are read.
    static let limit = 2_000_000
    /// How many hashes are asked for at once.
    static let batch = 500
    /// How often lists are read that change meanwhile.
    private static let attempts = 10

    let location: RedisLocation
    private let access: RedisAccess
    private let limits: RedisLimits

    /// Reads the files that the location names (passwords, certificates); connects when it is read.
    ///
    /// - Parameter report: takes a sentence for the log; called on any thread
    public convenience init(
        _ location: RedisLocation, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        try self.init(location, limits: RedisLimits(), report: report)
    }

    init(
        _ location: RedisLocation, limits: RedisLimits, report: @escaping @Sendable (String) -> Void
    ) throws(StoreError) {
        self.location = location
        self.limits = limits
        access = try RedisAccess(location, report: report)
    }

    /// Reads all lists over a connection that is made for it.
    ///
    /// They are those of one moment, unless somebody keeps changing them. Blocks; not to be called on an event loop.
    public func read() throws(StoreError) -> Contents {
        try run { ask in
            var contents = try self.read(ask)
            for _ in 1..<Self.attempts where try !self.isCurrent(contents, ask) { contents = try self.read(ask) }
            return contents
        }
    }

    /// Does something over a connection that is made for it.
    func run<Result>(_ body: (Ask) throws -> Result) throws(StoreError) -> Result {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let sender: NIOLoopBound<ListCommands>
        do {
            sender = try loop.submit { [access, limits] in
                NIOLoopBound(
                    ListCommands(RedisClient(on: loop, configuration: access.configuration, limits: limits), on: loop),
                    eventLoop: loop)
            }.wait()
        } catch {
            throw StoreError(.unavailable, "\(location): \(error)")
        }
        defer { loop.execute { sender.value.client.close() } }
        do {
            return try body { commands in try loop.flatSubmit { sender.value.ask(commands) }.wait() }
        } catch let fault as RedisError {
            throw StoreError(fault.isMisconfiguration ? .misconfigured : .unavailable, "\(location): \(fault.message)")
        } catch {
            throw StoreError(.unavailable, "\(location): \(error)")
        }
    }

    /// Sends commands together, and waits for their replies.
    typealias Ask = ([ListCommand]) throws -> [Result<RESPValue, RedisError>]

    private func read(_ ask: Ask) throws -> Contents {
        var contents = Contents()
        contents.names = try names(ask)
        for name in contents.names {
            guard let all = try keys(of: name, ask, &contents) else { continue }
            var list = List(name: name, keys: all)
            var seen: Set<String> = []
            let keys = all.filter { seen.insert($0).inserted }
            var start = 0
            while start < keys.count {
                let some = keys[start..<min(start + Self.batch, keys.count)]
                for (key, reply) in zip(some, try ask(some.map { ListCommand("HGETALL", $0) })) {
                    if let fields = try fields(reply, key, of: name, &contents) { list.entries.append((key, fields)) }
                }
                start += Self.batch
            }
            contents.lists.append(list)
        }
        return contents
    }

    /// Whether the lists still have the keys that were read.
    private func isCurrent(_ contents: Contents, _ ask: Ask) throws -> Bool {
        guard try names(ask) == contents.names else { return false }
        for list in contents.lists {
            var others = Contents()
            guard try keys(of: list.name, ask, &others) == list.keys else { return false }
        }
        return true
    }

    /// The names of the lists; asked for until there is a connection, or no hope of one.
    func names(_ ask: Ask) throws -> [String] {
        let end = NIODeadline.now() + limits.connect
        while true {
            let reply = try ask([ListCommand("LRANGE", "whitelists", "0", "-1")])[0]
            switch reply {
            case .success(let value): return (value.elements ?? []).compactMap(\.string)
            case .failure(let fault) where fault.kind == .wrongType:
                throw RedisError(.other, "the key whitelists is not a list")
            case .failure(let fault):
                guard case .unavailable = fault.kind, NIODeadline.now() < end else { throw fault }
                // The connection is being made.
                _ = try MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: .milliseconds(20)) {}
                    .futureResult.wait()
            }
        }
    }

    /// The keys in a list; nil where it is none.
    private func keys(of name: String, _ ask: Ask, _ contents: inout Contents) throws -> [String]? {
        var keys: [String] = []
        var start = 0
        while start < Self.limit {
            let reply = try ask([ListCommand("LRANGE", name, "\(start)", "\(start + 999)")])[0]
            switch reply {
            case .success(let value):
                let some = (value.elements ?? []).compactMap(\.string)
                keys += some
                if some.count < 1_000 { return keys }
            case .failure(let fault) where fault.kind == .wrongType:
                contents.messages.append((name, nil, "the key is not a list"))
                return nil
            case .failure(let fault): throw fault
            }
            start += 1_000
        }
        contents.messages.append((name, nil, "all beyond entry \(Self.limit)"))
        return keys
    }

    private func fields(
        _ reply: Result<RESPValue, RedisError>, _ key: String, of list: String, _ contents: inout Contents
    ) throws -> [(name: String, value: String)]? {
        switch reply {
        case .success(let value):
            let texts = (value.elements ?? []).map { $0.string ?? "" }
            guard !texts.isEmpty else {
                contents.messages.append((list, key, "key does not exist"))
                return nil
            }
            return stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) }
        case .failure(let fault) where fault.kind == .wrongType:
            contents.messages.append((list, key, "the key is not a hash"))
            return nil
        case .failure(let fault): throw fault
        }
    }
}

extension RedisLists {
    /// Puts lists in the place of those of their names that were read, or beside them; others stay.
    ///
    /// All of them change in one step, so that whoever reads has all of the old or all of the new state; in a cluster,
    /// whose slots know no common step, each list does, new names last. Nothing changes where somebody else has
    /// changed a list since it was read. The hashes come before that: what is under a key is never changed, and hashes
    /// to which no list refers any more are removed at the end. A new key that is there and holds something else is
    /// a fault.
    ///
    /// Blocks; not to be called on an event loop.
    ///
    /// - Parameter progress: told how many of how many keys are written
    public func write(
        _ lists: [List], over contents: Contents, progress: (_ done: Int, _ total: Int) -> Void
    ) throws(StoreError) {
        try run { ask in
            _ = try self.names(ask)
            let change = ListsChange(of: contents, to: lists)
            var done = 0
            let total = change.hashes.count + change.swaps.reduce(0) { $0 + $1.keys.count } + change.garbage.count
            func advance(_ count: Int) {
                done += count
                progress(done, total)
            }
            for batch in change.hashes.batches(of: Self.batch) {
                try self.writeHashes(batch, ask)
                advance(batch.count)
            }
            for swap in change.swaps {
                try self.prepare(swap, ask, advance)
            }
            try self.carryOut(change.swaps, ask)
            for batch in change.garbage.batches(of: Self.batch) {
                for reply in try ask(batch.map { ListCommand("DEL", $0) }) { _ = try reply.get() }
                advance(batch.count)
            }
        }
    }

    /// Writes the hashes that aren't there yet.
    private func writeHashes(_ hashes: ArraySlice<ListsChange.Hash>, _ ask: Ask) throws {
        var missing: [ListCommand] = []
        for (hash, reply) in zip(hashes, try ask(hashes.map { ListCommand("HGETALL", $0.key) })) {
            switch reply {
            case .success(let value):
                let texts = (value.elements ?? []).map { $0.string ?? "" }
                if texts.isEmpty {
                    let words = hash.fields.flatMap { [$0.name, $0.value] }
                    missing.append(ListCommand(["HSET", hash.key] + words, key: hash.key))
                } else if !hash.holds(texts) {
                    throw RedisError(.other, "the key \(hash.key) holds something else: no list was changed")
                }
            case .failure(let fault) where fault.kind == .wrongType:
                throw RedisError(.other, "the key \(hash.key) is not a hash: no list was changed")
            case .failure(let fault): throw fault
            }
        }
        guard !missing.isEmpty else { return }
        for reply in try ask(missing) { _ = try reply.get() }
    }

    /// Writes a list beside the one whose place it is to take; it is gone after an hour if it doesn't come to that.
    private func prepare(_ swap: ListsChange.Swap, _ ask: Ask, _ advance: (Int) -> Void) throws {
        switch try ask([ListCommand("LLEN", swap.list)])[0] {
        case .success(let value):
            guard swap.isNew, value != .integer(0) else { break }
            throw RedisError(.other, "there is a list \(swap.list) that whitelists doesn't name: nothing was changed")
        case .failure(let fault) where fault.kind == .wrongType:
            throw RedisError(.other, "the key \(swap.list) is not a list: nothing was changed")
        case .failure(let fault): throw fault
        }
        guard swap.isText else {
            throw RedisError(.other, "the list \(swap.list) has keys that are no UTF-8: nothing was changed")
        }
        for keys in swap.keys.batches(of: 1_000) {
            let commands = [
                ListCommand(["RPUSH", swap.draft] + keys, key: swap.draft), ListCommand("EXPIRE", swap.draft, "3600"),
            ]
            for reply in try ask(commands) { _ = try reply.get() }
            advance(keys.count)
        }
    }

    private func carryOut(_ swaps: [ListsChange.Swap], _ ask: Ask) throws {
        for some in location.isCluster ? swaps.map({ [$0] }) : [swaps] where !some.isEmpty {
            if location.isCluster, let swap = some.first(where: { !$0.staysInItsSlot }) {
                throw RedisError(
                    .other, "a list of the name \(swap.list) can't be written in a cluster: it has a brace")
            }
            let keys = some.flatMap { [$0.list, $0.draft] }
            let arguments = some.flatMap { [$0.digest, "\($0.keys.count)"] }
            let command = ListCommand(["EVAL", Self.script, "\(keys.count)"] + keys + arguments, key: some[0].list)
            guard try ask([command])[0].get() == .integer(1) else {
                throw RedisError(
                    .other, "the lists were changed meanwhile: nothing was changed, run the command again")
            }
        }
    }

    /// The script that puts lists in the places of others, provided that these are still as they were read.
    ///
    /// `KEYS`: each list and what is to take its place. `ARGV`: for each, the digest of the list as it was read, and how
    /// many keys are to take its place. It returns 1, or else the key that isn't what it should be.
    private static let script = """
        for i = 1, #KEYS, 2 do
          local keys = table.concat(redis.call('LRANGE', KEYS[i], 0, -1), '\\n')
          if redis.sha1hex(keys) ~= ARGV[i] then return KEYS[i] end
          if redis.call('LLEN', KEYS[i + 1]) ~= tonumber(ARGV[i + 1]) then return KEYS[i + 1] end
        end
        for i = 1, #KEYS, 2 do
          if ARGV[i + 1] == '0' then redis.call('DEL', KEYS[i])
          else
            redis.call('RENAME', KEYS[i + 1], KEYS[i])
            redis.call('PERSIST', KEYS[i])
          end
        end
        return 1
        """
}

extension Array {
    /// The elements in slices of that many.
    fileprivate func batches(of count: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
    }
}
