import NIOConcurrencyHelpers
import NIOCore
import RedisClient
import Storage

/// What one event loop has of a store.
struct LoopClient {
    let client: RedisClient
    let batcher: CommandBatcher
}

/// What the batches of one event loop share: the commands that go out at the end of a turn.
///
/// Everything happens on the event loop.
final class CommandBatcher {
    /// Where commands go.
    struct Outlet {
        /// Takes a command to where the slot of its key is.
        let submit: (ByteBuffer, _ slot: UInt16?, PendingReply) -> Void
        /// Has all of them sent.
        let flush: () -> Void
    }

    /// A batcher whose commands go to that client.
    convenience init(
        on eventLoop: any EventLoop, client: RedisClient, commands: EntryCommands,
        pending: NIOLockedValueBox<PendingLimiter>
    ) {
        let outlet = Outlet {
            client.submit($0, slot: $1, to: $2)
        } flush: {
            client.flush()
        }
        self.init(on: eventLoop, to: outlet, commands: commands, pending: pending)
    }

    private struct Draft {
        var length: Int
        var slot: UInt16?
        var pendingReply: PendingReply
    }

    /// What all instances of the store in this process count together.
    let pending: NIOLockedValueBox<PendingLimiter>
    var commands: EntryCommands
    private let eventLoop: any EventLoop
    private let outlet: Outlet
    private var outgoing = ByteBuffer()
    private var drafts: [Draft] = []
    private var isFlushScheduled = false

    init(
        on eventLoop: any EventLoop, to outlet: Outlet, commands: EntryCommands,
        pending: NIOLockedValueBox<PendingLimiter>
    ) {
        self.eventLoop = eventLoop
        self.outlet = outlet
        self.commands = commands
        self.pending = pending
    }

    /// Drafts a command, to go out with all others of this turn.
    ///
    /// - Parameter write: writes the command, and returns the slot of its key
    func draft(to pendingReply: PendingReply, _ write: (inout EntryCommands, inout ByteBuffer) -> UInt16?) {
        let start = outgoing.writerIndex
        let slot = write(&commands, &outgoing)
        drafts.append(Draft(length: outgoing.writerIndex - start, slot: slot, pendingReply: pendingReply))
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    /// Sends what was drafted.
    func flush() {
        guard !drafts.isEmpty else { return }
        // What fails at once may draft again.
        var (bytes, drafts) = (outgoing, drafts)
        outgoing = ByteBuffer()
        self.drafts = []
        for draft in drafts {
            guard let command = bytes.readSlice(length: draft.length) else {
                preconditionFailure("a command was drafted and not written")
            }
            outlet.submit(command, draft.slot, draft.pendingReply)
        }
        outlet.flush()
        drafts.removeAll(keepingCapacity: true)
        if self.drafts.isEmpty { self.drafts = drafts }
    }
}

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
        _ command: ByteBuffer, on master: RedisClient.Master, by client: RedisClient,
        done: @escaping (Reply) -> Void
    ) {
        let pipeline = PipelinedCommands(count: 1) { done($0[0]) }
        client.submit(command, on: master, to: PendingReply(handler: pipeline, tag: 0))
        client.flush()
    }

    func handle(_ reply: Reply, tag: Int) {
        replies[tag] = reply
        outstanding -= 1
        if outstanding == 0 { done(replies.compactMap { $0 }) }
    }
}
