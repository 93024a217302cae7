package import Greylist
package import NIOCore
import RedisClient
package import Storage

/// Writes the commands on entries: how keys are spelt, how records read, and how long they live.
package struct EntryCommands {
    private let prefixes: PerTable<[UInt8]>
    private let isCluster: Bool
    private let script = EntryScript()
    /// Storage that is used again and again.
    private var record: [UInt8] = []
    /// Whether the server knows `SET … NX GET` (Redis 7, Valkey); the script does the same, a little slower.
    var hasSetNXGet = true

    package init(layout: RedisLayout, isCluster: Bool) {
        prefixes = PerTable { layout.prefix(of: $0) }
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
        let (prefix, seconds) = (prefixes[.greylist], Int(sighting.secondsLeft(at: now, under: rules)))
        let length = prefix.count + key.spellingCount
        write(sighting)
        // The commonest of all commands, in one go.
        buffer.writeWithOutputRawSpan(minimumWritableBytes: length + record.count + 9 * OutputRawSpan.roomForBulk(4)) {
            $0.append(header: "*", 7)
            $0.append(bulk: "SET")
            $0.append(bulkLength: length) { $0.append(key, after: prefix) }
            $0.append(bulkLength: record.count) { $0.append(record.span) }
            $0.append(bulk: "NX")
            $0.append(bulk: "GET")
            $0.append(bulk: "EX")
            $0.append(bulkLength: seconds.decimalWidth) { $0.append(decimal: seconds) }
        }
        return isCluster ? slot(of: key, after: prefix) : nil
    }

    /// Replaces a record by another: 1, or else what is there, and nothing is changed.
    ///
    /// - Parameters:
    ///   - record: what is there; empty: nothing
    ///   - sighting: what shall be there
    ///   - isLoaded: whether the server is believed to have the script
    mutating func replace(
        _ key: Key, in table: Table, _ record: ByteBuffer, with sighting: Sighting, at now: Timestamp,
        under rules: Rules, isLoaded: Bool = true, into buffer: inout ByteBuffer
    ) -> UInt16? {
        script.write(into: &buffer, isLoaded: isLoaded)
        let slot = write(key, table, &buffer)
        buffer.writeBulk(record)
        write(sighting)
        buffer.writeBulk(self.record.span)
        buffer.writeBulk(Int(sighting.secondsLeft(at: now, under: rules)))
        return slot
    }

    /// Removes a record: 1, or else what is there, and nothing is changed.
    ///
    /// The whole script is sent each time: this is rare, and so needs no second try.
    mutating func remove(_ key: Key, in table: Table, _ record: ByteBuffer, into buffer: inout ByteBuffer) -> UInt16? {
        script.write(into: &buffer, isLoaded: false)
        let slot = write(key, table, &buffer)
        buffer.writeBulk(record)
        buffer.writeBulk("")
        buffer.writeBulk(1)
        return slot
    }

    private func write(_ key: Key, _ table: Table, _ buffer: inout ByteBuffer) -> UInt16? {
        let prefix = prefixes[table]
        buffer.writeBulk(length: prefix.count + key.spellingCount) { $0.append(key, after: prefix) }
        return isCluster ? slot(of: key, after: prefix) : nil
    }

    private func slot(of key: Key, after prefix: [UInt8]) -> UInt16 {
        var text = prefix
        key.spell { text.append($0) }
        return KeySlot.of(text.span)
    }

    private mutating func write(_ sighting: Sighting) {
        record.removeAll(keepingCapacity: true)
        LegacyRecord.append(sighting, to: &record)
    }
}

extension OutputRawSpan {
    @inline(__always)
    fileprivate mutating func append(_ key: Key, after prefix: [UInt8]) {
        append(prefix.span)
        key.spell { append($0) }
    }
}

extension Sighting {
    /// How long an entry lives from now on, in seconds: until the rules take it for expired; at least 1.
    fileprivate func secondsLeft(at now: Timestamp, under rules: Rules) -> Int64 {
        max(1, (isPending ? rules.retryWindow : rules.maxAge) - now.since(last) + 1)
    }
}

/// The script that changes an entry, provided that it is still what we think it is (compare and set).
///
/// `KEYS[1]`: the entry. `ARGV[1]`: what it is, or nothing where there is none. `ARGV[2]`: what it shall be, or nothing to
/// remove it. `ARGV[3]`: for how many seconds. It returns 1, or else what the entry is, and then nothing was changed.
struct EntryScript {
    private static let text: StaticString = """
        local is = redis.call('GET', KEYS[1])
        if (is or '') ~= ARGV[1] then return is end
        if ARGV[2] == '' then redis.call('DEL', KEYS[1])
        else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
        return 1
        """

    private let digest: ByteBuffer

    init() {
        let text = Self.text.withUTF8Buffer { Array($0) }
        var digest = ByteBuffer()
        // A server knows a script by its SHA-1, in the same spelling as ours of a key.
        Key(text.span, isHashed: true).spell { digest.writeInteger($0) }
        self.digest = digest
    }

    /// Writes the call of the script up to the key, which has to follow with the three arguments.
    ///
    /// - Parameter isLoaded: whether the server is believed to have it; it answers `NOSCRIPT` where it hasn't
    func write(into buffer: inout ByteBuffer, isLoaded: Bool) {
        if isLoaded {
            buffer.writeCommand("EVALSHA", arguments: 6)
            buffer.writeBulk(digest)
        } else {
            buffer.writeCommand("EVAL", arguments: 6)
            buffer.writeBulk(Self.text)
        }
        buffer.writeBulk(1)
    }
}
