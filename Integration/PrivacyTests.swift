import Foundation
import LogOutput
import RedisLab
import TestSupport
import Testing

/// Keys under a secret of the site, and a log that shows less.
@Suite("Keyed privacy", .blocking)
struct PrivacyTests {
    private let waiting = PolicyRequest(clientAddress: "198.51.100.7", sender: "waiting@sender.example")
    private let known = PolicyRequest(clientAddress: "203.0.113.7", sender: "known@sender.example")

    private func keyed(_ path: String, _ more: [String] = []) -> [String] {
        (["service.privacy=keyed", "service.privacy_key=\(path)"] + more).flatMap { ["-i", $0] }
    }

    private func mode(_ path: String) throws -> UInt16 {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber).uint16Value
    }

    private func stop(_ daemon: Daemon) throws {
        #expect(try daemon.terminate() == .exited(0))
    }

    @Test("Nobody waits once more at the switch, at a rotation, nor at a restart; who is lost with the key waits once")
    func life() throws {
        try withLab { lab in
            let key = lab.directory.file("privacy.key")
            func start(_ extra: [String]) throws -> Daemon { try lab.start(delay: 1, extra: extra) }
            func pass(_ daemon: Daemon, _ request: PolicyRequest) throws {
                try eventually("\(request.sender) passes") { try daemon.ask(request).passes ? () : nil }
            }
            // As it was before.
            var daemon = try start([])
            #expect(try daemon.ask(known).isGreylisted)
            try pass(daemon, known)
            #expect(try daemon.ask(waiting).isGreylisted)
            try stop(daemon)

            // The switch.
            daemon = try start(keyed(key))
            try daemon.waitForLine("the new key") {
                $0 == "warning: service.privacy_key: \(key): made, with a new key; "
                    + "servers that share a database need a copy of this file"
            }
            #expect(try mode(key) == 0o600)
            #expect(try daemon.ask(known) == PolicyReply(description: "DUNNO"))
            try pass(daemon, waiting)
            let third = PolicyRequest(sender: "third@sender.example")
            #expect(try daemon.ask(third).isGreylisted)

            // A rotation while it runs.
            let text = try String(contentsOfFile: key, encoding: .utf8)
            let conf = try lab.directory.write(#"{"service": {"privacy": "keyed", "privacy_key": "\#(key)"}}"#, to: "c")
            let rotation = try lab.tprtctl(["privacy", "rotate", "-c", conf]).succeed()
            #expect(rotation.hasPrefix("\(key): key "))
            #expect(try mode(key) == 0o600 && String(contentsOfFile: key, encoding: .utf8) != text)
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("the rotation") { $0 == "settings reloaded: service.privacy_key changed" }
            #expect(try daemon.ask(known) == PolicyReply(description: "DUNNO"))
            try pass(daemon, third)
            try stop(daemon)

            // A restart.
            daemon = try start(keyed(key))
            #expect(try daemon.ask(third) == PolicyReply(description: "DUNNO"))
            #expect(!daemon.lines.contains { $0.contains("privacy_key") })
            try stop(daemon)

            // The key is lost; what was kept in the old form is still known by it.
            try FileManager.default.removeItem(atPath: key)
            daemon = try start(keyed(key))
            #expect(try daemon.ask(third).isGreylisted)
            try pass(daemon, third)
            // Nothing of a key was ever said.
            let digits = text.split(whereSeparator: \.isWhitespace).filter { $0.count == 64 }
            #expect(!digits.isEmpty && daemon.lines.allSatisfy { line in digits.allSatisfy { !line.contains($0) } })
            try stop(daemon)
        }
    }

    @Test(
        "A file that others may read, of somebody else, or that is garbage keeps the daemon from starting",
        arguments: [
            "mode", "garbage", "large", "directory",
        ])
    func refused(_ fault: String) throws {
        try withLab { lab in
            let key = lab.directory.file("privacy.key")
            switch fault {
            case "mode": try lab.directory.write("current \(String(repeating: "ab", count: 32))\n", to: "privacy.key")
            case "garbage": try lab.directory.write("abcdef\n", to: "privacy.key")
            case "large": try lab.directory.write(String(repeating: "#\n", count: 5_000), to: "privacy.key")
            default: _ = try lab.directory.makeDirectory("privacy.key")
            }
            chmod(key, fault == "mode" ? 0o640 : 0o600)
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300) + keyed(key)
            for more in [[], ["--check-config"]] {
                let daemon = try lab.launch(arguments + more, listeningAt: [lab.unixEndpoint])
                #expect(try daemon.waitForEnd() == .exited(78))
                #expect(daemon.lines.count == 1 && daemon.lines[0].hasPrefix("tprtd: service.privacy_key: \(key): "))
                #expect(!daemon.lines[0].contains("abab"), "\(daemon.lines)")
            }
        }
    }

    @Test("As root it is made as the user whom the daemon becomes, and a stranger's file is refused")
    func owners() throws {
        try withLab { lab in
            let (uid, gid) = try account("daemon")
            let state = try lab.directory.makeDirectory("state")
            try give(state, to: account("daemon"))
            let key = "\(state)/privacy.key"
            let arguments =
                lab.arguments(at: lab.unixEndpoint, delay: 300, database: "\(state)/tprt.lmdb") + ["--user", "daemon"]
                + keyed(key)
            let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint], allowsRoot: false)
            try daemon.waitUntilReady()
            #expect(try owner(of: key) == [uid, gid])
            #expect(try mode(key) == 0o600)
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("the reload") { $0 == "whitelists reloaded: 0 entries" }
            #expect(!daemon.lines.contains { $0.contains("privacy_key") && !$0.contains("made, with") })
            // tprtctl as root finds it, too, and what it writes is still the user's.
            let conf = try lab.directory.write(#"{"service": {"privacy": "keyed", "privacy_key": "\#(key)"}}"#, to: "c")
            try lab.tprtctl(["privacy", "rotate", "-c", conf]).succeed()
            #expect(try owner(of: key) == [uid, gid])
            try stop(daemon)
            try give(key, to: account("nobody"))
            let next = try lab.launch(arguments, listeningAt: [lab.unixEndpoint], allowsRoot: false)
            #expect(try next.waitForEnd() == .exited(77))
            #expect(next.lines.count == 1 && next.lines[0].hasPrefix("tprtd: service.privacy_key: \(key): "))
        }
    }

    private func owner(of path: String) throws -> [uid_t] {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw TestError.system(path) }
        return [status.st_uid, status.st_gid]
    }

    @Test("In a chroot it is read, and read again, inside and outside")
    func chroot() throws {
        try withLab { lab in
            let jail = try lab.directory.makeDirectory("jail")
            try give(lab.directory.makeDirectory("jail/state"), to: account("nobody"))
            let outside = try lab.directory.makeDirectory("outside")
            try give(outside, to: account("nobody"))
            let socket = Endpoint.unix("\(jail)/state/policy.sock")
            for key in ["\(jail)/state/privacy.key", "\(outside)/privacy.key"] {
                let arguments =
                    lab.arguments(at: socket, delay: 300, database: "\(jail)/state/tprt.lmdb")
                    + ["--user", "nobody", "--chroot", "true", "--chroot_dir", jail] + keyed(key)
                let daemon = try lab.launch(arguments, listeningAt: [socket], allowsRoot: false)
                try daemon.waitUntilReady()
                #expect(try daemon.ask(known).isGreylisted)
                #expect(try mode(key) == 0o600)
                let conf = try lab.directory.write(
                    #"{"service": {"privacy": "keyed", "privacy_key": "\#(key)"}}"#, to: "c")
                try lab.tprtctl(["privacy", "rotate", "-c", conf]).succeed()
                try daemon.process.signal(SIGHUP)
                try daemon.waitForLine("the rotation") { $0 == "settings reloaded: service.privacy_key changed" }
                #expect(try daemon.ask(known).isGreylisted)
                try stop(daemon)
            }
        }
    }

    @Test("Two servers with one Redis and one key know the same senders; with different keys they don't")
    func redis() async throws {
        try await withServer(.plain) { server in
            try withLab { lab in
                let url = "redis-tcp://\(server.host):\(server.port)/?db=0"
                let stores = ["service.grey_db=\(url)", "service.awl_db=\(url)"]
                func start(_ name: String, _ key: String) throws -> Daemon {
                    let endpoint = Endpoint.unix(lab.directory.file(name))
                    return try lab.start(at: endpoint, delay: 1, extra: keyed(lab.directory.file(key), stores))
                }
                let first = try start("a", "key")
                // Made by the first one, and copied.
                try FileManager.default.copyItem(atPath: lab.directory.file("key"), toPath: lab.directory.file("copy"))
                let second = try start("b", "copy")
                let stranger = try start("c", "other")
                #expect(try first.ask(waiting).isGreylisted)
                try eventually("the other one passes it") { try second.ask(waiting).passes ? () : nil }
                #expect(try first.ask(waiting) == PolicyReply(description: "DUNNO"))
                #expect(try stranger.ask(waiting).isGreylisted)
                for daemon in [first, second, stranger] { try stop(daemon) }
            }
            // One entry for those with one key, one for the other, each under 40 digits.
            let keys = try await server.command("KEYS", "*").split(whereSeparator: \.isWhitespace)
            #expect(keys.count == 2 && keys.allSatisfy { $0.count == 40 }, "\(keys)")
        }
    }

    @Test("Two daemons that start at once on one file have one key")
    func atOnce() async throws {
        try await withServer(.plain) { server in
            try withLab { lab in
                let key = lab.directory.file("key")
                let url = "redis-tcp://\(server.host):\(server.port)/?db=0"
                let stores = ["service.grey_db=\(url)", "service.awl_db=\(url)"]
                let daemons = try ["a", "b", "c"].map { name in
                    let endpoint = Endpoint.unix(lab.directory.file(name))
                    return try lab.launch(
                        lab.arguments(at: endpoint, delay: 1) + keyed(key, stores), listeningAt: [endpoint])
                }
                for daemon in daemons { try daemon.waitUntilReady() }
                #expect(try daemons[0].ask(waiting).isGreylisted)
                for daemon in daemons[1...] {
                    try eventually("it passes") { try daemon.ask(waiting).passes ? () : nil }
                }
                #expect(daemons.flatMap(\.lines).count { $0.contains("made, with a new key") } == 1)
                for daemon in daemons { try stop(daemon) }
            }
        }
    }

    @Test(
        "No destination of the log has what isn't to be shown, and the history finds the mail all the same",
        arguments: ["domain", "hashed"])
    func log(_ addresses: String) throws {
        try withLab { lab in
            let receiver = try LogReceiver(path: lab.directory.file("log.sock"))
            let file = lab.directory.file("log")
            let destinations = [
                ["log_type=stderr"], ["log_type=file", "log_file=\(file)", "log_copy=stderr"],
                ["log_type=syslog", "log_syslog_dest=\(receiver.destination)", "log_format=json"],
            ]
            let history = lab.directory.file("history.sqlite")
            let key = lab.directory.file("privacy.key")
            let more = [
                "service.history_db=\(history)", "service.history_addresses=\(addresses)",
                "log.log_addresses=\(addresses)",
                "log.log_level=3",
            ]
            var said: [String] = []
            for destination in destinations {
                let arguments =
                    lab.arguments(at: lab.unixEndpoint, delay: 300) + keyed(key, more)
                    + destination.flatMap { ["-i", "log.\($0)"] }
                let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
                try daemon.waitUntilReachable()
                #expect(
                    try daemon.ask(PolicyRequest(sender: "Secretary@sender.example", recipient: "boss@test.invalid"))
                        .isGreylisted)
                // A daemon that is told to end writes what it can, on a busy machine not all.
                try eventually("the history has it", every: 0.2) {
                    let tool = try lab.tprtctl(["history", "--history-db", history])
                    return try tool.waitForEnd() == .exited(0) ? () : nil
                }
                try stop(daemon)
                said += daemon.lines
            }
            said += try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
            said.append(try receiver.message(with: #""action":"greylist""#))
            #expect(said.count { $0.contains("greylist") } >= destinations.count + 1, "\(said)")
            for line in said {
                let lower = line.lowercased()
                #expect(!lower.contains("secretary") && !lower.contains("boss"), "\(line)")
                if addresses == "hashed" {
                    #expect(!lower.contains("sender.example") && !lower.contains("198.51.100.7"), "\(line)")
                }
            }
            // The key of the site finds it; what the log shows does, too.
            let conf = try lab.directory.write(
                """
                {"service": {"privacy": "keyed", "privacy_key": "\(key)", "history_db": "\(history)"}}
                """, to: "c")
            let why = try lab.tprtctl(["why", "secretary@sender.example", "boss@test.invalid", "-c", conf]).succeed()
            #expect(!why.isEmpty)
            guard addresses == "hashed" else { return }
            let decision = try #require(said.lazy.compactMap { DecisionLine($0) }.first)
            let sender = try #require(decision["sender"])
            #expect(sender.count == 16 && decision["client_name"] == "hidden")
            try lab.tprtctl(["history", "--sender", sender, "--history-db", history]).succeed()
            // Without it nothing is found, and that is said.
            let without = try lab.tprtctl([
                "why", "secretary@sender.example", "boss@test.invalid", "--history-db", history,
            ])
            #expect(try without.waitForEnd() == .exited(1))
            #expect(without.errors.contains { $0.contains("only with the key of the site") }, "\(without.errors)")
        }
    }

    @Test("What is imported or copied is under the key, and digests of before are still found")
    func copies() throws {
        try withLab { lab in
            let key = lab.directory.file("privacy.key")
            let plain = lab.directory.file("plain.lmdb")
            // A database with texts, and one with digests.
            for (database, hashed) in [(plain, false), (lab.database, true)] {
                let arguments =
                    lab.arguments(at: lab.unixEndpoint, delay: 1, database: database)
                    + ["-i", "service.hash_grey_db=\(hashed)"]
                let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
                try daemon.waitUntilReady()
                let request = hashed ? known : waiting
                #expect(try daemon.ask(request).isGreylisted)
                try eventually("it passes") { try daemon.ask(request).passes ? () : nil }
                try stop(daemon)
            }
            let conf = try lab.directory.write(#"{"service": {"privacy": "keyed", "privacy_key": "\#(key)"}}"#, to: "c")
            // Without a key there is nothing to hash by.
            let none = try lab.tprtctl(
                ["store", "copy", "--hash-keys", "-c", conf, "lmdb://\(plain)", "lmdb://\(lab.database)"])
            #expect(try none.waitForEnd() == .exited(66))
            try lab.tprtctl(["privacy", "rotate", "-c", conf]).succeed()
            try lab.tprtctl(
                ["store", "copy", "--hash-keys", "-c", conf, "lmdb://\(plain)", "lmdb://\(lab.database)"]
            ).succeed()
            let daemon = try lab.start(delay: 300, extra: keyed(key))
            #expect(try daemon.ask(waiting) == PolicyReply(description: "DUNNO"))
            #expect(try daemon.ask(known) == PolicyReply(description: "DUNNO"))
            try stop(daemon)
        }
    }

    @Test("The report needs no daemon")
    func report() throws {
        try withLab { lab in
            let report = try lab.tprtctl(["privacy", "report"]).succeed()
            #expect(report.hasPrefix("greylist: "))
            let json = try lab.tprtctl(["privacy", "report", "--json"]).succeed()
            let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            #expect((object["items"] as? [Any])?.isEmpty == false)
        }
    }
}
