import Foundation

/// Runs scripts by the Python that Debian has, whose module dbm.gnu is what TPRT 0.9.3 uses.
enum Python {
    private static let url = URL(filePath: "/usr/bin/python3")

    /// Runs a script to its end; returns what it printed and its exit status.
    ///
    /// The arguments are in `args`.
    static func run(_ script: String, _ arguments: String...) throws -> (output: String, status: Int32) {
        let process = try start(script, arguments)
        let output = try process.output.readToEnd() ?? Data()
        process.process.waitUntilExit()
        return (String(decoding: output, as: UTF8.self), process.process.terminationStatus)
    }

    /// Runs a script that does something, prints a line, and waits until its input ends.
    struct Waiting {
        let process: Process
        private let input = Pipe()

        init(_ script: String, _ arguments: String...) throws {
            let started = try start(script + "\nprint('ready', flush=True)\nsys.stdin.read()", arguments, input: input)
            process = started.process
            _ = try started.output.read(upToCount: 1)
        }

        func end() throws {
            try input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
    }

    private static func start(
        _ script: String, _ arguments: [String], input: Pipe? = nil
    ) throws -> (process: Process, output: FileHandle) {
        let process = Process()
        let output = Pipe()
        process.executableURL = url
        process.arguments = ["-c", "import dbm.gnu, sys; args = sys.argv[1:]\n" + script] + arguments
        process.standardOutput = output
        if let input { process.standardInput = input }
        try process.run()
        return (process, output.fileHandleForReading)
    }
}
