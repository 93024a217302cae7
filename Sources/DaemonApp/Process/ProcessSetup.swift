import CProcess
import Glibc
import SystemPackage

/// What a process inherits from whoever started it, put in order.
enum ProcessSetup {
    /// Opens a standard stream that is closed: a database that got its number would get log lines.
    static func openStreams() {
        for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) < 0 {
            // The lowest number that is free: that of the stream.
            _ = try? FileDescriptor.open("/dev/null", .readWrite)
        }
    }

    /// Closes every descriptor above the standard streams but these: a file or socket of the caller's would be kept
    /// open for months.
    static func closeDescriptors(keeping kept: Set<CInt> = []) {
        var first: CUnsignedInt = 3
        for descriptor in kept.sorted() where descriptor >= 3 {
            let number = CUnsignedInt(descriptor)
            if first < number { close(from: first, to: number - 1) }
            first = number + 1
        }
        close(from: first, to: .max)
    }

    /// The rights of new files, no core files (they would hold who writes to whom), the name that ps(1) shows, and
    /// no lines in syslog but ours.
    ///
    /// libdispatch writes there by itself at each start: that it can't raise the priority of one of its threads, which
    /// takes root. `LIBDISPATCH_LOG=stderr` shows it.
    static func settle() {
        setenv("LIBDISPATCH_LOG", "NO", 0)
        umask(0o027)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        _ = tprt_set_name(Program.name)
    }

    private static func close(from first: CUnsignedInt, to last: CUnsignedInt) {
        if tprt_close_range(first, last) == 0 { return }
        // A kernel before 5.9, or one that is emulated.
        let limit = CUnsignedInt(clamping: sysconf(CInt(_SC_OPEN_MAX)))
        for descriptor in first..<max(first, min(last == .max ? .max : last + 1, limit)) {
            Glibc.close(CInt(descriptor))
        }
    }
}

/// The limit on open files, RLIMIT_NOFILE.
enum OpenFiles {
    /// What the program needs beside its connections: database, log, event loops, listeners, a reload, and up to 256
    /// questions to the DNS.
    static let own = 320

    /// Raises the soft limit to the hard one, as far as it goes; returns what holds now.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(resource, &limit)
            getrlimit(resource, &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }
}
