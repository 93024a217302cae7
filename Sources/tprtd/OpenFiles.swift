import Glibc

/// The limit on open files, RLIMIT_NOFILE.
enum OpenFiles {
    /// What the program needs beside its connections: database, log, event loops, listeners, a reload.
    static let own = 64

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
