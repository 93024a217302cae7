import Glibc
import NIOConcurrencyHelpers
import Programs

/// The life of a daemon in the background, and the way back to whoever started it.
///
/// The command that was typed goes on until the process in the background tells how its start went, and ends with that
/// status. What is wrong the process says itself, on the standard error that both have.
struct Background: Sendable {
    /// The end of a pipe that takes one byte, the status; nil once it was told.
    private let pipe: NIOLockedValueBox<CInt?>
    /// /dev/null, which a chroot may not have.
    private let nowhere: CInt

    /// Goes to the background; returns there, while the command waits for what is told.
    ///
    /// Two forks: the first gives a new session, the second a process that leads none and so never gets a terminal. Only
    /// the calling thread is there afterwards, and so there must not be another one.
    static func detach() throws(ProgramError) -> Background {
        var ends: [CInt] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw failure("pipe", errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let nowhere = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard nowhere >= 0 else { throw failure("/dev/null", errno) }
        let child = fork()
        guard child >= 0 else { throw failure("fork", errno) }
        if child > 0 {
            close(ends[1])
            awaitStatus(from: ends[0], by: child)
        }
        close(ends[0])
        setsid()
        let daemon = fork()
        guard daemon >= 0 else {
            // The one that waits takes the status from the pipe.
            let failure = failure("fork", errno)
            failure.say(Program.name)
            Background(pipe: NIOLockedValueBox(ends[1]), nowhere: nowhere).tell(failure.status.rawValue)
            _exit(0)
        }
        if daemon > 0 { _exit(0) }
        chdir("/")
        return Background(pipe: NIOLockedValueBox(ends[1]), nowhere: nowhere)
    }

    /// Tells the command to end with that status; the first status is the one that counts.
    func tell(_ status: CInt) {
        pipe.withLockedValue { pipe in
            guard let end = pipe else { return }
            var byte = UInt8(truncatingIfNeeded: status)
            write(end, &byte, 1)
            close(end)
            pipe = nil
        }
    }

    /// Tells that the daemon listens, and lets go of the standard streams.
    func tellSuccess() {
        tell(0)
        leaveStreams()
    }

    private func leaveStreams() {
        for stream in STDIN_FILENO...STDERR_FILENO { dup2(nowhere, stream) }
    }

    /// Ends with the status that comes out of the pipe.
    private static func awaitStatus(from pipe: CInt, by child: pid_t) -> Never {
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        var byte: UInt8 = 0
        var count = read(pipe, &byte, 1)
        while count < 0, errno == EINTR { count = read(pipe, &byte, 1) }
        if count == 1 { _exit(CInt(byte)) }
        let failure = ProgramError(.software, "daemon exited during startup")
        failure.say(Program.name)
        _exit(failure.status.rawValue)
    }

    private static func failure(_ call: String, _ code: CInt) -> ProgramError {
        ProgramError(.unavailable, "server.daemonize: \(call): \(String(cString: strerror(code))): raise the limit")
    }
}
