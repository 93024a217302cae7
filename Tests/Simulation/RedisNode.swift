import NIOCore
import Storage

@testable import RedisClient
@testable import RedisStore

/// A Redis server, as far as the daemons speak to it: keys that expire, the script, and what goes to a replica some time later.
final class RedisNode {
    typealias Bytes = [UInt8]

    fileprivate struct Value {
        var bytes: Bytes
        /// When it expires, in milliseconds; nil: never.
        var end: Int64?
    }

    /// Something that was written, on its way to the replica.
    struct Change {
        let key: Bytes
        fileprivate let value: Value?
        /// When it was written, in milliseconds.
        let time: Int64
    }

    let host: String
    private let world: World
    var isMaster: Bool
    var isUp = true
    /// Whether it takes nothing new.
    var isFull = false
    private var values: [Bytes: Value] = [:]
    private var scripts: [String: RedisScript] = [:]
    /// What it has written and the replica doesn't have yet.
    private(set) var backlog: [Change] = []

    init(_ host: String, isMaster: Bool, in world: World) {
        (self.host, self.isMaster, self.world) = (host, isMaster, world)
    }

    // MARK: Replication

    /// Hands over what was written until that moment.
    func takeBacklog(until time: Int64) -> [Change] {
        let count = backlog.prefix { $0.time <= time }.count
        defer { backlog.removeFirst(count) }
        return Array(backlog.prefix(count))
    }

    /// Takes over what the master has written.
    func apply(_ changes: [Change]) {
        for change in changes { values[change.key] = change.value }
    }

    /// Becomes a replica of a master: all that it has of its own is gone.
    func follow(_ master: RedisNode) {
        isMaster = false
        (values, backlog) = (master.values, [])
    }

    /// What doesn't survive a restart.
    func restart() {
        isUp = true
        scripts = [:]
    }

    func forgetScripts() { scripts = [:] }

    // MARK: Commands

    /// Carries a command out, and says what it answers.
    func answer(_ command: [Bytes]) -> Bytes {
        let words = command.map { String(decoding: $0, as: UTF8.self) }
        switch words[0] {
        case "PING": return Array("+PONG\r\n".utf8)
        case "CLIENT": return Array("+OK\r\n".utf8)
        case "INFO": return Self.bulk(Array("# Memory\r\nmaxmemory:0\r\n".utf8))
        case "ROLE": return Array("*1\r\n".utf8) + Self.bulk(Array((isMaster ? "master" : "slave").utf8))
        case "GET": return Self.bulk(get(command[1]))
        case "SET": return refusal ?? set(command, words)
        case "EVAL":
            let script = RedisScript(words[1])
            scripts[script.digest] = script
            return refusal ?? run(script, command)
        case "EVALSHA":
            guard let script = scripts[words[1]] else { return Self.error("NOSCRIPT No matching script.") }
            return refusal ?? run(script, command)
        default: return Self.error("ERR unknown command '\(words[0])'")
        }
    }

    /// Why it writes nothing; nil where it does.
    private var refusal: Bytes? {
        if !isMaster { return Self.error("READONLY You can't write against a read only replica.") }
        return isFull ? Self.error("OOM command not allowed when used memory > 'maxmemory'.") : nil
    }

    func get(_ key: Bytes) -> Bytes? {
        guard let value = values[key] else { return nil }
        if let end = value.end, end <= world.now { return nil }
        return value.bytes
    }

    func write(_ bytes: Bytes?, _ key: Bytes, seconds: Int64? = nil) {
        let value = bytes.map { Value(bytes: $0, end: seconds.map { world.now + $0 * 1_000 }) }
        values[key] = value
        backlog.append(Change(key: key, value: value, time: world.now))
    }

    /// `SET key value [NX] [GET] [EX seconds]`.
    private func set(_ command: [Bytes], _ words: [String]) -> Bytes {
        let options = words.dropFirst(3)
        let former = get(command[1])
        if !options.contains("NX") || former == nil {
            let seconds = options.firstIndex(of: "EX").flatMap { Int64(words[$0 + 1]) }
            write(command[2], command[1], seconds: seconds)
            return options.contains("GET") ? Self.bulk(former) : Array("+OK\r\n".utf8)
        }
        return options.contains("GET") ? Self.bulk(former) : Self.bulk(nil)
    }

    /// `EVAL script 1 key argument…`.
    private func run(_ script: RedisScript, _ command: [Bytes]) -> Bytes {
        switch script.run(on: self, key: command[3], arguments: Array(command[4...])) {
        case .number(let number): return Array(":\(number)\r\n".utf8)
        case .bytes(let bytes): return Self.bulk(bytes)
        }
    }

    static func bulk(_ bytes: Bytes?) -> Bytes {
        guard let bytes else { return Array("$-1\r\n".utf8) }
        return Array("$\(bytes.count)\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    static func error(_ text: String) -> Bytes { Array("-\(text)\r\n".utf8) }
}

/// The script of the store, line by line as it is written: each line that is there does what it says, in one step.
struct RedisScript {
    enum Answer {
        case number(Int)
        /// Nil is what Redis makes of nothing.
        case bytes([UInt8]?)
    }

    /// The SHA-1 by which a server knows it.
    let digest: String
    private let lines: [String]

    init(_ text: String) {
        lines = text.split(separator: "\n").map { $0.trimmingSpaces }
        var digest = ""
        Key(Array(text.utf8).span, isHashed: true).spell { digest.unicodeScalars.append(Unicode.Scalar($0)) }
        self.digest = digest
    }

    /// Runs it.
    func run(on node: RedisNode, key: [UInt8], arguments: [[UInt8]]) -> Answer {
        var found: [UInt8]?
        var hasRemoved = false
        for line in lines {
            switch line {
            case "local is = redis.call('GET', KEYS[1])": found = node.get(key)
            case "if (is or '') ~= ARGV[1] then return is end":
                if found ?? [] != arguments[0] { return .bytes(found) }
            case "if ARGV[2] == '' then redis.call('DEL', KEYS[1])":
                hasRemoved = arguments[1].isEmpty
                if hasRemoved { node.write(nil, key) }
            case "else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end":
                if !hasRemoved {
                    node.write(arguments[1], key, seconds: Int64(String(decoding: arguments[2], as: UTF8.self)))
                }
            case "return 1": return .number(1)
            default: preconditionFailure("a line of the script that no simulated server knows: \(line)")
            }
        }
        return .bytes(nil)
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
