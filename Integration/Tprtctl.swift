import Foundation
import TestSupport

/// A tprtctl that a test started.
final class Tprtctl {
    let process: ChildProcess
    private let said: LineReader
    private let warned: LineReader

    /// Starts the program; doesn't wait for anything.
    init(_ arguments: [String], stateDirectory: String) throws {
        let (said, warned) = (try LineReader(), try LineReader())
        defer {
            close(said.writeEnd)
            close(warned.writeEnd)
        }
        let program = try program("tprtctl", orIn: "TPRTCTL_BINARY")
        process = try ChildProcess.start(
            ["/usr/bin/env", "STATE_DIRECTORY=\(stateDirectory)", program] + arguments,
            output: said.writeEnd, errors: warned.writeEnd)
        (self.said, self.warned) = (said, warned)
        said.start()
        warned.start()
    }

    /// The lines of its standard output so far.
    var output: [String] { said.lines }

    /// The lines of its standard error so far.
    var errors: [String] { warned.lines }

    /// Waits for its end, and for the last of its lines.
    func waitForEnd(within limit: TimeInterval = patience) throws -> ChildProcess.Ending {
        let ending = try process.wait(within: limit)
        try eventually("the end of tprtctl's lines") { said.ended && warned.ended ? () : nil }
        return ending
    }

    /// Waits for success, and returns what it printed.
    @discardableResult
    func succeed(within limit: TimeInterval = patience) throws -> String {
        let ending = try waitForEnd(within: limit)
        guard ending == .exited(0) else {
            throw TestError("tprtctl: \(ending)\n\((errors + output).joined(separator: "\n"))")
        }
        return output.joined(separator: "\n")
    }
}
