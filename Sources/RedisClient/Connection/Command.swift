import NIOCore

/// What handles replies.
///
/// Everything happens on the event loop of the client.
package protocol ReplyHandler: AnyObject {
    /// Handles the reply to a command, or why there is none; exactly once a command.
    ///
    /// May be called while the command is still being handed over, where it fails at once.
    ///
    /// - Parameters:
    ///   - reply: never an error; an element of an array may be one
    ///   - tag: what was given with the command
    func handle(_ reply: Result<RESPValue, RedisError>, tag: Int)
}

/// A reply that is awaited: its handler, and what tells that which command it was.
package struct PendingReply {
    let handler: any ReplyHandler
    let tag: Int

    /// A reply that the handler gets with that tag.
    package init(handler: any ReplyHandler, tag: Int) {
        self.handler = handler
        self.tag = tag
    }

    package func succeed(_ value: RESPValue) { handler.handle(.success(value), tag: tag) }
    package func fail(_ fault: RedisError) { handler.handle(.failure(fault), tag: tag) }
}

/// A command under way.
struct Command {
    /// As it goes to the server.
    ///
    /// It is kept until the reply is there, so that a cluster may ask for it elsewhere.
    let bytes: ByteBuffer
    /// The slot of its keys; nil where it has none.
    let slot: UInt16?
    let pendingReply: PendingReply
    /// How often it was sent elsewhere.
    var redirections = 0
    /// Whether `ASKING` goes before it, as a node demands that is still taking the slot over.
    var isAsking = false

    init(_ bytes: ByteBuffer, slot: UInt16? = nil, to pendingReply: PendingReply) {
        self.bytes = bytes
        self.slot = slot
        self.pendingReply = pendingReply
    }
}
