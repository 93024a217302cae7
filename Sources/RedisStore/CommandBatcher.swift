import NIOConcurrencyHelpers
import NIOCore
import Storage

/// What the batches of one event loop share: the client, and the commands that go out at the end of a turn.
///
/// Everything happens on the event loop.
final class CommandBatcher {
    private struct Draft {
        var length: Int
        var slot: UInt16?
        var pendingReply: PendingReply
    }

    let client: RedisClient
    /// What all instances of the store in this process count together.
    let pending: NIOLockedValueBox<PendingLimiter>
    var commands: EntryCommands
    private let eventLoop: any EventLoop
    private var outgoing = ByteBuffer()
    private var drafts: [Draft] = []
    private var isFlushScheduled = false

    init(
        on eventLoop: any EventLoop, client: RedisClient, commands: EntryCommands,
        pending: NIOLockedValueBox<PendingLimiter>
    ) {
        self.eventLoop = eventLoop
        self.client = client
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
            client.submit(command, slot: draft.slot, to: draft.pendingReply)
        }
        client.flush()
        drafts.removeAll(keepingCapacity: true)
        if self.drafts.isEmpty { self.drafts = drafts }
    }
}
