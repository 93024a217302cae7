import Engine
public import Greylist
public import Logging
public import ServiceLifecycle
import UnixSignals

/// Reads the whitelists anew on SIGHUP and swaps them in at once.
public struct Reload: Service {
    private let server: PolicyServer
    private let read: @Sendable () async -> Whitelist?
    private let signals: UnixSignalsSequence
    private let logger: Logger

    /// A reload for that server.
    ///
    /// - Parameter read: reads all sources, off the event loops; nil keeps what is there
    public init(server: PolicyServer, logger: Logger, read: @escaping @Sendable () async -> Whitelist?) async {
        self.server = server
        self.logger = logger
        self.read = read
        signals = await UnixSignalsSequence(trapping: .sighup)
    }

    /// Waits for signals until graceful shutdown.
    public func run() async throws {
        for await _ in signals.cancelOnGracefulShutdown() {
            guard let whitelist = await read() else { continue }
            await server.change { $0.whitelist = whitelist }
            logger.info("whitelists read anew: \(whitelist.count) entries")
        }
    }
}
