public import Control
import Glibc
public import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// Serves the control socket: requests of `tprtctl`, one JSON object a line, each with one reply.
///
/// It runs apart from the event loops of the policy protocol.
public struct ControlServer: Service {
    /// Carries a request out; may take its time, and be asked again meanwhile.
    public typealias Verb = @Sendable (ControlRequest) async -> ControlReply

    /// How many connections there may be: they are an administrator's, who needs one.
    private static let connectionLimit = 16

    private let listener: OpenListener
    private let verbs: [String: Verb]
    private let logger: Logger
    private let log: LimitedLog
    private let connections = NIOLockedValueBox(0)

    /// A server on that unix socket, which is its to close from now on.
    public init(listener: OpenListener, verbs: [String: Verb], logger: Logger) {
        self.listener = listener
        self.verbs = verbs
        self.logger = logger
        log = LimitedLog(logger: logger, on: MultiThreadedEventLoopGroup.singleton.any())
    }

    /// Serves until graceful shutdown.
    public func run() async throws {
        defer { listener.file?.remove() }
        let (listener, log) = (listener, log)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                listener.restoreBacklog()
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptWatch(log: log))
                }
            }
            .bind(listener.descriptor) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        logger.info("control socket: \(listener.address)")
        await cancelWhenGracefulShutdown {
            // The listener's end is all that can go wrong here.
            try? await server.executeThenClose { clients in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await client in clients { group.addTask { await serve(client) } }
                }
            }
        }
        log.finish()
    }

    /// A client that is gone or says nonsense ends nothing but its connection.
    private func serve(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        let isWelcome = connections.withLockedValue { count in
            count += 1
            return count <= Self.connectionLimit
        }
        defer { connections.withLockedValue { $0 -= 1 } }
        try? await client.executeThenClose { input, output in
            guard isWelcome else { return }
            let mayControl = await client.channel.mayControl()
            var pending = ByteBuffer()
            for try await var bytes in input {
                pending.discardReadBytes()
                pending.writeBuffer(&bytes)
                while let line = pending.readLine() {
                    guard mayControl else { return try await output.write(ByteBuffer(string: refusal().line)) }
                    try await output.write(ByteBuffer(string: await reply(to: line).line))
                }
                guard pending.readableBytes < ControlRequest.sizeLimit else { return }
            }
        }
    }

    private func refusal() -> ControlReply {
        log.log(.controlRefusal, "the control socket refused a client: it belongs to neither our user nor our group")
        return ControlReply(status: EX_NOPERM, warnings: ["you are neither root nor of tprtd's group"])
    }

    private func reply(to line: ByteBuffer) async -> ControlReply {
        let request: ControlRequest
        do throws(ControlFault) {
            request = try ControlRequest(line: line.readableBytesView)
        } catch {
            return ControlReply(status: EX_USAGE, warnings: ["the request can't be read: \(error)"])
        }
        guard let verb = verbs[request.verb] else {
            let known = verbs.keys.sorted().joined(separator: ", ")
            return ControlReply(status: EX_USAGE, warnings: ["this daemon can't do that (it can: \(known))"])
        }
        return await verb(request)
    }
}

extension ByteBuffer {
    /// The bytes up to the next LF, which is taken away, too; nil where there is none.
    fileprivate mutating func readLine() -> ByteBuffer? {
        guard let end = readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { moveReaderIndex(forwardBy: 1) }
        return readSlice(length: end - readerIndex)
    }
}

extension Channel {
    /// Whether who is at the other end may tell this process what to do.
    fileprivate func mayControl() async -> Bool {
        guard let socket = self as? any SocketOptionProvider else { return false }
        let level = NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET)
        let peer: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(
            level: level, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        // Those that there are; zeros after them, which are no group that counts.
        let groups: EventLoopFuture<InlineArray<256, gid_t>> = socket.unsafeGetSocketOption(
            level: level, name: NIOBSDSocket.Option(rawValue: SO_PEERGROUPS))
        guard let peer = try? await peer.get(), let groups = try? await groups.get() else { return false }
        return peer.mayControl(user: geteuid(), group: getegid(), groups: groups.indices.map { groups[$0] })
    }
}
