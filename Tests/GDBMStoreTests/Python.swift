import Foundation
import TestSupport

/// Runs scripts by the Python that Debian has, whose module dbm.gnu is what TPRT 0.9.3 uses.
enum Python {
    /// Runs a script to its end.
    ///
    /// The arguments are in `args`.
    static func run(_ script: String, _ arguments: String...) throws -> CommandResult {
        try CommandResult(of: command(script, arguments))
    }

    /// A script that does something, prints a line, and waits until its input ends.
    struct Waiting {
        let process: ChildProcess
        private let input = Pipe()
        /// Open to the end: the line may come in pieces.
        private let output = Pipe()

        /// Starts it and returns when it has printed the line.
        init(_ script: String, _ arguments: String...) throws {
            process = try ChildProcess.start(
                command(script + "\nprint('ready', flush=True)\nsys.stdin.read()", arguments),
                input: input.fileHandleForReading.fileDescriptor, output: output.fileHandleForWriting.fileDescriptor)
            try output.fileHandleForWriting.close()
            _ = try output.fileHandleForReading.read(upToCount: 1)
        }

        func end() throws {
            try input.fileHandleForWriting.close()
            try process.wait()
        }
    }

    private static func command(_ script: String, _ arguments: [String]) -> [String] {
        ["/usr/bin/python3", "-c", "import dbm.gnu, sys; args = sys.argv[1:]\n" + script] + arguments
    }
}
