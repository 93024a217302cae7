import Glibc
import SystemPackage

/// A user as whom root runs another program.
public struct ToolUser: Sendable, Equatable {
    /// The user.
    public let user: UInt32
    /// The only group.
    public let group: UInt32

    /// That user with that group.
    public init(user: UInt32, group: UInt32) {
        self.user = user
        self.group = group
    }
}

/// Runs the programs of Debian's db5.3-util.
struct BerkeleyTool {
    /// util-linux' program that gives up rights.
    private static let setpriv = "/usr/bin/setpriv"

    /// Where they are.
    let directory: String
    /// As whom they run; nil: as who this process is.
    var user: ToolUser?

    /// Runs one to its end.
    ///
    /// - Parameters:
    ///   - output: an open file for its result; nil for none
    ///   - errors: an open file for what it says
    /// - Returns: its exit status; 128 and the signal where that ended it
    func run(
        _ program: String, _ arguments: [String], output: FileDescriptor?, errors: FileDescriptor
    ) throws(ImportError) -> CInt {
        let path = "\(directory)/\(program)"
        guard access(path, X_OK) == 0 else {
            throw ImportError(.tool, path, "this program is needed: install Debian's package db5.3-util")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output.rawValue, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, errors.rawValue, 2)
        var process = pid_t()
        var words = [path] + arguments
        if let user {
            words =
                [
                    Self.setpriv, "--reuid=\(user.user)", "--regid=\(user.group)", "--clear-groups", "--no-new-privs",
                    "--",
                ]
                + words
        }
        // Nothing of our environment concerns it, and its messages are to be in English.
        let code = withStrings(words) { arguments in
            withStrings(["LC_ALL=C"]) { posix_spawn(&process, words[0], &actions, nil, arguments, $0) }
        }
        guard code == 0 else {
            throw ImportError(.tool, words[0], "it can't be started (\(Errno(rawValue: code)))")
        }
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else {
                throw ImportError(.tool, path, "it was lost (\(Errno(rawValue: errno)))")
            }
        }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    /// What it said, on one line.
    static func messages(in file: FileDescriptor) -> String {
        var bytes = [UInt8](repeating: 0, count: 1_000)
        let count = (try? bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: 0, into: $0) }) ?? 0
        let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
        return lines.prefix(2).map { shown(String($0)) }.joined(separator: "; ")
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
