public import Logging
public import ServiceLifecycle

/// Keeps the service manager informed while the server runs: how much was done, that it is alive, and that it stops.
public struct Supervision: Service {
    /// How often the line of the status is looked at; it is sent when it has changed.
    private static let statusPause = Duration.seconds(10)

    private let server: PolicyServer
    private let state: ServiceState
    private let socket: NotifySocket
    private let watchdog: Duration?
    private let logger: Logger

    /// Tells of that server.
    ///
    /// - Parameter watchdog: the manager restarts a service of which it has not heard for so long; nil where it doesn't
    public init(
        of server: PolicyServer, state: ServiceState, through socket: NotifySocket, watchdog: Duration?, logger: Logger
    ) {
        self.server = server
        self.state = state
        self.socket = socket
        self.watchdog = watchdog
        self.logger = logger
    }

    /// Runs until graceful shutdown.
    public func run() async throws {
        await withGracefulShutdownHandler {
            _ = await cancelWhenGracefulShutdown {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await reportStatus() }
                    if let watchdog { group.addTask { await keepAlive(every: watchdog / 2) } }
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
        } while (try? await Task.sleep(for: Self.statusPause)) != nil
    }

    /// Says that the server is alive twice in the manager's interval, as long as it proves to be.
    private func keepAlive(every pause: Duration) async {
        do {
            var check = try await server.selfCheck()
            defer { check.close() }
            var wasWell = true
            while !Task.isCancelled {
                let start = ContinuousClock.now
                // At the latest when the manager's patience ends: a late answer is an answer.
                let isWell = await check.passes(within: pause)
                guard !Task.isCancelled else { return }
                if isWell { socket.send(.alive) }
                if isWell != wasWell {
                    logger.warning(
                        isWell ? "all event loops answer again" : "an event loop does not answer its own server")
                }
                wasWell = isWell
                try? await Task.sleep(until: start + pause)
            }
        } catch {
            logger.error("cannot send watchdog keep-alives: \(error)")
        }
    }
}
