import Engine
public import Logging
import NIOCore
public import ServiceLifecycle
public import UnixSignals
public import Whitelists

/// Reads the whitelists anew on a signal, or when they have changed, and swaps them in at once.
public struct Reload: Service {
    /// How often the sources are looked at.
    private static let interval = Duration.seconds(2)

    private let server: PolicyServer
    private let signals: UnixSignalsSequence
    private let haveChanged: (@Sendable () async -> Bool)?
    private let read: @Sendable () async -> Whitelist?
    private let willReload: @Sendable () -> Void
    private let didReload: @Sendable () -> Void
    private let logger: Logger

    /// A reload for that server.
    ///
    /// - Parameters:
    ///   - signals: each asks for a reading; those that came before the service runs, too
    ///   - haveChanged: looks at the sources, off the event loops; nil where a change alone is no reason to read
    ///   - read: reads all sources, off the event loops; nil keeps what is there
    ///   - willReload: called before each reading
    ///   - didReload: called when what was read is in force, or nothing has changed
    public init(
        server: PolicyServer, signals: UnixSignalsSequence, logger: Logger,
        haveChanged: (@Sendable () async -> Bool)?, read: @escaping @Sendable () async -> Whitelist?,
        willReload: @escaping @Sendable () -> Void = {}, didReload: @escaping @Sendable () -> Void = {}
    ) {
        self.server = server
        self.signals = signals
        self.haveChanged = haveChanged
        self.read = read
        self.willReload = willReload
        self.didReload = didReload
        self.logger = logger
    }

    /// Waits for signals and changes until graceful shutdown; one reading after the other.
    public func run() async throws {
        let (reasons, source) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1))
        _ = await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in signals { source.yield("") }
                }
                if let haveChanged {
                    group.addTask {
                        while true {
                            guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
                            if await haveChanged() { source.yield(" after a change") }
                        }
                    }
                }
                for await reason in reasons { await reload(reason) }
                group.cancelAll()
            }
        }
    }

    private func reload(_ reason: String) async {
        willReload()
        defer { didReload() }
        guard let whitelist = await read() else { return }
        await server.change { $0.whitelist = whitelist }
        logger.info("whitelists read anew\(reason): \(whitelist.count) entries")
    }
}
