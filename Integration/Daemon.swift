import Foundation
import LogOutput
import TestSupport

/// A tprtd that a test started.
final class Daemon {
    let process: ChildProcess
    let endpoints: [Endpoint]
    private let output: LineReader

    /// Starts the program; doesn't wait for anything.
    ///
    /// It is going to listen at `endpoints`. It may open as many files as the tests, unless `openFiles` says how many.
    /// What it writes to its standard error is read, unless `reads` is false: then it waits in the pipe until `startReading()`.
    /// Where the tests run as root, so does the program, unless `allowsRoot` is false.
    /// `prelude` is a line of the shell that starts it then, such as `exec 7</etc/passwd`.
    /// With `variables`, `NAME=value` each, its environment has more than ours; a mere `NAME` is taken out of it. It keeps no
    /// history, unless it gets an `XDG_STATE_HOME` there.
    /// It is handed the `sockets` as a service manager does. `prefix` is a command that runs a command, as env(1) does.
    init(
        _ arguments: [String], listeningAt endpoints: [Endpoint], openFiles: Int? = nil, reads: Bool = true,
        allowsRoot: Bool = true, prelude: String? = nil, variables: [String] = [], sockets: [HeldSocket] = [],
        prefix: [String] = []
    ) throws {
        var command = prefix + [try program("tprtd", orIn: "TPRTD_BINARY")] + arguments
        if allowsRoot, geteuid() == 0 { command.append("--allow-root") }
        // Without a state directory of its own it shares that of all others: no history, unless a test asks for one.
        let variables =
            (variables.contains { $0.hasPrefix("XDG_STATE_HOME") } ? [] : ["TPRT_SERVICE_HISTORY_DB="]) + variables
        if !variables.isEmpty {
            let missing = variables.filter { !$0.contains("=") }.flatMap { ["-u", $0] }
            command = ["/usr/bin/env"] + missing + variables.filter { $0.contains("=") } + command
        }
        let parcel = sockets.isEmpty ? nil : try HeldSocket.Parcel(sockets)
        defer { parcel?.close() }
        command = (parcel?.launcher ?? []) + command
        if let prelude = prelude ?? openFiles.map({ "ulimit -n \($0)" }) {
            command = ["/bin/sh", "-c", "\(prelude) && exec \"$0\" \"$@\""] + command
        }
        let output = try LineReader()
        defer { close(output.writeEnd) }
        self.output = output
        process = try ChildProcess.start(command, input: parcel?.input, errors: output.writeEnd)
        self.endpoints = endpoints
        if reads {
            output.start()
        }
    }

    /// The lines it has written to its standard error so far.
    var lines: [String] { output.lines }

    /// The decisions among them.
    var decisions: [DecisionLine] { lines.compactMap { DecisionLine($0) } }

    /// Whether the pipe of its standard error takes no more, since nobody reads it.
    func logIsFull() throws -> Bool {
        try output.isFull()
    }

    /// Begins to read what it writes to its standard error.
    func startReading() {
        output.start()
    }

    /// Waits until it says that it listens, at each endpoint.
    func waitUntilReady() throws {
        try eventually("tprtd listens") {
            if let ending = process.poll() {
                throw TestError("tprtd ended: \(ending)\n\(try allLines().joined(separator: "\n"))")
            }
            let lines = lines
            return endpoints.allSatisfy { endpoint in lines.contains { $0.contains("listening on \(endpoint)") } }
                ? () : nil
        }
    }

    /// Waits until somebody accepts connections at its endpoints; for when its lines are not read.
    func waitUntilReachable() throws {
        for endpoint in endpoints {
            try eventually("tprtd accepts connections at \(endpoint)") {
                if let ending = process.poll() {
                    throw TestError("tprtd ended: \(ending)")
                }
                return (try? StreamSocket(to: endpoint))?.close()
            }
        }
    }

    /// A connection to its first endpoint.
    func client(timeout: TimeInterval = patience) throws -> PolicyClient {
        guard let endpoint = endpoints.first else { throw TestError("the daemon listens nowhere") }
        return try PolicyClient(to: endpoint, timeout: timeout)
    }

    /// One request on a connection of its own.
    func ask(_ request: PolicyRequest) throws -> PolicyReply {
        let client = try client()
        defer { client.close() }
        return try client.ask(request)
    }

    /// Waits for a line, beginning the search after the first `skipped` ones.
    @discardableResult
    func waitForLine(_ what: String, after skipped: Int = 0, where matches: (String) -> Bool) throws -> String {
        try eventually("a line with \(what)") { lines.dropFirst(skipped).first(where: matches) }
    }

    /// Waits for a decision, beginning the search after the first `skipped` lines.
    func waitForDecision(after skipped: Int = 0, where matches: (DecisionLine) -> Bool) throws -> DecisionLine {
        try eventually("the line of a decision") {
            lines.dropFirst(skipped).lazy.compactMap { DecisionLine($0) }.first(where: matches)
        }
    }

    /// Waits for its end, and for the last of its lines.
    func waitForEnd(within limit: TimeInterval = patience) throws -> ChildProcess.Ending {
        let ending = try process.wait(within: limit)
        _ = try allLines()
        return ending
    }

    /// SIGTERM, and waits for the end.
    @discardableResult
    func terminate() throws -> ChildProcess.Ending {
        try process.signal(SIGTERM)
        return try waitForEnd()
    }

    /// SIGKILL, and waits for the end.
    func kill() throws {
        try process.signal(SIGKILL)
        _ = try waitForEnd()
    }

    private func allLines() throws -> [String] {
        output.start()
        return try eventually("the end of tprtd's lines") { output.ended ? lines : nil }
    }
}
