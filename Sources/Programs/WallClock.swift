import Glibc
public import Greylist

/// The wall clock of this machine: the one place where it is read.
public enum WallClock {
    /// The time now.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec))
    }
}
