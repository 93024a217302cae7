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
        do throws(Errno) {
            return try OtherProgram(path, arguments, as: user).run(output: output, errors: errors)
        } catch {
            throw ImportError(.tool, path, "it can't be run (\(error))")
        }
    }

    /// What it said, on one line.
    static func messages(in file: FileDescriptor) -> String {
        var bytes = [UInt8](repeating: 0, count: 1_000)
        let count = (try? bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: 0, into: $0) }) ?? 0
        let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
        return lines.prefix(2).map { shown(String($0)) }.joined(separator: "; ")
    }
}
