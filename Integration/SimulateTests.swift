import Foundation
import JSONText
import TestSupport
import Testing

/// `tprtctl simulate`, the real program, on what a real daemon has recorded and on logs.
@Suite("Trying out settings", .blocking)
struct SimulateTests {
    /// Runs it, and expects that status.
    @discardableResult
    private func simulate(
        _ lab: Lab, _ words: [String], status: Int32 = 0, location: SourceLocation = #_sourceLocation
    ) throws -> Tprtctl {
        let tool = try lab.tprtctl(["simulate"] + words)
        let ending = try tool.waitForEnd()
        #expect(
            ending == .exited(status), "\(words): \(tool.output) \(tool.errors)", sourceLocation: location)
        return tool
    }

    private func number(_ value: JSONValue, _ keys: String...) -> Int? {
        var value = value
        for key in keys {
            guard case .object(let members) = value, let member = members[key] else { return nil }
            value = member
        }
        if case .int(let number) = value { return number }
        return nil
    }

    /// A daemon that has let mail pass after it had waited, mail of a whitelist, and has kept something out; today's configuration
    /// and its history.
    private func record(_ lab: Lab) throws -> (daemon: Daemon, today: String, history: String) {
        let whitelist = try lab.directory.write(
            #"{"partners": [{"type": "ipv4_net", "net": "203.0.113.0/24"}]}"#, to: "partners.json")
        let history = lab.directory.file("history.sqlite")
        let daemon = try lab.start(
            delay: 1, whitelist: whitelist, extra: ["-i", "service.history_db=\(history)"])
        let today = try lab.directory.write(
            """
            {"service": {"grey_delay": 1, "identity": "off", "history_db": "\(history)",
                         "wl_sources": ["file://\(whitelist)"]}}
            """, to: "today.conf")
        let mail = PolicyRequest(sender: "anna@partner.example")
        #expect(try daemon.ask(mail).isGreylisted)
        try eventually("it passes") { try daemon.ask(mail).passes ? () : nil }
        #expect(try daemon.ask(PolicyRequest(clientAddress: "203.0.113.9", sender: "b@listed.example")).passes)
        #expect(try daemon.ask(PolicyRequest(clientAddress: "192.0.2.99", sender: "win@lottery.example")).isGreylisted)
        try eventually("the history") {
            let tool = try lab.tprtctl(["history", "--history-db", history])
            _ = try tool.waitForEnd()
            return tool.output.contains { $0.contains("win@lottery.example") } ? () : nil
        }
        return (daemon, today, history)
    }

    @Test("What a running daemon has recorded is replayed under other settings")
    func history() throws {
        try withLab { lab in
            let (daemon, today, _) = try record(lab)
            let new = try lab.directory.write(
                #"{"service": {"grey_delay": "1h", "identity": "off"}}"#, to: "new.conf")
            for _ in 1...2 {
                // It tells of what was before this second.
                let result = try eventually("all mail") { () throws -> JSONValue? in
                    let tool = try simulate(lab, ["-c", new, "--today", today, "--json"])
                    let json = try JSONParser.parse(Array(tool.output.joined().utf8)).value
                    return number(json, "recorded", "all") == 3 ? json : nil
                }
                #expect(number(result, "recorded", "passed_after_waiting") == 1)
                #expect(number(result, "recorded", "passed_at_once") == 1)
                #expect(number(result, "simulated", "waits_unknown") == 2)
                #expect(number(result, "simulated", "passed_at_once") == 0)
                #expect(number(result, "simulated", "waiting") == 1)
                #expect(number(result, "history", "explained") == number(result, "history", "attempts"))
                let text = try simulate(lab, ["-c", new, "--today", today])
                #expect(text.output.contains { $0.hasPrefix("would have to wait, and passed at once") })
                #expect(text.errors.isEmpty)
                let same = try simulate(lab, ["-c", today, "--today", today])
                #expect(same.output.contains("These settings would have changed nothing."))
                // Also of what it left when it ended.
                if daemon.process.poll() == nil { try daemon.terminate() }
            }
        }
    }

    @Test("What can't be replayed is told in a line, with its status")
    func faults() throws {
        try withLab { lab in
            let (daemon, today, history) = try record(lab)
            try daemon.terminate()
            let new = try lab.directory.write("{}", to: "new.conf")
            try simulate(lab, [], status: 64)
            try simulate(lab, ["--json"], status: 64)
            try simulate(lab, ["-c", new, "--today", today, "--since", "2020-01-01", "--json"])
            let early = try simulate(lab, ["-c", new, "--today", today, "--since", "2099-01-01"], status: 64)
            #expect(early.errors.first?.hasPrefix("tprtctl: --since: is not in the past") == true)

            let missing = try simulate(lab, ["-c", new + "2", "--today", today], status: 78)
            #expect(missing.errors == ["tprtctl: \(new)2: cannot be read: file does not exist"])
            let wrong = try lab.directory.write("{\"service\": {\n\"grey_delay\": \"soon\"}}", to: "wrong.conf")
            let told = try simulate(lab, ["-c", wrong, "--today", today, "--json"], status: 78)
            #expect(told.errors.first?.hasPrefix("tprtctl: \(wrong):2: service.grey_delay: ") == true, "\(told.errors)")
            #expect(told.output.first?.hasPrefix(#"{"errors": ["#) == true)
            try simulate(lab, ["-c", new, "--today", wrong], status: 78)

            let words = ["-c", new, "--today", today, "--history-db"]
            try simulate(lab, words + [history + "2"], status: 66)
            let off = try lab.directory.write(#"{"service": {"history_db": ""}}"#, to: "off.conf")
            try simulate(lab, ["-c", new, "--today", off], status: 78)
            func copy(_ name: String, _ change: (inout Data) -> Void) throws -> String {
                var data = try Data(contentsOf: URL(filePath: history))
                change(&data)
                let path = lab.directory.file(name)
                try data.write(to: URL(filePath: path))
                return path
            }
            let newer = try copy("newer.sqlite") { data in
                // Where SQLite keeps `user_version`.
                data.replaceSubrange(60..<64, with: [0, 0, 0, 99])
            }
            let later = try simulate(lab, words + [newer], status: 66)
            #expect(later.errors.count == 1 && later.errors[0].contains(newer), "\(later.errors)")
            let damaged = try copy("damaged.sqlite") { data in
                data.replaceSubrange(4_096..<data.count, with: Data(repeating: 0xa5, count: data.count - 4_096))
            }
            let broken = try simulate(lab, words + [damaged], status: 65)
            #expect(broken.errors.count == 1 && broken.output.isEmpty, "\(broken.errors)")
            try simulate(lab, words + [try copy("text.sqlite") { $0 = Data("nonsense".utf8) }], status: 65)
        }
    }

    private static let log = (0..<3).map { number in
        """
        2026-11-0\(number + 1)T10:00:00.000000+00:00 mx postfix/smtpd[1]: 4ABC\(number): client=mx.a.example[192.0.2.7]
        2026-11-0\(number + 1)T10:00:01.000000+00:00 mx postfix/qmgr[1]: 4ABC\(number): from=<a@a.example>, size=1, nrcpt=1 (queue active)
        2026-11-0\(number + 1)T10:00:02.000000+00:00 mx postfix/lmtp[1]: 4ABC\(number): to=<b@our.example>, relay=x, status=sent (250)
        2026-11-0\(number + 1)T10:00:03.000000+00:00 mx postfix/qmgr[1]: 4ABC\(number): removed

        """
    }.joined()

    @Test("A log of a site without greylisting says what that would cost")
    func logs() throws {
        try withLab { lab in
            let path = try lab.directory.write(Self.log, to: "mail.log")
            let text = try simulate(lab, ["--log", path])
            #expect(text.output.first?.hasPrefix("Mail from 2026-11-01 10:00 UTC") == true, "\(text.output)")
            #expect(text.errors.isEmpty)
            let tool = try simulate(lab, ["--log", path, "--json"])
            let json = try JSONParser.parse(Array(tool.output.joined().utf8)).value
            #expect(number(json, "recorded", "passed_at_once") == 3)
            #expect(number(json, "simulated", "waits_unknown") == 1)
            #expect(number(json, "logs", "accepted") == 3)
            let observe = try lab.directory.write(#"{"service": {"mode": "observe"}}"#, to: "observe.conf")
            let trial = try simulate(lab, ["--log", path, "-c", observe])
            #expect(trial.output.contains("These settings would have changed nothing."))

            // Compressed ones are read, too; what is cut off is told, and the rest counts.
            let long = try lab.directory.write(
                (0..<5_000).map { Self.log.replacing("4ABC", with: "4ABC\($0)").replacing("<b@", with: "<b\($0)@") }
                    .joined(), to: "long.log")
            let compress =
                "gzip '\(long)' && head -c 50000 '\(long).gz' >'\(long).cut' && head -c 90 '\(long).gz' >'\(path).cut'"
            _ = try run(["/bin/sh", "-c", compress])
            #expect(try simulate(lab, ["--log", long + ".gz", path]).output.count > 3)
            let cut = try simulate(lab, ["--log", long + ".cut", path], status: 65)
            #expect(
                cut.errors.count == 1 && cut.output.contains { $0.hasPrefix("passed at once") }, "\(cut.errors)")
            #expect(try simulate(lab, ["--log", path + ".cut", path], status: 65).output.isEmpty)

            let missing = try simulate(lab, ["--log", path + "2"], status: 66)
            #expect(missing.errors.count == 1 && missing.errors[0].contains(path + "2"))
            try simulate(lab, ["--log", lab.directory.file("")], status: 66)
            let binary = lab.directory.file("binary")
            try Data((0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: URL(filePath: binary))
            let nonsense = try simulate(lab, ["--log", binary], status: 65)
            #expect(nonsense.errors.count == 1 && nonsense.errors[0].contains("not a mail log"), "\(nonsense.errors)")
            let empty = try lab.directory.write("", to: "empty.log")
            #expect(
                try simulate(lab, ["--log", empty], status: 1).output == ["The log tells of no mail that came in."])
            try simulate(lab, ["--log", path, "-c", path], status: 78)
        }
    }
}
