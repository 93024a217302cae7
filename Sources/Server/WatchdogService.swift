import Glibc
public import Logging
import NIOCore
import NIOPosix
import Policy
public import ServiceLifecycle
public import ServiceManager

/// Keeps the service manager informed while the server runs: how much was done, that it is alive, and that it stops.
public struct WatchdogService: Service {
    /// How often the line of the status is looked at; it is sent when it has changed.
    private static let statusPause = TimeAmount.seconds(10)

    private let server: PolicyServer
    private let state: ServiceState
    private let socket: NotifySocket
    private let watchdog: Duration?
    private let clock: any EventLoop
    private let logger: Logger

    /// Tells of that server.
    ///
    /// - Parameter watchdog: the manager restarts a service of which it has not heard for so long; nil where it doesn't
    public init(
        of server: PolicyServer, state: ServiceState, through socket: NotifySocket, watchdog: Duration?, logger: Logger
    ) {
        self.init(
            of: server, state: state, through: socket, watchdog: watchdog,
            clock: MultiThreadedEventLoopGroup.singleton.any(), logger: logger)
    }

    /// - Parameter clock: none of the server's own event loops, since one that hangs has to be noticed
    init(
        of server: PolicyServer, state: ServiceState, through socket: NotifySocket, watchdog: Duration?,
        clock: any EventLoop, logger: Logger
    ) {
        self.server = server
        self.state = state
        self.socket = socket
        self.watchdog = watchdog
        self.clock = clock
        self.logger = logger
    }

    /// Runs until graceful shutdown.
    public func run() async throws {
        await withGracefulShutdownHandler {
            _ = await cancelWhenGracefulShutdown {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await reportStatus() }
                    if let watchdog { group.addTask { await keepAlive(every: TimeAmount(watchdog / 2)) } }
                }
            }
        } onGracefulShutdown: {
            state.stops()
        }
    }

    private func reportStatus() async {
        var told = ""
        repeat {
            let counts = await server.counts()
            let line = counts.description + (server.isStoreUnavailable ? "; the store is away" : "")
            guard !Task.isCancelled else { return }
            if line != told { socket.send(.status(line)) }
            told = line
        } while (try? await clock.sleep(for: Self.statusPause)) != nil
    }

    /// Says that the server is alive twice in the manager's interval, as long as it proves to be.
    private func keepAlive(every pause: TimeAmount) async {
        do {
            var check = try await server.livenessProbe(clock: clock)
            defer { check.close() }
            var wasWell = true
            while !Task.isCancelled {
                let start = clock.now
                // At the latest when the manager's patience ends: a late answer is an answer.
                let isWell = await check.passes(within: pause)
                guard !Task.isCancelled else { return }
                if isWell { socket.send(.alive) }
                if isWell != wasWell {
                    logger.warning(
                        isWell ? "all event loops answer again" : "an event loop does not answer its own server")
                }
                wasWell = isWell
                try? await clock.sleep(for: start + pause - clock.now)
            }
        } catch {
            logger.error("cannot send watchdog keep-alives: \(error)")
        }
    }
}

/// Finds out whether the server still answers, by a request of its own on each event loop.
///
/// The request takes the way of all others: through a socket, the loop's poll, the decoder, a connection's handler, the
/// pipeline and the engine, and its reply back. It is about no recipient, so the store is not asked: a store that is away or
/// hangs must not make a service manager restart the server. Mail passes then, a restart would bring the store back no
/// sooner, and what stands in for it in memory would be lost. For the same reason it isn't a whole greylisting: each
/// would leave an entry. It is neither logged nor counted, and takes no place among the connections.
struct LivenessProbe: Sendable {
    static let request = Array("request=smtpd_access_policy\nprotocol_state=VRFY\n\n".utf8)
    private static let reply = Array(PolicyEncoder().bytes(of: .dunno).readableBytesView)

    /// Our end of a connection to an event loop.
    private struct Line {
        let descriptor: CInt
        /// What is still to come of the reply to the last request.
        var outstanding: ArraySlice<UInt8> = []

        /// Sends a request, unless the last one has not been answered yet.
        mutating func ask() {
            guard outstanding.isEmpty else { return }
            let count = send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
            // A connection that takes nothing is as good as one that doesn't answer.
            outstanding = reply[...]
            if count != request.count { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }

        /// Whether the whole reply has come by now.
        mutating func isAnswered() -> Bool {
            guard !outstanding.isEmpty else { return true }
            var bytes = [UInt8](repeating: 0, count: outstanding.count)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            guard count > 0, outstanding.starts(with: bytes[..<count]) else { return false }
            outstanding = outstanding.dropFirst(count)
            return outstanding.isEmpty
        }
    }

    private var lines: [Line] = []
    private let clock: any EventLoop

    /// Connects to each of these loops; `initialize` makes a connection of the server out of a channel.
    ///
    /// - Parameter clock: by which it waits; none of these loops
    init(
        to eventLoops: [any EventLoop], clock: any EventLoop,
        initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws {
        self.clock = clock
        do {
            for eventLoop in eventLoops {
                var ends: [CInt] = [-1, -1]
                let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
                guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
                    throw IOError(errnoCode: errno, reason: "socketpair")
                }
                lines.append(Line(descriptor: ends[0]))
                _ = try await ClientBootstrap(group: eventLoop).channelInitializer(initialize)
                    .withConnectedSocket(ends[1]).get()
            }
        } catch {
            close()
            throw error
        }
    }

    /// Whether every loop answers within that time; false too where the task is cancelled before.
    mutating func passes(within limit: TimeAmount) async -> Bool {
        let deadline = clock.now + limit
        for index in lines.indices { lines[index].ask() }
        var pause = TimeAmount.milliseconds(1)
        while true {
            // All are read each time: one that hangs doesn't hide another one's reply.
            let answered = lines.indices.map { lines[$0].isAnswered() }
            if answered.allSatisfy({ $0 }) { return true }
            guard clock.now < deadline, (try? await clock.sleep(for: pause)) != nil else { return false }
            pause = min(pause + pause, .milliseconds(100))
        }
    }

    /// Hangs up; the server closes the other ends.
    func close() {
        for line in lines { Glibc.close(line.descriptor) }
    }
}
