import Foundation
import TestSupport
import Testing

/// `tprtctl identity`, `list` and `learn` with a daemon that answers mail.
@Suite("What is ordered and learnt of organisations", .blocking)
struct IdentityOrdersTests {
    private let ours = "ours.example"

    private func socket(_ lab: Lab) -> String { lab.directory.file("control.sock") }

    /// A daemon that proves senders by name, with a file of settings for the tool, too.
    private func start(_ lab: Lab) throws -> Daemon {
        let shared = try lab.directory.write("shared freemail.example  # 2026-11-30 for a test\n", to: "shared")
        try lab.directory.write(
            """
            {"server": {"control_socket": "\(socket(lab))"},
             "service": {"local_domains": ["\(ours)"], "shared_identities": ["\(shared)"]}}
            """, to: "tprt.conf")
        return try lab.start(extra: ["-c", lab.directory.file("tprt.conf"), "-i", "service.identity=name"])
    }

    @discardableResult
    private func tprtctl(
        _ lab: Lab, _ words: String..., status: Int32 = 0, location: SourceLocation = #_sourceLocation
    ) throws -> (output: [String], errors: [String]) {
        let tool = try lab.tprtctl(words + ["-c", lab.directory.file("tprt.conf")])
        let ending = try tool.waitForEnd()
        #expect(ending == .exited(status), "\(words): \(tool.output) \(tool.errors)", sourceLocation: location)
        return (tool.output, tool.errors)
    }

    private func mail(from sender: String, to recipient: String) -> PolicyRequest {
        PolicyRequest(
            clientName: "mx.\(sender.split(separator: "@")[1])", sender: sender, recipient: "\(recipient)@\(ours)")
    }

    @Test("Who was written to, or is allowed, need not wait; who is denied or forgotten waits")
    func orders() throws {
        try withLab { lab in
            let daemon = try start(lab)
            // Each over a connection of its own, so that none carries another.
            func passes(_ sender: String, _ recipient: String) throws -> Bool {
                try daemon.ask(mail(from: sender, to: recipient)).passes
            }
            func reason(_ recipient: String) throws -> String {
                try daemon.waitForDecision { $0["recipient"] == "\(recipient)@\(ours)" }["reason"] ?? ""
            }
            #expect(try tprtctl(lab, "list", "learned", status: 1).output[0] == "no organisation is learned")
            #expect(
                try tprtctl(lab, "identity", "show", "partner.example", status: 1).output
                    == ["nothing is known of partner.example", "fast lane: not earned"])
            #expect(
                try tprtctl(lab, "learn", "anna@\(ours)", "X@partner.example").output
                    == ["learnt: anna@\(ours) wrote to X@partner.example"])
            #expect(
                try tprtctl(lab, "learn", "Anna+y@\(ours)", "x@partner.example").output
                    == ["known already: Anna+y@\(ours) wrote to x@partner.example"])
            let learned = try tprtctl(lab, "list", "learned").output
            #expect(learned.count == 3 && learned[1].hasPrefix("partner.example      1  20"), "\(learned)")
            #expect(try passes("a@partner.example", "anna"))
            #expect(try reason("anna").hasPrefix("correspondent"))
            #expect(try !passes("a@partner.example", "bob"))

            #expect(
                try tprtctl(lab, "identity", "allow", "MX.Partner.example.").output
                    == ["partner.example: in the fast lane"])
            #expect(try passes("a@partner.example", "carol"))
            #expect(try reason("carol").hasPrefix("identity earned"))
            let earned = try tprtctl(lab, "list", "earned", "--json").output
            #expect(earned.count == 1 && earned[0].hasSuffix(#""total": 1}"#), "\(earned)")
            #expect(earned.first?.contains(#""order": "allow""#) == true)

            try tprtctl(lab, "identity", "deny", "partner.example")
            #expect(try !passes("a@partner.example", "dave"))
            #expect(try tprtctl(lab, "list", "denied").output.last?.hasPrefix("partner.example  20") == true)
            #expect(try tprtctl(lab, "list", "earned", status: 1).output == ["no organisation is earned"])
            let shown = try tprtctl(lab, "identity", "show", "partner.example").output
            #expect(shown.last?.hasPrefix("fast lane: kept out by an order, since 20") == true, "\(shown)")
            // Who wrote to it is still a correspondent.
            try tprtctl(lab, "learn", "eve@\(ours)", "x@partner.example")
            #expect(try passes("a@partner.example", "eve"))

            try tprtctl(lab, "learn", "frank@\(ours)", "x@partner.example")
            // What is forgotten is what came before that second.
            Thread.sleep(forTimeInterval: 1.1)
            try tprtctl(lab, "identity", "forget", "partner.example")
            #expect(try !passes("a@partner.example", "frank"))
            #expect(
                try tprtctl(lab, "identity", "show", "partner.example").output.last?.hasPrefix(
                    "fast lane: not earned; what was known until 20") == true)
            // Mail that has passed is known as before.
            #expect(try passes("a@partner.example", "anna"))
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("What can't be ordered is refused, and hostile words don't steer the terminal")
    func refused() throws {
        try withLab { lab in
            let daemon = try start(lab)
            let shared = try tprtctl(lab, "identity", "allow", "freemail.example", status: 65)
            #expect(shared.errors.first?.hasPrefix("tprtctl: freemail.example: a shared identity") == true)
            #expect(try tprtctl(lab, "identity", "allow", "--json", "freemail.example", status: 65).output.count == 1)
            try tprtctl(lab, "learn", "anna@\(ours)", "a@freemail.example")
            let show = try tprtctl(lab, "identity", "show", "freemail.example", status: 1).output
            #expect(show.last == "fast lane: never: many senders have it in common")
            for name in ["a b", "", "\u{1b}[2J", "x..y"] {
                let errors = try tprtctl(lab, "identity", "deny", name, status: 65).errors
                #expect(errors.count == 1 && errors[0].hasSuffix(": not a domain name"), "\(errors)")
                #expect(!errors[0].contains("\u{1b}"))
            }
            let own = try tprtctl(lab, "learn", "anna@\(ours)", "bob@\(ours)", status: 65).errors
            #expect(own.first?.contains("nothing is learnt of mail to your own domains") == true)
            #expect(
                try tprtctl(lab, "learn", "--json", "anna@\(ours)", "\u{1b}x@a.example").output
                    == [#"{"new": true, "recipient": "\u001bx@a.example", "sender": "anna@ours.example"}"#])
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    /// The lines of a mail in a log.
    private func log(_ id: String, from sender: String, to recipients: [String], age: Int = 60) -> String {
        let time = Date().addingTimeInterval(-Double(age)).formatted(.iso8601)
        var lines = ["\(time) mx postfix/qmgr[1]: \(id): from=<\(sender)>, size=1, nrcpt=1 (queue active)"]
        lines += recipients.map {
            "\(time) mx postfix/smtp[2]: \(id): to=<\($0)>, relay=a.example[192.0.2.1]:25, delay=1, "
                + "delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)"
        }
        return lines.joined(separator: "\n") + "\n"
    }

    @Test("From logs it is learnt whom users wrote to, once; what can't be read is said, and the rest counts")
    func logs() throws {
        try withLab { lab in
            let daemon = try start(lab)
            let old = try lab.directory.write(
                log("ABC1", from: "anna@\(ours)", to: ["one@a.example", "two@b.example"], age: 3_600), to: "mail.log.1")
            let new = try lab.directory.write(
                log("ABC2", from: "x@elsewhere.example", to: ["three@c.example"])
                    + log("ABC3", from: "bob@\(ours)", to: ["one@a.example", "caf\u{e9}@d.example"]), to: "mail.log")
            _ = try run(["/usr/bin/gzip", old])
            let first = try tprtctl(lab, "learn", "--from-log", new, old + ".gz").output
            #expect(
                first == [
                    "logs  lines  mails  recipients  learnt from  new entries",
                    "2         8      2           4            4           11",
                    "left out: 1 recipient", "  1: the sender is not of local_domains",
                ], "\(first)")
            let again = try tprtctl(lab, "learn", "--json", "--from-log", old + ".gz", new).output
            #expect(again.first?.contains(#""learnt_from": 4, "left_out": [{"count": 1, "#) == true, "\(again)")
            #expect(again.first?.contains(#""new_entries": 0, "recipients": 4}"#) == true, "\(again)")
            let learned = try tprtctl(lab, "list", "learned", "--limit", "2").output
            #expect(learned.map { $0.prefix(20) }.dropFirst().first == "a.example         2 ")
            #expect(learned.suffix(2) == ["and 1 more", "entries of who wrote to whom: 8"])
            #expect(try daemon.client().ask(mail(from: "two@b.example", to: "anna")).passes)

            for words in [["/nonexistent"], [lab.directory.path], ["/dev/null"]] {
                let errors = try tprtctl(lab, "learn", "--from-log", new, words[0], status: 66).errors
                #expect(errors.count == 1 && errors[0].contains(words[0]), "\(errors)")
            }
            let other = try lab.directory.write("root:x:0:0:root:/root:/bin/bash\n", to: "passwd")
            let fresh = try lab.directory.write(log("ABC4", from: "eve@\(ours)", to: ["x@e.example"]), to: "fresh.log")
            let refused = try tprtctl(lab, "learn", "--from-log", fresh, other, status: 65).errors
            #expect(refused.count == 1 && refused[0].contains("passwd:1: not a mail log"), "\(refused)")
            #expect(refused[0].hasSuffix("; nothing was learnt"))
            try tprtctl(lab, "identity", "show", "e.example", status: 1)

            // A log that was cut off: what it has counts, and so does the other.
            _ = try run(["/bin/sh", "-c", "head -c -8 '\(old).gz' >'\(lab.directory.file("cut.gz"))'"])
            let cut = try tprtctl(lab, "learn", "--from-log", lab.directory.file("cut.gz"), fresh, status: 65)
            #expect(cut.output[1].hasPrefix("2         5      2           3            3 "), "\(cut.output)")
            #expect(cut.errors.count == 1, "\(cut.errors)")
            #expect(cut.errors.first?.contains("cut.gz: it is damaged or cut off") == true)
            try tprtctl(lab, "identity", "show", "e.example")

            let latin = lab.directory.file("latin.log")
            let bytes = Data(log("L1", from: "anna@\(ours)", to: ["caf?@f.example", "x@f.example"]).utf8)
            try Data(bytes.map { $0 == UInt8(ascii: "?") ? 0xe9 : $0 }).write(to: URL(filePath: latin))
            let partly = try tprtctl(lab, "learn", "--from-log", latin).output
            #expect(partly[1].hasPrefix("1         3      1           2            1 "), "\(partly)")
            #expect(partly.last == "  1: an address is not UTF-8")

            // Many more than fit into a request.
            let many = (0..<3_000).map {
                log("D\($0)", from: "user\($0)@\(ours)", to: ["someone-with-a-long-name-\($0)@many.example"])
            }
            let long = try lab.directory.write(many.joined(), to: "long.log")
            let report = try tprtctl(lab, "learn", "--from-log", long).output
            #expect(report[1].split(separator: " ") == ["1", "6,000", "3,000", "3,000", "3,000", "6,005"], "\(report)")
            let shown = try tprtctl(lab, "identity", "show", "many.example").output
            #expect(shown[1].hasPrefix("users who wrote to it  3,000  20"), "\(shown)")
            #expect(shown[2] == "fast lane: earned")
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("A log comes by standard input, too, and without own domains it teaches nothing")
    func standardInput() throws {
        try withLab { lab in
            let daemon = try start(lab)
            let file = try lab.directory.write(log("A1", from: "anna@\(ours)", to: ["x@a.example"]), to: "log")
            let program = try program("tprtctl", orIn: "TPRTCTL_BINARY")
            let learn = "'\(program)' learn -c '\(lab.directory.file("tprt.conf"))' --from-log"
            let said = try run(["/bin/sh", "-c", "cat '\(file)' | \(learn) -"])
            #expect(said.contains("1         2      1           1            1            3"), "\(said)")

            // As tprt-learn.service may, with a compressed log besides.
            _ = try run(["/usr/bin/gzip", "--keep", file])
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let confine = ["scripts/confine", "packaging/systemd/tprt-learn.service"].map {
                root.appending(path: $0).path
            }
            let confined = try run(
                confine + ["/bin/sh", "-c", "set -- '\(file).gz'; exec \(learn) '\(file)' \"$@\""])
            #expect(confined.contains("2         4      1           2            2            0"), "\(confined)")

            let bare = try lab.directory.write(
                #"{"server": {"control_socket": "\#(socket(lab))"}}"#, to: "bare.conf")
            let tool = try lab.tprtctl(["learn", "--from-log", file, "-c", bare])
            #expect(try tool.waitForEnd() == .exited(64))
            #expect(tool.errors.count == 1 && tool.errors[0].hasPrefix("tprtctl: service.local_domains is empty"))
            #expect(try daemon.terminate() == .exited(0))
        }
    }

    @Test("Without a daemon the status is 69, and without a fast lane 78")
    func without() throws {
        try withLab { lab in
            let daemon = try start(lab)
            let file = try lab.directory.write(log("A1", from: "anna@\(ours)", to: ["x@a.example"]), to: "log")
            let commands = [
                ["identity", "show", "a.example"], ["identity", "deny", "a.example"], ["list", "earned"],
                ["list", "denied", "--json"], ["learn", "anna@\(ours)", "x@a.example"], ["learn", "--from-log", file],
            ]
            func expect(_ status: Int32, _ words: String) throws {
                for command in commands {
                    let tool = try lab.tprtctl(command + ["-c", lab.directory.file("tprt.conf")])
                    #expect(try tool.waitForEnd() == .exited(status), "\(command) \(tool.output) \(tool.errors)")
                    #expect(tool.errors.first?.contains(words) == true, "\(command) \(tool.errors)")
                    #expect(tool.output.isEmpty != command.contains("--json"), "\(command) \(tool.output)")
                }
            }
            #expect(try daemon.terminate() == .exited(0))
            try expect(69, "no process is listening: is tprtd running")
            let off = try lab.start(
                extra: ["-c", lab.directory.file("tprt.conf"), "-i", "service.fast_lane=off"])
            try expect(78, "the daemon has no fast lane")
            #expect(try off.terminate() == .exited(0))
        }
    }
}
