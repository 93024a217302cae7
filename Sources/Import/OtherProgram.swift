import Glibc
package import SystemPackage

/// A program of the system's, with nothing of our environment but its language.
package struct OtherProgram {
    /// util-linux' program that gives up rights.
    private static let setpriv = "/usr/bin/setpriv"

    private let words: [String]

    /// - Parameters:
    ///   - path: where it is
    ///   - user: as whom it runs; nil: as who this process is
    package init(_ path: String, _ arguments: [String], as user: ToolUser? = nil) {
        guard let user else {
            words = [path] + arguments
            return
        }
        words =
            [
                Self.setpriv, "--reuid=\(user.user)", "--regid=\(user.group)", "--clear-groups", "--no-new-privs", "--",
                path,
            ] + arguments
    }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - output: an open file for what it prints; nil for none
    ///   - errors: an open file for what it says beside
    /// - Returns: its exit status; 128 and the signal where that ended it
    package func run(output: FileDescriptor?, errors: FileDescriptor?) throws(Errno) -> CInt {
        try Self.wait(for: try start(input: nil, output: output, errors: errors))
    }

    /// Starts it.
    ///
    /// - Parameter input: an open file for what it reads; nil for none
    /// - Returns: the number of its process, for which `wait` has to be called
    func start(input: FileDescriptor?, output: FileDescriptor?, errors: FileDescriptor?) throws(Errno) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (stream, file) in [(CInt(0), input), (1, output), (2, errors)] {
            if let file {
                posix_spawn_file_actions_adddup2(&actions, file.rawValue, stream)
            } else {
                posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", stream == 0 ? O_RDONLY : O_WRONLY, 0)
            }
        }
        var process = pid_t()
        let code = withStrings(words) { arguments in
            withStrings(["LC_ALL=C"]) { posix_spawn(&process, words[0], &actions, nil, arguments, $0) }
        }
        guard code == 0 else { throw Errno(rawValue: code) }
        return process
    }

    /// Waits for the end of a process that `start` has made.
    ///
    /// - Returns: its exit status; 128 and the signal where that ended it
    static func wait(for process: pid_t) throws(Errno) -> CInt {
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw Errno(rawValue: errno) }
        }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }
}

/// Hands over texts as a C program takes its arguments.
private func withStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
