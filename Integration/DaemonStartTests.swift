import Foundation
import TestSupport
import Testing

/// What the daemon does at its start when something is in the way.
///
/// The exit statuses are those of sysexits.h.
@Suite("Starting", .blocking)
struct DaemonStartTests {
    private let request = PolicyRequest(sender: "a@sender.example")

    @Test("It listens at all the places it is told, with the modes it is told")
    func listeners() throws {
        try withLab { lab in
            let second = lab.directory.file("second.sock")
            let endpoints = [lab.unixEndpoint, .unix(second), .inet(try Ports.free())]
            let more = #"server.listen=["\#(endpoints[2])", "unix:\#(second)?mode=0640"]"#
            let daemon = try lab.launch(
                lab.arguments(at: endpoints[0], delay: 300) + ["-i", more], listeningAt: endpoints)
            try daemon.waitUntilReady()
            for endpoint in endpoints {
                let client = try PolicyClient(to: endpoint)
                // One connection holds many requests.
                for _ in 1...3 {
                    #expect(try client.ask(request).isGreylisted)
                }
                client.close()
            }
            #expect(try mode(of: lab.directory.file("policy.sock")) == 0o666)
            #expect(try mode(of: second) == 0o640)
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("It takes over the socket of a daemon that was killed")
    func staleSocket() throws {
        try withLab { lab in
            let killed = try lab.start()
            try killed.kill()
            #expect(FileManager.default.fileExists(atPath: lab.directory.file("policy.sock")))
            let daemon = try lab.start()
            #expect(try daemon.ask(request).isGreylisted)
        }
    }

    @Test("It leaves the socket of a living daemon alone and says whose it is")
    func liveSocket() throws {
        try withLab { lab in
            let first = try lab.start()
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300, database: lab.directory.file("other.lmdb"))
            let second = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
            #expect(try second.waitForEnd() == .exited(69))
            let holder = second.lines.filter { $0.contains(lab.directory.file("policy.sock")) }
            #expect(holder.contains { $0.contains("\(first.process.id)") }, "\(second.lines)")
            #expect(try first.ask(request).isGreylisted)
        }
    }

    @Test("It leaves a file at the place of its socket alone")
    func foreignFile() throws {
        try withLab { lab in
            let path = try lab.directory.write("somebody's notes\n", to: "policy.sock")
            let before = try mode(of: path)
            let daemon = try lab.launch(
                lab.arguments(at: lab.unixEndpoint, delay: 300), listeningAt: [lab.unixEndpoint])
            #expect(try daemon.waitForEnd() == .exited(73))
            #expect(daemon.lines.contains { $0.contains(path) }, "\(daemon.lines)")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "somebody's notes\n")
            #expect(try mode(of: path) == before)
        }
    }

    @Test("It says so when its port is taken")
    func portTaken() throws {
        try withLab { lab in
            let endpoint = Endpoint.inet(try Ports.free())
            let socket = try ListeningSocket(at: endpoint)
            defer { socket.close() }
            let daemon = try lab.launch(lab.arguments(at: endpoint, delay: 300), listeningAt: [endpoint])
            #expect(try daemon.waitForEnd() == .exited(69))
            #expect(daemon.lines.contains { $0.contains("\(endpoint)") }, "\(daemon.lines)")
        }
    }

    @Test("Two daemons don't share a database file: the second ends before it listens")
    func databaseTaken() throws {
        try withLab { lab in
            let first = try lab.start()
            let endpoint = Endpoint.unix(lab.directory.file("second.sock"))
            let second = try lab.launch(lab.arguments(at: endpoint, delay: 300), listeningAt: [endpoint])
            #expect(try second.waitForEnd() == .exited(69))
            #expect(second.lines.contains { $0.contains(lab.database) }, "\(second.lines)")
            #expect(!second.lines.contains { $0.contains("listening on") }, "\(second.lines)")
            #expect(!FileManager.default.fileExists(atPath: lab.directory.file("second.sock")))
            #expect(try first.ask(request).isGreylisted)
        }
    }

    @Test("A setting that doesn't exist stops it, named with its file", arguments: [[], ["--check-config"]])
    func unknownSetting(_ extra: [String]) throws {
        try withLab { lab in
            let file = try lab.directory.write(#"{"service": {"grey_dely": 3}}"#, to: "tprt.conf")
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300) + ["-c", file] + extra
            let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
            #expect(try daemon.waitForEnd() == .exited(78))
            #expect(daemon.lines.contains { $0.contains(file) && $0.contains("grey_dely") }, "\(daemon.lines)")
            #expect(!FileManager.default.fileExists(atPath: lab.directory.file("policy.sock")))
        }
    }

    @Test("Checking a good configuration touches nothing")
    func checksConfiguration() throws {
        try withLab { lab in
            let file = try lab.directory.write(#"{"service": {"grey_delay": 3}}"#, to: "tprt.conf")
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300) + ["-c", file, "--check-config"]
            let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
            #expect(try daemon.waitForEnd() == .exited(0))
            #expect(lab.directory.names(beginningWith: "") == ["tprt.conf"])
        }
    }

    @Test("A corrupt database is quarantined and the service starts", arguments: ["garbage", "truncated"])
    func corruptDatabase(_ fault: String) throws {
        try withLab { lab in
            if fault == "truncated" {
                let first = try lab.start()
                let client = try first.client()
                for number in 1...300 {
                    #expect(try client.ask(.numbered(number)).isGreylisted)
                }
                client.close()
                #expect(try first.terminate() == .exited(0))
                // Its first pages are in order, and point to others that are gone.
                guard truncate(lab.database, 8_192) == 0 else { throw TestError.system("truncate") }
            } else {
                let garbage = Data((0..<65_536).map { _ in UInt8.random(in: 0...255) })
                try garbage.write(to: URL(fileURLWithPath: lab.database))
            }
            let corrupt = try Data(contentsOf: URL(fileURLWithPath: lab.database))

            let daemon = try lab.start()
            #expect(try daemon.ask(request).isGreylisted)
            let quarantined = lab.directory.names(beginningWith: "tprt.lmdb.corrupt-")
            #expect(quarantined.count == 1)
            let path = lab.directory.file(try #require(quarantined.first))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == corrupt)
            try daemon.waitForLine("a warning that names \(path)") {
                $0.hasPrefix("warning: ") && $0.contains(path)
            }
            #expect(try daemon.terminate() == .exited(0))

            // And the new one is a good one.
            let next = try lab.start()
            #expect(try next.ask(request).isGreylisted)
            #expect(try next.waitForDecision { _ in true }.isEarlyRetry)
        }
    }

    private func mode(of path: String) throws -> mode_t {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw TestError.system(path) }
        return status.st_mode & 0o7777
    }
}
