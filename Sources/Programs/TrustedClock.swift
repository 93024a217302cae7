import Glibc
public import Greylist
import NIOConcurrencyHelpers
import Synchronization

/// The time of day, which doesn't follow the clock of the machine at once where that jumps.
///
/// Whoever believes a clock that is a year ahead for three seconds forgets every entry in that time. So a jump of more than
/// a minute, seen against the time since the machine was started, has to last before it is believed; until then time goes
/// on as if it hadn't happened. Smaller steps, as those of NTP, are followed at once.
///
/// One exception: a clock that was before this version of the program was written is wrong, and whatever sets it right is
/// believed.
public final class TrustedClock: Sendable {
    /// What of a jump is told.
    public enum Event: Sendable, Equatable {
        /// The clock of the machine is so many seconds away from what it should be; negative: behind.
        case jumped(seconds: Int64)
        /// It is where it was before.
        case isBack
        /// The jump has lasted: time is what the clock says.
        case believed(seconds: Int64)
    }

    /// Larger jumps aren't followed at once, in seconds.
    static let tolerance: Int64 = 60
    /// How long a jump has to last, in seconds.
    static let patience: Int64 = 300
    /// After a jump of more than `largeJump` seconds that was believed nothing is removed for so long.
    static let pause: Int64 = 86_400
    static let largeJump: Int64 = 3_600
    /// No clock that is right is behind this: 2026-01-01.
    static let earliest = Timestamp(seconds: 1_767_225_600)

    private struct Doubt: Sendable {
        /// What the clock of the machine is ahead of the time since its start.
        var offset: Int64
        var since: Int64
    }

    private let wall: @Sendable () -> Timestamp
    private let uptime: @Sendable () -> Int64
    private let tell: @Sendable (Event) -> Void
    /// What time is ahead of the time since the machine's start.
    private let offset: Synchronization.Atomic<Int64>
    private let isInDoubt = Synchronization.Atomic(false)
    private let jumpCount = Synchronization.Atomic(0)
    private let doubt = NIOLockedValueBox<Doubt?>(nil)
    /// Until when nothing is removed, as time since the machine's start.
    private let pausedUntil = Synchronization.Atomic<Int64>(.min)

    /// A clock that begins with what the machine's says.
    ///
    /// - Parameters:
    ///   - wall: the time of day of the machine
    ///   - uptime: seconds since it was started, suspended or not
    ///   - tell: takes what is to be told of a jump; called on any thread
    public init(
        wall: @escaping @Sendable () -> Timestamp = WallClock.now,
        uptime: @escaping @Sendable () -> Int64 = TrustedClock.secondsSinceBoot,
        tell: @escaping @Sendable (Event) -> Void
    ) {
        (self.wall, self.uptime, self.tell) = (wall, uptime, tell)
        offset = Synchronization.Atomic(wall().seconds - uptime())
    }

    /// The time now.
    public func now() -> Timestamp {
        let (wall, uptime) = (wall(), uptime())
        let trusted = offset.load(ordering: .relaxed)
        let ahead = wall.seconds - uptime - trusted
        if abs(ahead) <= Self.tolerance {
            if ahead != 0 { offset.store(trusted + ahead, ordering: .relaxed) }
            if isInDoubt.load(ordering: .relaxed) { settle() }
            return wall
        }
        if trusted + uptime < Self.earliest.seconds, wall >= Self.earliest {
            offset.store(wall.seconds - uptime, ordering: .relaxed)
            return wall
        }
        return follow(ahead, at: uptime, from: trusted)
    }

    /// Whether nothing should be removed now: the clock of the machine has jumped, and either that isn't believed yet, or
    /// it is, and was large.
    public func isDoubtful() -> Bool {
        _ = now()
        return isInDoubt.load(ordering: .relaxed) || uptime() < pausedUntil.load(ordering: .relaxed)
    }

    /// How often the clock of the machine has jumped, there and back again once.
    public var jumps: Int { jumpCount.load(ordering: .relaxed) }

    /// Seconds since the machine was started.
    @Sendable public static func secondsSinceBoot() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec)
    }

    private func settle() {
        let wasInDoubt = doubt.withLockedValue { doubt in
            defer { doubt = nil }
            isInDoubt.store(false, ordering: .relaxed)
            return doubt != nil
        }
        if wasInDoubt { tell(.isBack) }
    }

    /// Goes on as before a jump, or takes it over where it has lasted.
    private func follow(_ ahead: Int64, at uptime: Int64, from trusted: Int64) -> Timestamp {
        let (event, offset) = doubt.withLockedValue { doubt -> (Event?, Int64) in
            let jumped = trusted + ahead
            guard let known = doubt, abs(known.offset - jumped) <= Self.tolerance else {
                doubt = Doubt(offset: jumped, since: uptime)
                isInDoubt.store(true, ordering: .relaxed)
                jumpCount.wrappingAdd(1, ordering: .relaxed)
                return (.jumped(seconds: ahead), trusted)
            }
            guard uptime - known.since >= Self.patience else { return (nil, trusted) }
            doubt = nil
            isInDoubt.store(false, ordering: .relaxed)
            if abs(ahead) > Self.largeJump { pausedUntil.store(uptime + Self.pause, ordering: .relaxed) }
            self.offset.store(jumped, ordering: .relaxed)
            return (.believed(seconds: ahead), jumped)
        }
        if let event { tell(event) }
        return Timestamp(seconds: offset + uptime)
    }
}

/// The wall clock of this machine: the one place where it is read.
public enum WallClock {
    /// The time now.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec))
    }
}
