import NIOCore

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
