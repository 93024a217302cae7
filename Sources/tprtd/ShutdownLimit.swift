import Glibc
import Logging
import ServiceLifecycle

/// Ends the process when stopping takes too long: a disk or a file server that hangs keeps nobody from a restart.
///
/// Nothing that was answered is lost by it: what an answer rests on was on disk before.
struct ShutdownLimit: Service {
    private static let limit = Duration.milliseconds(1_900)

    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        Task.detached {
            try? await Task.sleep(for: Self.limit)
            logger.warning("stopping took too long; the process ends without waiting any more")
            try? await Task.sleep(for: .milliseconds(50))
            exit(0)
        }
    }
}
