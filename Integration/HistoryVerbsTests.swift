import Engine
import Foundation
import Greylist
import History
import NIOCore
import Policy
import SampleOptions
import TestSupport
import Testing

/// The verbs of tprtctl that read the history, the real program: no daemon runs.
@Suite("Reading the history", .blocking)
struct HistoryVerbsTests {
    /// Records a first attempt of that sender.
    private func record(_ sender: String, _ writer: inout HistoryWriter, at now: Timestamp) throws {
        let attributes = [
            "request": "smtpd_access_policy", "protocol_state": "RCPT", "client_address": "192.0.2.7",
            "client_name": "mx.partner.example", "sender": sender, "recipient": "you@example.com",
        ]
        var buffer = ByteBuffer(string: attributes.map { "\($0)=\($1)\n" }.joined() + "\n")
        var decoder = PolicyDecoder()
        var batch = DecisionBatch()
        let request = try #require(try decoder.next(in: &buffer))
        batch.append(DecisionRecord(.judged(.new(wait: 300))), on: request, at: now)
        let notice = writer.write(batch, dropped: 0, at: now)
        #expect(notice == nil)
    }

    /// A history with one mail that waits.
    private func history(at path: String, from now: Timestamp) throws -> HistoryWriter {
        let options = HistoryOptions(
            path: path, maxAge: 86_400, maxSize: 64 << 20, addresses: .full, masks: .sample(), foldsRecipient: false)
        var writer = try HistoryWriter(options, at: now)
        try record("anna@partner.example", &writer, at: now)
        return writer
    }

    /// A moment that has passed when a program looks at it.
    private var now: Timestamp { Timestamp(seconds: Int64(Date().timeIntervalSince1970) - 10) }

    @Test("Each ends with its status, and says in one line what is wrong")
    func statuses() throws {
        try withLab { lab in
            let path = lab.directory.file("h.sqlite")
            var writer = try history(at: path, from: now)
            func tool(_ words: String..., status: Int32) throws -> Tprtctl {
                let tool = try lab.tprtctl(words)
                #expect(try tool.waitForEnd() == .exited(status), "\(words) \(tool.output) \(tool.errors)")
                return tool
            }
            let mail = ["anna@partner.example", "you@example.com"]
            // While the daemon has it open, and afterwards.
            for _ in 1...2 {
                let why = try tool("why", mail[0], mail[1], "--history-db", path, status: 0)
                #expect(
                    why.output.first?.hasPrefix("Mail from anna@partner.example to you@example.com is wait") == true)
                #expect(why.output.contains("    tprtctl release anna@partner.example you@example.com"))
                #expect(why.errors.isEmpty)
                writer.close()
            }
            let line = "action=greylist, reason=new, client_name=x, client_address=192.0.2.7, sender=\(mail[0]), "
            _ = try tool("why", "--log-line", line + "recipient=\(mail[1])", "--history-db", path, status: 0)
            _ = try tool("why", "<>", mail[1], "--history-db", path, "--json", status: 1)
            #expect(try tool("list", "waiting", "--history-db", path, status: 0).output.count == 2)
            _ = try tool("list", "known", "--history-db", path, status: 1)
            #expect(try tool("history", "--history-db", path, status: 0).output.count == 2)
            _ = try tool("history", "--reason", "released", "--history-db", path, status: 1)
            for form in ["--text", "--json", "--csv", "--mail"] {
                #expect(try !tool("report", form, "--history-db", path, status: 0).output.isEmpty)
            }
            _ = try tool("report", "--since", "2020-01-01", "--history-db", path, status: 0)
            let missing = try tool("why", mail[0], mail[1], "--history-db", path + "2", status: 66)
            #expect(missing.errors.count == 1 && missing.errors[0].hasPrefix("tprtctl: \(path)2: no history"))
            let off = try lab.directory.write(#"{"service": {"history_db": ""}}"#, to: "off.conf")
            let none = try tool("report", "-c", off, "--json", status: 78)
            #expect(none.errors.count == 1 && none.output.first?.hasPrefix(#"{"errors": ["no history is kept"#) == true)
        }
    }

    @Test("--follow shows what comes, and SIGINT ends it quietly")
    func following() throws {
        try withLab { lab in
            let path = lab.directory.file("h.sqlite")
            let start = now
            var writer = try history(at: path, from: start)
            let tool = try lab.tprtctl(["history", "--follow", "--history-db", path])
            try eventually("the first line") { tool.output.count == 1 ? () : nil }
            try record("bob@partner.example", &writer, at: Timestamp(seconds: start.seconds + 1))
            try eventually("the second line") { tool.output.count == 2 ? () : nil }
            #expect(tool.output.map { $0.contains("anna@") } == [true, false])
            try tool.process.signal(SIGINT)
            #expect(try tool.waitForEnd() == .killed(by: SIGINT))
            #expect(tool.output.count == 2 && tool.errors.isEmpty)
        }
    }

    @Test("Root reads it as the user whose it is, and leaves nothing of root's beside it; others may not")
    func owners() throws {
        try withLab { lab in
            let user = try account("daemon")
            let directory = try lab.directory.makeDirectory("state")
            let path = "\(directory)/h.sqlite"
            var writer = try history(at: path, from: now)
            writer.close()
            for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
                try give("\(directory)/\(name)", to: user)
            }
            try give(directory, to: user)
            chmod(directory, 0o700)
            let words = ["list", "waiting", "--history-db", path]
            try lab.tprtctl(words).succeed()
            for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
                var status = stat()
                #expect(lstat("\(directory)/\(name)", &status) == 0 && status.st_uid == user.uid, "\(name)")
            }
            let copy = lab.directory.file("tprtctl")
            // By another process: a child of ours that starts meanwhile would keep the file open for writing.
            _ = try run(["/bin/cp", try program("tprtctl", orIn: "TPRTCTL_BINARY"), copy])
            let stranger = try run([
                "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c",
                "'\(copy)' \(words.joined(separator: " ")) 2>&1; echo status $?",
            ])
            #expect(stranger.contains("tprtctl: \(path): ") && stranger.contains("status 77"), "\(stranger)")
        }
    }

    @Test("What is planted beside it isn't followed with root's rights", arguments: ["-wal", "-shm"])
    func planted(suffix: String) throws {
        for trap in PlantedFile.Trap.allCases where trap != .directoryLink {
            try withLab { lab in
                let planted = try PlantedFile(trap, at: "h.sqlite\(suffix)", in: lab)
                let made = lab.directory.file("made.sqlite")
                var writer = try history(at: made, from: now)
                writer.close()
                let path = "\(planted.directory)/h.sqlite"
                try FileManager.default.copyItem(atPath: made, toPath: path)
                try give(path, to: account("daemon"))
                let tool = try lab.tprtctl(["list", "waiting", "--history-db", path])
                let ending = try tool.waitForEnd()
                try planted.expectUntouched("\(tool.errors)")
                #expect([0, 65, 66, 69, 77].contains { ending == .exited($0) }, "\(trap) \(ending) \(tool.errors)")
            }
        }
    }
}
