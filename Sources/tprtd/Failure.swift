import Glibc

/// Why the program ends before its time: one line and an exit status of sysexits(3).
struct Failure: Error {
    let status: ExitStatus
    let message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// Says it and ends the program.
    func exit() -> Never {
        let line = Array((Program.name + ": " + message + "\n").utf8)
        write(STDERR_FILENO, line, line.count)
        Glibc.exit(status.rawValue)
    }
}

/// Exit statuses, after sysexits(3).
enum ExitStatus: CInt {
    /// Something that is needed is taken by somebody else.
    case unavailable = 69
    /// A fault of the program itself.
    case software = 70
    /// A file or socket can't be made.
    case cannotCreate = 73
    /// Not with these rights.
    case noPermission = 77
    /// The configuration is wrong.
    case configuration = 78
}
