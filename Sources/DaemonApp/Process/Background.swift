import FileCalls
import Glibc
import NIOConcurrencyHelpers
import Programs
import SystemPackage

/// The life of a daemon in the background, and the way back to whoever started it.
///
/// The command that was typed goes on until the process in the background tells how its start went, and ends with that
/// status. What is wrong the process says itself, on the standard error that both have.
struct Background: Sendable {
    /// The end of a pipe that takes one byte, the status; nil once it was told.
    private let pipe: NIOLockedValueBox<FileDescriptor?>
    /// /dev/null, which a chroot may not have.
    private let nowhere: FileDescriptor

    /// Goes to the background; returns there, while the command waits for what is told.
    ///
    /// Two forks: the first gives a new session, the second a process that leads none and so never gets a terminal. Only
    /// the calling thread is there afterwards, and so there must not be another one.
    static func detach() throws(ProgramError) -> Background {
        let ends = try attempt("pipe") { () throws(Errno) in try FileDescriptor.pipe(options: .closeOnExec) }
        let nowhere = try attempt("/dev/null") { () throws(Errno) in
            try systemCall { try FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec) }
        }
        let child = fork()
        guard child >= 0 else { throw failure("fork", Errno(rawValue: errno)) }
        if child > 0 {
            try? ends.writeEnd.close()
            awaitStatus(from: ends.readEnd, by: child)
        }
        try? ends.readEnd.close()
        setsid()
        let daemon = fork()
        guard daemon >= 0 else {
            // The one that waits takes the status from the pipe.
            let failure = failure("fork", Errno(rawValue: errno))
            failure.say(Program.name)
            Background(pipe: NIOLockedValueBox(ends.writeEnd), nowhere: nowhere).tell(failure.status.rawValue)
            _exit(0)
        }
        if daemon > 0 { _exit(0) }
        chdir("/")
        return Background(pipe: NIOLockedValueBox(ends.writeEnd), nowhere: nowhere)
    }

    /// Tells the command to end with that status; the first status is the one that counts.
    func tell(_ status: CInt) {
        pipe.withLockedValue { pipe in
            guard let end = pipe else { return }
            _ = try? end.writeAll([UInt8(truncatingIfNeeded: status)])
            try? end.close()
            pipe = nil
        }
    }

    /// Tells that the daemon listens, and lets go of the standard streams.
    func tellSuccess() {
        tell(0)
        leaveStreams()
    }

    private func leaveStreams() {
        for stream in STDIN_FILENO...STDERR_FILENO {
            _ = try? nowhere.duplicate(as: FileDescriptor(rawValue: stream))
        }
    }

    /// Ends with the status that comes out of the pipe.
    private static func awaitStatus(from pipe: FileDescriptor, by child: pid_t) -> Never {
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        var byte: UInt8 = 0
        let count = try? withUnsafeMutableBytes(of: &byte) { try pipe.read(into: $0) }
        if count == 1 { _exit(CInt(byte)) }
        let failure = ProgramError(.software, "daemon exited during startup")
        failure.say(Program.name)
        _exit(failure.status.rawValue)
    }

    private static func attempt<Result>(
        _ call: String, _ body: () throws(Errno) -> Result
    ) throws(ProgramError) -> Result {
        do throws(Errno) { return try body() } catch { throw failure(call, error) }
    }

    private static func failure(_ call: String, _ code: Errno) -> ProgramError {
        ProgramError(.unavailable, "server.daemonize: \(call): \(code): raise the limit")
    }
}
