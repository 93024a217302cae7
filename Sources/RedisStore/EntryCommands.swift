package import Greylist
package import NIOCore
package import Storage

/// Writes the commands on entries: how keys are spelt, how records read, and how long they live.
package struct EntryCommands {
    private let prefixes: [[UInt8]]
    private let isCluster: Bool
    private let script = EntryScript()
    /// Storage that is used again and again.
    private var key: [UInt8] = []
    private var record: [UInt8] = []
    /// Whether the server knows `SET … NX GET` (Redis 7, Valkey); the script does the same, a little slower.
    var hasSetNXGet = true

    package init(layout: RedisLayout, isCluster: Bool) {
        prefixes = Table.allCases.map { layout.prefix(of: $0) }
        self.isCluster = isCluster
    }

    /// Reads an entry: its record, or null.
    mutating func get(_ key: Key, in table: Table, into buffer: inout ByteBuffer) -> UInt16? {
        buffer.writeCommand("GET", arguments: 1)
        return write(key, table, &buffer)
    }

    /// How long an entry has left to live, in seconds; -1 where it lives for ever.
    mutating func timeToLive(of key: Key, in table: Table, into buffer: inout ByteBuffer) -> UInt16? {
        buffer.writeCommand("TTL", arguments: 1)
        return write(key, table, &buffer)
    }

    /// Makes an entry unless there is one: null or 1, or else the record that is there.
    package mutating func claim(
        _ key: Key, for sighting: Sighting, at now: Timestamp, under rules: Rules, into buffer: inout ByteBuffer
    ) -> UInt16? {
        guard hasSetNXGet else {
            return replace(key, in: .greylist, ByteBuffer(), with: sighting, at: now, under: rules, into: &buffer)
        }
        buffer.writeCommand("SET", arguments: 6)
        let slot = write(key, .greylist, &buffer)
        write(sighting, &buffer)
        buffer.writeBulk("NX")
        buffer.writeBulk("GET")
        buffer.writeBulk("EX")
        buffer.writeBulk(Int(sighting.secondsLeft(at: now, under: rules)))
        return slot
    }

    /// Replaces a record by another, or removes it: 1, or else what is there, and nothing is changed.
    ///
    /// - Parameters:
    ///   - record: what is there; empty: nothing
    ///   - sighting: what shall be there; nil: nothing
    ///   - isLoaded: whether the server is believed to have the script
    mutating func replace(
        _ key: Key, in table: Table, _ record: ByteBuffer, with sighting: Sighting?, at now: Timestamp,
        under rules: Rules, isLoaded: Bool = true, into buffer: inout ByteBuffer
    ) -> UInt16? {
        script.write(into: &buffer, isLoaded: isLoaded)
        let slot = write(key, table, &buffer)
        buffer.writeBulk(record)
        if let sighting { write(sighting, &buffer) } else { buffer.writeBulk("") }
        buffer.writeBulk(Int(sighting?.secondsLeft(at: now, under: rules) ?? 1))
        return slot
    }

    private mutating func write(_ key: Key, _ table: Table, _ buffer: inout ByteBuffer) -> UInt16? {
        self.key.removeAll(keepingCapacity: true)
        self.key.append(contentsOf: prefixes[table.rawValue])
        key.spell { self.key.append($0) }
        buffer.writeBulk(self.key.span)
        return isCluster ? KeySlot.of(self.key.span) : nil
    }

    private mutating func write(_ sighting: Sighting, _ buffer: inout ByteBuffer) {
        record.removeAll(keepingCapacity: true)
        EntryText.append(sighting, to: &record)
        buffer.writeBulk(record.span)
    }
}

extension Sighting {
    /// How long an entry lives from now on, in seconds: until the rules take it for expired; at least 1.
    fileprivate func secondsLeft(at now: Timestamp, under rules: Rules) -> Int64 {
        max(1, (isPending ? rules.retryWindow : rules.maxAge) - now.since(last) + 1)
    }
}
