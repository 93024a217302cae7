public import Storage

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
                    .other, "somebody else has changed the lists meanwhile: nothing was changed, run it again")
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
