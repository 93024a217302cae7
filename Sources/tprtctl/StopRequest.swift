import Glibc
import NIOConcurrencyHelpers
import Programs
import UnixSignals

/// SIGINT or SIGTERM, as a wish to stop at the next good moment.
final class StopRequest: Sendable {
    /// How long that moment may be away: then the process ends without it.
    private static let limit = Duration.seconds(3)

    private let received = NIOLockedValueBox<ExitStatus?>(nil)

    /// The status to end with; nil as long as nobody wishes it.
    var status: ExitStatus? { received.withLockedValue { $0 } }

    /// From here on the signals are wishes.
    ///
    /// - Parameter sentence: what is said where a store keeps us from that moment
    init(sentence: String) async {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        Task.detached { [received] in
            for await signal in signals {
                let status = signal == .sigint ? ExitStatus.interrupted : .terminated
                received.withLockedValue { $0 = status }
                try? await Task.sleep(for: Self.limit)
                ProgressBar.wipe()
                ProgramError(status, sentence).exit(Program.name)
            }
        }
    }
}
