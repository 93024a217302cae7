public import ServiceLifecycle
public import UnixSignals

/// Opens the log file anew on each signal, for whoever has moved it away.
public struct LogRotation: Service {
    private let sink: LogSink
    private let signals: UnixSignalsSequence

    /// A rotation of that sink; signals that came before the service runs count, too.
    public init(sink: LogSink, signals: UnixSignalsSequence) {
        self.sink = sink
        self.signals = signals
    }

    /// Waits for signals until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in signals { sink.reopen() }
        }
    }
}
