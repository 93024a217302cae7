import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// SIGTERM and SIGINT, from the first step of the start on: the process ends with status 0, soon.
///
/// As a service it ends when such a signal has come, at once if that was before it began to run. From then on stopping
/// may take a limited time: a disk or a file server that hangs keeps nobody from a restart. Nothing that was answered
/// is lost by it: what an answer rests on was on disk before.
struct StopSignals: Service {
    private static let limit = Duration.milliseconds(1_700)

    private let signals: UnixSignalsSequence
    private let logger: Logger

    /// Lets the signals end the process where it stands, for as long as there is nothing to be put in order.
    static func endAtOnce() {
        for number in [SIGTERM, SIGINT] { signal(number) { _ in _exit(0) } }
    }

    /// From here on they are kept until the service runs.
    init(logger: Logger) async {
        self.logger = logger
        signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    }

    func run() async throws {
        for await _ in signals { break }
        Task.detached { [logger] in
            try? await Task.sleep(for: Self.limit)
            logger.warning("stopping took too long; the process ends without waiting any more")
            try? await Task.sleep(for: .milliseconds(50))
            exit(0)
        }
    }
}
