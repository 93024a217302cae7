import NIOCore

/// Several commands that are sent together, and their replies in the order of the commands.
final class PipelinedCommands: ReplyHandler {
    typealias Reply = Result<RESPValue, RedisError>

    private var replies: [Reply?]
    private var outstanding: Int
    private let done: ([Reply]) -> Void

    private init(count: Int, done: @escaping ([Reply]) -> Void) {
        replies = [Reply?](repeating: nil, count: count)
        outstanding = count
        self.done = done
    }

    /// Sends commands to where their keys are.
    ///
    /// - Parameters:
    ///   - write: writes the command of that number, and returns the slot of its key
    ///   - done: called once, perhaps before this returns
    static func run(
        _ count: Int, by batcher: CommandBatcher, _ write: (Int, inout EntryCommands, inout ByteBuffer) -> UInt16?,
        done: @escaping ([Reply]) -> Void
    ) {
        guard count > 0 else { return done([]) }
        let pipeline = PipelinedCommands(count: count, done: done)
        for number in 0..<count {
            batcher.draft(to: PendingReply(handler: pipeline, tag: number)) { write(number, &$0, &$1) }
        }
        batcher.flush()
    }

    /// Sends one command to that master.
    static func run(
        _ command: ByteBuffer, on master: RedisClient.Master, by batcher: CommandBatcher,
        done: @escaping (Reply) -> Void
    ) {
        let pipeline = PipelinedCommands(count: 1) { done($0[0]) }
        batcher.client.submit(command, on: master, to: PendingReply(handler: pipeline, tag: 0))
        batcher.client.flush()
    }

    func handle(_ reply: Reply, tag: Int) {
        replies[tag] = reply
        outstanding -= 1
        if outstanding == 0 { done(replies.compactMap { $0 }) }
    }
}
