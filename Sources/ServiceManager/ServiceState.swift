import Glibc
import NIOConcurrencyHelpers

/// Tells the service manager whether the service starts, serves, reloads or stops.
///
/// Notices go out in an order that makes sense: no reload during the start passes for the end of the start, and once the
/// service stops nothing says that it is ready. Where no manager listens, nothing happens.
public final class ServiceState: Sendable {
    private enum Phase {
        case starting, serving, reloading, stopping
    }

    private let socket: NotifySocket?
    private let phase = NIOLockedValueBox(Phase.starting)

    /// The state of a service that starts.
    public init(tells socket: NotifySocket?) {
        self.socket = socket
    }

    /// All listeners serve.
    public func serves() {
        change(from: .starting, to: .serving, .ready)
    }

    /// A reload begins.
    public func reloads() {
        change(from: .serving, to: .reloading, .reloading(at: Self.now()))
    }

    /// A reload has ended.
    public func hasReloaded() {
        change(from: .reloading, to: .serving, .ready)
    }

    /// The service was told to stop.
    public func stops() {
        phase.withLockedValue { phase in
            guard phase != .stopping else { return }
            phase = .stopping
            socket?.send(.stopping)
        }
    }

    private func change(from old: Phase, to new: Phase, _ notice: ServiceNotice) {
        // The lock is held while the notice goes out, or two of them could overtake each other.
        phase.withLockedValue { phase in
            guard phase == old else { return }
            phase = new
            socket?.send(notice)
        }
    }

    /// Microseconds of CLOCK_MONOTONIC.
    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }
}
