import Glibc

/// Runs the programs of Debian's db5.3-util.
struct BerkeleyTool {
    /// Where they are.
    let directory: String

    /// Runs one to its end.
    ///
    /// - Parameter errors: a file for what it says
    /// - Returns: its exit status; 128 and the signal where that ended it
    func run(_ program: String, _ arguments: [String], errors: String) throws(ImportError) -> CInt {
        let path = "\(directory)/\(program)"
        guard access(path, X_OK) == 0 else {
            throw ImportError(.tool, path, "this program is needed: install Debian's package db5.3-util")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var process = pid_t()
        // Nothing of our environment concerns it, and its messages are to be in English.
        let code = withStrings([path] + arguments) { arguments in
            withStrings(["LC_ALL=C"]) { posix_spawn(&process, path, &actions, nil, arguments, $0) }
        }
        guard code == 0 else {
            throw ImportError(.tool, path, "it can't be started (\(String(cString: strerror(code))))")
        }
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else {
                throw ImportError(.tool, path, "it was lost (\(String(cString: strerror(errno))))")
            }
        }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    /// What it said, on one line.
    static func messages(in file: String) -> String {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1_000)
        let count = read(descriptor, &bytes, bytes.count)
        let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
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
