import Foundation
import LogOutput
import TestSupport
import Testing

/// Where the log goes, and in which form.
@Suite("The log", .blocking)
struct DaemonLogTests {
    private let request = PolicyRequest(sender: "a \u{e9}\",\u{1b}[2J=\\x41@sender.example")

    /// Starts a daemon with settings of the section log, and waits until it can be reached.
    private func start(_ lab: Lab, _ settings: [String]) throws -> Daemon {
        let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300) + settings.flatMap { ["-i", "log.\($0)"] }
        let daemon = try lab.launch(arguments, listeningAt: [lab.unixEndpoint])
        try daemon.waitUntilReachable()
        return daemon
    }

    private func lines(_ path: String) -> [String] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func waitForLine(in path: String, with text: String) throws {
        try eventually("\(text) in \(path)") { lines(path).contains { $0.contains(text) } ? () : nil }
    }

    @Test("A file that was moved away is opened anew, on SIGUSR1 and without it", arguments: [true, false])
    func rotation(_ signals: Bool) throws {
        try withLab { lab in
            let path = lab.directory.file("log")
            let daemon = try start(lab, ["log_type=file", "log_file=\(path)"])
            #expect(try daemon.ask(request).isGreylisted)
            try waitForLine(in: path, with: "action=greylist, reason=new")
            guard rename(path, path + ".1") == 0 else { throw TestError.system("rename") }
            if signals { try daemon.process.signal(SIGUSR1) }
            // Without a signal it looks before it writes, once a second.
            try eventually("a new file") {
                _ = try daemon.ask(request)
                return FileManager.default.fileExists(atPath: path) ? () : nil
            }
            _ = try daemon.ask(request)
            try waitForLine(in: path, with: "reason=early-retry")
            #expect(lines(path + ".1").count { $0.contains("reason=new") } == 1)
            for line in lines(path) + lines(path + ".1") {
                #expect(line.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+ tprtd\[\d+\]: .+/) != nil, "\(line)")
            }
            #expect(try daemon.terminate() == .exited(0))
            #expect(lines(path).last?.hasSuffix(": stopped") == true)
            #expect(daemon.lines.isEmpty)
        }
    }

    @Test("Every line of a JSON log is an object, and gives the sender back")
    func json() throws {
        try withLab { lab in
            let path = lab.directory.file("log")
            let daemon = try start(lab, ["log_type=file", "log_file=\(path)", "log_format=json", "log_level=3"])
            #expect(try daemon.ask(request).isGreylisted)
            #expect(try daemon.terminate() == .exited(0))
            let objects = try lines(path).map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
            let decision = try #require(objects.first { $0["action"] as? String == "greylist" })
            #expect(decision["sender"] as? String == #"a \xc3\xa9",\x1b[2J=\x5cx41@sender.example"#)
            #expect(decision["instance"] as? String == request.instance)
            #expect(
                objects.compactMap { $0["step"] as? String } == ["request", "envelope", "whitelist", "store", "reply"])
            #expect(objects.allSatisfy { $0["time"] is String && $0["level"] is String })
            #expect(objects.last?["message"] as? String == "stopped")
        }
    }

    /// RFC 5424, section 6, as far as it leaves no choice: PRI and version, time, host, program, process, no more.
    private static let rfc5424 =
        #"<22>1 [0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z [!-~]{1,255} tprtd [0-9]{1,128} - - [ -~]+"#
    /// RFC 3164, section 4.1; a local daemon gets no host.
    private static let rfc3164 =
        #"<22>(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 1-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9] "#

    @Test(
        "Syslog gets messages as the RFCs have them, on a socket and over UDP",
        arguments: [
            (false, "rfc3164", rfc3164 + #"tprtd\[[0-9]+\]: [ -~]+"#), (false, "rfc5424", rfc5424),
            (true, "rfc3164", rfc3164 + #"[!-~]+ tprtd\[[0-9]+\]: [ -~]+"#), (true, "rfc5424", rfc5424),
        ])
    func syslog(_ isUDP: Bool, _ format: String, _ pattern: String) throws {
        try withLab { lab in
            let receiver = isUDP ? try LogReceiver() : try LogReceiver(path: lab.directory.file("syslog"))
            let daemon = try start(
                lab,
                [
                    "log_type=syslog", "log_syslog_dest=\(receiver.destination)", "log_syslog_format=\(format)",
                ])
            #expect(try daemon.ask(request).isGreylisted)
            let message = try receiver.message(with: "action=greylist")
            #expect(try message.wholeMatch(of: Regex(pattern)) != nil, "\(message)")
            let body = try #require(message.range(of: "action=greylist"))
            let line = try #require(DecisionLine(String(message[body.lowerBound...])))
            #expect(line["sender"] == request.sender)
            #expect(line.names == ["action", "reason", "client_name", "client_address", "sender", "recipient"])
            #expect(try daemon.terminate() == .exited(0))
            #expect(daemon.lines.isEmpty)
        }
    }

    @Test("log_ident is the program's name, and the facility is mail", arguments: ["rfc3164", "rfc5424"])
    func ident(_ format: String) throws {
        try withLab { lab in
            let receiver = try LogReceiver(path: lab.directory.file("syslog"))
            let daemon = try start(
                lab,
                [
                    "log_type=syslog", "log_syslog_dest=\(receiver.destination)", "log_syslog_format=\(format)",
                    "log_ident=postgrey",
                ])
            #expect(try daemon.ask(request).isGreylisted)
            let message = try receiver.message(with: "action=greylist")
            #expect(message.contains(format == "rfc3164" ? " postgrey[\(daemon.process.id)]: action=" : " postgrey "))
            #expect(message.hasPrefix("<22>"))
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("The command of the documents finds an address as it is typed, whatever its letters")
    func findsAddress() throws {
        try withLab { lab in
            let path = lab.directory.file("log")
            let daemon = try start(lab, ["log_type=file", "log_file=\(path)"])
            let addresses = ["j\u{fc}rgen@sender.example", "\u{7528}\u{6237}, x\\y@sender.example"]
            for address in addresses { #expect(try daemon.ask(PolicyRequest(sender: address)).isGreylisted) }
            #expect(try daemon.terminate() == .exited(0))
            let document = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../docs/logging.md")
            let command = try #require(
                try String(contentsOf: document, encoding: .utf8).split(separator: "\n")
                    .first { $0.contains("| grep -F") && $0.contains("$address") })
            for address in addresses {
                let found = try run([
                    "/bin/sh", "-c",
                    "address=$0\n" + command.replacing("journalctl -u tprtd -o cat", with: "cat \(path)"),
                    address,
                ])
                #expect(found.split(separator: "\n").count == 1)
                #expect(found.contains("action=greylist"))
            }
        }
    }

    @Test("A syslog daemon that isn't there is no reason not to serve")
    func noDaemon() throws {
        try withLab { lab in
            let path = lab.directory.file("syslog")
            let daemon = try start(lab, ["log_type=syslog", "log_syslog_dest=\(path)"])
            #expect(try daemon.ask(request).isGreylisted)
            try daemon.waitForLine("a warning") {
                $0 == "tprtd: warning: log.log_syslog_dest: \(path): No such file or directory; "
                    + "lines are lost until it can be reached"
            }
            let receiver = try LogReceiver(path: path)
            try eventually("it is found") {
                _ = try daemon.ask(request)
                return (try? receiver.message(with: "action=greylist", within: 0.2)).map { _ in () }
            }
            #expect(try receiver.message(with: " log lines were lost: ").contains("warning: "))
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test(
        "A log that can't be had stops the start, in one line",
        arguments: [
            (["log_type=file", "log_file=log"], 78, "log.log_file: \"log\" is not an absolute path"),
            (["log_type=file"], 78, "log.log_type: log_type is file, and log_file is empty"),
            (["log_type=file", "log_file=/"], 78, "log.log_file: /: Is a directory: give the path of a file"),
            (
                ["log_type=file", "log_file=/nowhere/at/all"], 73,
                "No such file or directory: create its directory first"
            ),
            (["log_type=syslog", "log_syslog_dest=loghost"], 78, "neither the path of a socket nor host:port"),
            (["log_type=from_config"], 78, "set log_type to stderr, file, syslog or journald"),
        ] as [([String], Int32, String)])
    func refuses(_ settings: [String], _ status: Int32, _ text: String) throws {
        try withLab { lab in
            let arguments = lab.arguments(at: lab.unixEndpoint, delay: 300) + settings.flatMap { ["-i", "log.\($0)"] }
            let daemon = try lab.launch(arguments, listeningAt: [])
            #expect(try daemon.waitForEnd() == .exited(status))
            #expect(daemon.lines.count == 1)
            #expect(daemon.lines.first?.hasPrefix("tprtd: -i: log.") == true, "\(daemon.lines)")
            #expect(daemon.lines.first?.contains(text) == true, "\(daemon.lines)")
            #expect(lab.directory.names(beginningWith: "").isEmpty)
        }
    }
}
