import Foundation
import TestSupport
import Testing

/// Signals that come before the daemon's own code runs, or before it has a use for them.
@Suite("Early signals", .blocking)
struct EarlySignalTests {
    /// Starts a daemon and sends it signals as soon as the dynamic loader sets up its libraries.
    ///
    /// Its own code runs many milliseconds later.
    private func start(_ lab: Lab, _ signals: [Int32], _ arguments: [String] = []) throws -> Daemon {
        let trace = lab.directory.file("loader")
        let daemon = try lab.launch(
            lab.arguments(at: lab.unixEndpoint, delay: 300) + arguments, listeningAt: [lab.unixEndpoint],
            variables: ["LD_DEBUG=libs", "LD_DEBUG_OUTPUT=\(trace)"])
        try eventually("the loader sets up libraries", every: 0) {
            let text = try? String(contentsOfFile: "\(trace).\(daemon.process.id)", encoding: .utf8)
            return text?.contains("calling init: ") == true ? () : nil
        }
        for signal in signals { try daemon.process.signal(signal) }
        return daemon
    }

    @Test("SIGHUP and SIGUSR1 before its first line of code don't end it", arguments: 0..<8)
    func survives(_ round: Int) throws {
        try withLab { lab in
            let daemon = try start(lab, [SIGHUP, SIGUSR1])
            try daemon.waitUntilReady()
            // And what was asked for is done, once it can be.
            try daemon.waitForLine("the reading") { $0 == "whitelists reloaded: 0 entries" }
            #expect(try daemon.ask(PolicyRequest(sender: "a@sender.example")).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("Nor do they end the command that sends it to the background", arguments: [SIGHUP, SIGUSR1])
    func survivesInTheBackground(_ signal: Int32) throws {
        try withLab { lab in
            let pidFile = lab.directory.file("pid")
            let daemon = try start(
                lab, [signal], ["--daemonize", "true", "--log_type", "none", "--pid_file_path", pidFile])
            #expect(try daemon.process.wait() == .exited(0))
            let id = try #require(
                pid_t(try String(contentsOfFile: pidFile, encoding: .utf8).trimmingCharacters(in: .newlines)))
            lab.atEnd { kill(id, SIGKILL) }
            #expect(try PolicyClient(to: lab.unixEndpoint).ask(PolicyRequest(sender: "a@sender.example")).isGreylisted)
            kill(id, SIGTERM)
            try RunningProcess(id: id).waitForEnd()
        }
    }

    @Test("What was sent while whoever started it held signals back takes effect, too")
    func pendingFromBefore() throws {
        try withLab { lab in
            // env(1) of coreutils blocks them and then executes the daemon, which inherits that.
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300), listeningAt: [lab.unixEndpoint],
                prefix: ["/usr/bin/env", "--block-signal=HUP", "--block-signal=USR1"])
            try eventually("it is held back", every: 0) { try daemon.process.blocks(SIGHUP) ? () : nil }
            for signal in [SIGHUP, SIGUSR1] { try daemon.process.signal(signal) }
            try daemon.waitUntilReady()
            try daemon.waitForLine("the reading") { $0 == "whitelists reloaded: 0 entries" }
            #expect(try daemon.terminate() == .exited(0))
        }
    }
}
