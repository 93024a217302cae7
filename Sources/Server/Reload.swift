import Engine
public import Logging
public import ServiceLifecycle
public import UnixSignals
public import Whitelists

/// Reads the whitelists anew on a signal and swaps them in at once.
public struct Reload: Service {
    private let server: PolicyServer
    private let signals: UnixSignalsSequence
    private let read: @Sendable () async -> Whitelist?
    private let logger: Logger

    /// A reload for that server.
    ///
    /// - Parameters:
    ///   - signals: each asks for a reading; those that came before the service runs, too
    ///   - read: reads all sources, off the event loops; nil keeps what is there
    public init(
        server: PolicyServer, signals: UnixSignalsSequence, logger: Logger,
        read: @escaping @Sendable () async -> Whitelist?
    ) {
        self.server = server
        self.signals = signals
        self.read = read
        self.logger = logger
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
