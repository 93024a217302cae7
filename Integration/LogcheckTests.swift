import Foundation
import Testing

/// The rules for logcheck, which mails an administrator every line of the log that no rule knows.
@Suite("Rules for logcheck", .blocking)
struct LogcheckTests {
    @Test("Lines of every day are known, warnings are not")
    func rules() throws {
        try withLab { lab in
            let whitelist = try lab.folder.write(whitelistText(networks: ["192.0.2.0/24"]), to: "whitelist")
            let daemon = try lab.start(whitelist: whitelist)
            let request = PolicyRequest(sender: "a@sender.example", queueID: "4XyZ")
            #expect(try daemon.ask(request).isGreylisted)
            #expect(try daemon.ask(request).isGreylisted)
            #expect(try daemon.ask(PolicyRequest(clientAddress: "192.0.2.9", sender: "")).passes)
            #expect(try daemon.ask(PolicyRequest(sender: "\u{e4} ,b@x", recipient: "")).passes)
            try daemon.process.signal(SIGHUP)
            try daemon.waitForLine("what was read") { $0.hasPrefix("whitelists read anew") }
            let client = try daemon.client()
            try client.socket.send(Array("QUIT\n".utf8))
            _ = try client.readToEnd()
            try daemon.waitForLine("the warning") { $0.hasPrefix("warning: ") }
            #expect(try daemon.terminate() == .exited(0))
            #expect(daemon.decisions.count == 4)
            #expect(try unknown(of: daemon.lines, in: lab) == daemon.lines.filter { $0.hasPrefix("warning: ") })
        }
    }

    @Test(
        "Rules know all forms of a line",
        arguments: [
            "action=pass, reason=triplet found, delay=342, client_name=x, client_address=::1, recipient=u@x",
            "action=pass, reason=client whitelist, client_name=x, client_address=::1, recipient=u@x, entry=/a:1(b)",
            "maintenance of the auto-whitelist: 100000 entries looked at, 9 removed, 12.5 s",
            "whitelists read anew after a change: 12 entries",
            "control socket: unix:/run/tprt/control.sock",
            "settings read anew: service.grey_delay, service.max_pending changed",
            "running as user tprt, in the chroot /var/lib/tprt",
            "stopped", "the configuration is in order",
        ])
    func isKnown(line: String) throws {
        try withLab { lab in
            let unknown = try unknown(of: [line], in: lab)
            #expect(unknown == [])
        }
    }

    /// The lines that logcheck would mail, both with old and with precise time stamps.
    private func unknown(of lines: [String], in lab: Lab) throws -> [String] {
        let stamps = ["Nov  5 16:00:01 mx tprtd[4711]: ", "2026-11-05T16:00:01.123456+01:00 mx.example.org tprtd[7]: "]
        let found = try stamps.map { stamp in
            let log = try lab.folder.write(lines.map { stamp + $0 + "\n" }.joined(), to: "log")
            // grep ends with 1 where nothing is left.
            let left = try run(["sh", "-c", "grep -Evf \"$0\" \"$1\" || [ $? = 1 ]", packaging("debian/logcheck"), log])
            return left.split(separator: "\n").map { String($0.dropFirst(stamp.count)) }
        }
        #expect(found[0] == found[1])
        return found[0]
    }
}
