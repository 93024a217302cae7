public import Control
import Glibc
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// Serves the control socket: requests of `tprtctl`, one JSON object a line, each with one reply.
///
/// It runs apart from the event loops of the policy protocol.
public struct ControlServer: Service {
    /// What may be asked.
    public struct Verb: Sendable {
        /// Whether a request changes anything: then members of our group may not make it, who may look.
        let changes: @Sendable (ControlRequest) -> Bool
        /// Carries a request out; may take its time, and be asked again meanwhile.
        let carryOut: @Sendable (ControlRequest) async -> ControlReply

        /// One by which nothing changes.
        public static func looking(_ carryOut: @escaping @Sendable (ControlRequest) async -> ControlReply) -> Verb {
            Verb(changes: { _ in false }, carryOut: carryOut)
        }

        /// One that changes something, unless it is a request that only looks.
        public static func changing(
            unless looks: @escaping @Sendable (ControlRequest) -> Bool = { _ in false },
            _ carryOut: @escaping @Sendable (ControlRequest) async -> ControlReply
        ) -> Verb {
            Verb(changes: { !looks($0) }, carryOut: carryOut)
        }
    }

    private let listener: OpenListener
    private let verbs: [String: Verb]
    private let logger: Logger
    private let log: LimitedLog
    private let admission: ControlAdmission

    /// A server on that unix socket, which is its to close from now on.
    public init(listener: OpenListener, verbs: [String: Verb], logger: Logger) {
        self.init(listener: listener, verbs: verbs, limits: ControlAdmission.Limits(), logger: logger)
    }

    init(listener: OpenListener, verbs: [String: Verb], limits: ControlAdmission.Limits, logger: Logger) {
        self.listener = listener
        self.verbs = verbs
        self.logger = logger
        log = LimitedLog(logger: logger, clock: MultiThreadedEventLoopGroup.singleton.any())
        admission = ControlAdmission(limits: limits)
    }

    /// Serves until graceful shutdown.
    public func run() async throws {
        defer { listener.file?.remove() }
        let (listener, log) = (listener, log)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                listener.restoreBacklog()
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptErrorHandler(log: log))
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
    ///
    /// Who it is decides at once whether it has a place; then it has a limited time for each request.
    private func serve(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        let peer = await client.channel.controlPeer()
        try? await client.executeThenClose { input, output in
            let rank: ControlPlaces.Rank
            switch peer {
            case .entitled(let itsRank): rank = itsRank
            // It only looked whether anything listens here.
            case .gone: return
            case .stranger:
                log.log(
                    .controlRefusal, "the control socket refused a client: it belongs to neither our user nor our group"
                )
                return try await output.write(ByteBuffer(string: Self.refusal.line))
            }
            guard let number = admission.admit(client.channel, as: rank) else {
                return try await output.write(ByteBuffer(string: Self.busy.line))
            }
            defer { admission.leave(number) }
            var patience = admission.awaitRequest(on: client.channel)
            defer { patience.cancel() }
            var lines = ControlLines(limit: ControlRequest.sizeLimit)
            for try await var bytes in input {
                lines.add(&bytes)
                while let line = try lines.next() {
                    guard admission.begin(number) else { return }
                    patience.cancel()
                    try await output.write(ByteBuffer(string: await reply(to: line, from: rank).line))
                    admission.rest(number)
                    patience = admission.awaitRequest(on: client.channel)
                }
            }
        }
    }

    private static let refusal = ControlReply(
        status: EX_NOPERM, warnings: ["you are neither root nor of tprtd's group"])
    private static let busy = ControlReply.unavailable(
        "control socket busy: every connection has a request that is being carried out; try again")

    private static let onlyLooking = ControlReply(
        status: EX_NOPERM, warnings: ["members of tprtd's group may look, and change nothing: do that as root"])

    private func reply(to line: ByteBuffer, from rank: ControlPlaces.Rank) async -> ControlReply {
        let request: ControlRequest
        do throws(ControlError) {
            request = try ControlRequest(line: line.readableBytesView)
        } catch {
            return ControlReply(status: EX_USAGE, warnings: ["the request can't be read: \(error)"])
        }
        guard let verb = verbs[request.verb] else {
            let known = verbs.keys.sorted().joined(separator: ", ")
            // tprtctl asks for nothing that tprtd of its version doesn't know.
            return .unavailable(
                "tprtd is of another version than tprtctl and doesn't know this command; restart it after an upgrade "
                    + "(it knows \(known))")
        }
        guard rank == .owner || !verb.changes(request) else { return Self.onlyLooking }
        return await verb.carryOut(request)
    }
}

extension ControlReply {
    /// What somebody is told who can't be served now.
    static func unavailable(_ message: String) -> ControlReply {
        ControlReply(status: EX_UNAVAILABLE, warnings: [message])
    }
}

extension Channel {
    /// Who is at the other end.
    fileprivate func controlPeer() async -> ControlPeer {
        guard let socket = self as? any SocketOptionProvider else { return .gone }
        let level = NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET)
        let peer: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(
            level: level, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        // Those that there are; zeros after them, which are no group that counts.
        let groups: EventLoopFuture<InlineArray<256, gid_t>> = socket.unsafeGetSocketOption(
            level: level, name: NIOBSDSocket.Option(rawValue: SO_PEERGROUPS))
        guard let peer = try? await peer.get(), let groups = try? await groups.get() else { return .gone }
        let rank = peer.rank(user: geteuid(), group: getegid(), groups: groups.indices.map { groups[$0] })
        return rank.map { .entitled($0) } ?? .stranger
    }
}

/// A client of the control socket.
private enum ControlPeer {
    /// It has closed its connection before it could be looked at.
    case gone
    /// It may not tell this process what to do.
    case stranger
    case entitled(ControlPlaces.Rank)
}

/// Who is at the other end of a unix socket, as the system knows it since it connected: struct ucred of unix(7).
struct PeerCredentials: Sendable, Equatable {
    var process: pid_t = 0
    var user: uid_t = 0
    var group: gid_t = 0

    /// The peer of a connected socket, or who listens at the other end; nil where the system doesn't tell.
    init?(of descriptor: CInt) {
        var length = socklen_t(MemoryLayout<Self>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &self, &length) == 0, process > 0 else { return nil }
    }

    init(process: pid_t, user: uid_t, group: gid_t) {
        self.process = process
        self.user = user
        self.group = group
    }

    /// What the peer is to a process of that user and group, which root, that user itself and members of the group may tell
    /// what to do; nil for all others.
    ///
    /// The mode of the socket's file says the same; it is checked here, too, since a mode is easily changed by mistake.
    ///
    /// - Parameter groups: the peer's other groups
    func rank(user ownUser: uid_t, group ownGroup: gid_t, groups: [gid_t]) -> ControlPlaces.Rank? {
        if user == 0 || user == ownUser { return .owner }
        return ownGroup != 0 && (group == ownGroup || groups.contains(ownGroup)) ? .member : nil
    }
}
