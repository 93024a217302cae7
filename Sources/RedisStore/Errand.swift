import NIOCore

/// Several commands that are sent together, and their replies in the order of the commands.
final class Errand: ReplyReceiver {
    typealias Reply = Result<RESPValue, RedisFault>

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
        _ count: Int, by teller: Teller, _ write: (Int, inout EntryCommands, inout ByteBuffer) -> UInt16?,
        done: @escaping ([Reply]) -> Void
    ) {
        guard count > 0 else { return done([]) }
        let errand = Errand(count: count, done: done)
        for number in 0..<count {
            teller.draft(to: Waiter(receiver: errand, tag: number)) { write(number, &$0, &$1) }
        }
        teller.flush()
    }

    /// Sends one command to that master.
    static func run(
        _ command: ByteBuffer, on master: RedisClient.Master, by teller: Teller, done: @escaping (Reply) -> Void
    ) {
        let errand = Errand(count: 1) { done($0[0]) }
        teller.client.submit(command, on: master, to: Waiter(receiver: errand, tag: 0))
        teller.client.flush()
    }

    func take(_ reply: Reply, tag: Int) {
        replies[tag] = reply
        outstanding -= 1
        if outstanding == 0 { done(replies.compactMap { $0 }) }
    }
}
