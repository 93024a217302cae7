import NIOConcurrencyHelpers
import NIOCore
import RedisClient
import Storage

/// A command on a whitelist.
struct ListCommand: Sendable {
    let words: [String]
    /// One of its keys, by which a cluster knows where to.
    let key: String

    /// A command whose first argument is its key.
    init(_ name: String, _ key: String, _ arguments: String...) {
        words = [name, key] + arguments
        self.key = key
    }

    init(_ words: [String], key: String) {
        self.words = words
        self.key = key
    }
}

/// Asks on behalf of `RedisLists`, on an event loop.
final class ListCommands: ReplyHandler {
    let client: RedisClient
    private let loop: any EventLoop
    private var promises: [Int: EventLoopPromise<Result<RESPValue, RedisError>>] = [:]
    private var tag = 0

    init(_ client: RedisClient, on loop: any EventLoop) {
        self.client = client
        self.loop = loop
    }

    /// Sends commands together.
    func ask(_ commands: [ListCommand]) -> EventLoopFuture<[Result<RESPValue, RedisError>]> {
        let replies = commands.map { command in
            let promise = loop.makePromise(of: Result<RESPValue, RedisError>.self)
            tag += 1
            promises[tag] = promise
            var bytes = ByteBuffer()
            bytes.writeArrayHeader(count: command.words.count)
            for word in command.words { bytes.writeBulk(word) }
            client.submit(
                bytes, slot: KeySlot.of(Array(command.key.utf8).span), to: PendingReply(handler: self, tag: tag))
            return promise.futureResult
        }
        client.flush()
        return EventLoopFuture.whenAllSucceed(replies, on: loop)
    }

    func handle(_ reply: Result<RESPValue, RedisError>, tag: Int) {
        promises.removeValue(forKey: tag)?.succeed(reply)
    }
}

/// What has to be written for lists to become others.
struct ListsChange {
    /// A hash that no list refers to yet.
    struct Hash {
        let key: String
        let fields: [(name: String, value: String)]

        /// Whether names and values in turn, as Redis has them, are the same.
        func holds(_ texts: [String]) -> Bool {
            guard texts.count == 2 * fields.count else { return false }
            let others = Dictionary(
                stride(from: 0, to: texts.count, by: 2).map { (texts[$0], texts[$0 + 1]) },
                uniquingKeysWith: { first, _ in first })
            return fields.allSatisfy { others[$0.name] == $0.value }
        }
    }

    /// A list that takes the place of another.
    struct Swap {
        let list: String
        /// Where it is written before that.
        let draft: String
        /// What the former one held.
        let digest: String
        let keys: [String]
        /// Whether there was nothing before.
        let isNew: Bool
        /// Whether what there was could be read as text.
        let isText: Bool

        init(_ list: String, from former: [String], to keys: [String]) {
            self.list = list
            let number = String(UInt64.random(in: 0...UInt64.max), radix: 36)
            let hasTag = list.contains("{") && list.contains("}")
            // In a cluster, both have to be in one slot.
            draft = "whitelist:new:\(number):" + (hasTag ? list : "{\(list)}")
            var digest = ""
            let text = Array(former.joined(separator: "\n").utf8)
            Key(text.span, isHashed: true).spell { digest.unicodeScalars.append(Unicode.Scalar($0)) }
            self.digest = digest
            self.keys = keys
            isNew = former.isEmpty
            isText = !former.contains { $0.unicodeScalars.contains("\u{fffd}") }
        }

        /// Whether both keys are in one slot of a cluster.
        var staysInItsSlot: Bool {
            KeySlot.of(Array(list.utf8).span) == KeySlot.of(Array(draft.utf8).span)
        }
    }

    private(set) var hashes: [Hash] = []
    /// The list of the names of lists comes last.
    private(set) var swaps: [Swap] = []
    /// Hashes to which no list will refer any more.
    private(set) var garbage: [String] = []

    init(of contents: RedisLists.Contents, to lists: [RedisLists.List]) {
        let names = Set(lists.map(\.name))
        var known = Set(contents.lists.flatMap { $0.entries.map(\.key) })
        for list in lists {
            for entry in list.entries where known.insert(entry.key).inserted {
                hashes.append(Hash(key: entry.key, fields: entry.fields))
            }
            let former = contents.lists.first { $0.name == list.name }?.keys ?? []
            if former != list.keys { swaps.append(Swap(list.name, from: former, to: list.keys)) }
        }
        let added = lists.map(\.name).filter { !contents.names.contains($0) }
        if !added.isEmpty { swaps.append(Swap("whitelists", from: contents.names, to: contents.names + added)) }
        var needed = Set(lists.flatMap(\.keys))
        for list in contents.lists where !names.contains(list.name) { needed.formUnion(list.keys) }
        var seen: Set<String> = []
        for list in contents.lists where names.contains(list.name) {
            garbage += list.entries.map(\.key).filter { !needed.contains($0) && seen.insert($0).inserted }
        }
    }
}
