import FileCalls
import FileStorage
import Glibc
import Storage
import SystemPackage

/// Finds out whether a database file can be used, in a process of its own.
///
/// LMDB trusts its pages, so a damaged file may end whoever reads it. The check of a file that was closed properly is
/// bounded in time; what lies beyond it is met in service, by error or by an end that the next start knows of.
enum IntegrityCheck {
    /// How long to check, in milliseconds.
    static let limit = 100

    /// The ends that damaged pages bring about.
    private static var crashes: [CInt] { [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP] }

    /// Whether the file is an environment of ours, and whole as far as it was checked.
    ///
    /// Only damage that was seen counts: where no process can be had, or it came to no result, the file gets the
    /// benefit of the doubt.
    ///
    /// - Parameters:
    ///   - file: the file, locked
    ///   - limit: how long to check, in milliseconds; nil to check all of it
    static func passes(_ file: borrowing DatabaseFile, limit: Int?) -> Bool {
        var scan = FileScan(path: file.path, size: file.size)
        scan.limit = limit
        return passes(scan, leaving: file.descriptor)
    }

    /// The same for a file that is to be read while others may write to it.
    ///
    /// All of it is checked, and more closely: what is damaged can't be quarantined here, so it has to be reported.
    static func passesForReading(path: String) -> Bool {
        guard let status = try? Stat(path), status.type == .regular else { return true }
        var scan = FileScan(path: path, size: Int(status.size))
        scan.isThorough = true
        scan.isShared = FileNames.exists(path + "-lock")
        return passes(scan, leaving: nil)
    }

    /// - Parameter lock: a descriptor whose lock is to stay with this process alone
    static func passes(_ scan: FileScan, leaving lock: FileDescriptor?) -> Bool {
        for _ in 0..<tries {
            guard let status = run(scan, leaving: lock) else { return true }
            if !isHung(status) { return isPassed(status) }
        }
        return true
    }

    /// How often to scan when a scan comes to no end: a process that is forked while other threads run may get stuck on
    /// a lock that one of them held.
    private static let tries = 4

    /// Scans once; returns the status of waitpid(2), nil where no process can be had.
    private static func run(_ scan: FileScan, leaving lock: FileDescriptor?) -> CInt? {
        let seconds = scan.limit.map { CUnsignedInt(clamping: $0 / 1000 + 3) } ?? scan.patience
        let parent = getpid()
        let child = fork()
        if child < 0 { return nil }
        if child == 0 {
            becomeExpendable(seconds: seconds)
            // Should the parent end, the next one can have the file.
            if let lock { close(lock.rawValue) }
            _exit(scan.finds(parent: parent) == .damage ? 1 : 0)
        }
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0 {
            if errno != EINTR { return nil }
        }
        return status
    }

    private static func isHung(_ status: CInt) -> Bool {
        status & 0x7f == SIGALRM
    }

    /// What the end of the process means: the status of waitpid(2).
    ///
    /// Any exit status but 0 is damage: 1 is that of a scan that found it, and a run-time library that reports a crash
    /// and exits has one of its own.
    static func isPassed(_ status: CInt) -> Bool {
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff == 0 : !crashes.contains(signal)
    }

    /// A crash of this process is a result: no report, no core file; and it must end in any case.
    ///
    /// The alarm comes first, by calls of the system alone: a lock of the language's runtime that another thread held
    /// at the fork is never let go here.
    private static func becomeExpendable(seconds: CUnsignedInt) {
        signal(SIGALRM, SIG_DFL)
        var mask = sigset_t()
        sigemptyset(&mask)
        sigprocmask(SIG_SETMASK, &mask, nil)
        alarm(seconds)
        for number in crashes { signal(number, SIG_DFL) }
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        let sink = open("/dev/null", O_WRONLY)
        dup2(sink, 2)
    }
}

/// The two first pages of an LMDB file, each of which leads to a state of it.
///
/// A commit writes one of them: transaction N that of N's last bit, while the other one still has N − 1. LMDB goes by the
/// higher number, whatever it is: where a number is damaged it would go on with an older state and not say so.
enum MetaPages {
    /// Where a page has its transaction's number, behind 16 bytes that every page begins with.
    private static let numberOffset = 144
    /// Where the first page has the size of pages.
    private static let sizeOffset = 40
    /// How often to read them: a writer may be between the two.
    private static let tries = 5

    /// Whether the numbers of both are what LMDB writes; true as well where there are no two pages to be read.
    static func agree(at path: String) -> Bool {
        let options: FileDescriptor.OpenOptions = [.closeOnExec, .noControllingTerminal, .nonBlocking]
        guard let file = try? FileDescriptor.open(path, .readOnly, options: options) else { return true }
        defer { try? file.close() }
        return (0..<tries).contains { _ in agree(file) }
    }

    private static func agree(_ file: FileDescriptor) -> Bool {
        guard let size = number(file, UInt32.self, at: sizeOffset), size >= 256, size <= 65_536,
            let first = number(file, UInt64.self, at: numberOffset),
            let second = number(file, UInt64.self, at: Int(size) + numberOffset)
        else { return true }
        guard first & 1 == 0, second & 1 == 1 else { return first == 0 && second == 0 }
        return max(first, second) - min(first, second) == 1
    }

    private static func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ file: FileDescriptor, _ type: Number.Type, at offset: Int
    ) -> Number? {
        var number = Number.zero
        let count = try? withUnsafeMutableBytes(of: &number) {
            try file.read(fromAbsoluteOffset: Int64(offset), into: $0)
        }
        return count == MemoryLayout<Number>.size ? number : nil
    }
}

/// A list of free pages as LMDB keeps it: their count, then their numbers, the highest first.
enum FreePages {
    /// The first pages hold what leads to all others and are never free.
    private static let lowest: UInt = 2

    /// Whether the bytes can be such a list of a file with that many pages.
    static func isOne(_ bytes: UnsafeRawBufferPointer, pages: UInt) -> Bool {
        let word = MemoryLayout<UInt>.size
        guard bytes.count >= word else { return false }
        let count = bytes.loadUnaligned(as: UInt.self)
        guard count < UInt(bytes.count / word) else { return false }
        var previous = pages
        for index in 0..<Int(count) {
            let page = bytes.loadUnaligned(fromByteOffset: (index + 1) * word, as: UInt.self)
            guard page >= lowest, page < previous else { return false }
            previous = page
        }
        return true
    }
}
