import Foundation
import Greylist
import Import
import SystemPackage
import TestSupport
import Testing

/// What users send, through a real Postfix with a real Dovecot.
@Suite("Outgoing mail", .blocking)
struct OutgoingTests {
    @Test("A user who logs in sends to three people at once")
    func loggedIn() throws {
        try withLab { lab in
            let outgoing = try OutgoingLab(in: lab)
            let daemon = try lab.start(at: outgoing.postfix.policyEndpoint)
            let people = ["one@a.example", "two@b.example", "three@b.example"]
            try outgoing.send(to: people)
            try outgoing.postfix.waitForLog("status=sent", count: 3) { $0.contains("status=sent") }
            try outgoing.postfix.stop()
            #expect(outgoing.postfix.complaints.isEmpty, "\(outgoing.postfix.complaints)")
            #expect(try daemon.terminate() == .exited(0))
            #expect(daemon.decisions.map { $0["action"] } == ["pass", "pass", "pass"], "\(daemon.lines)")
            #expect(daemon.decisions.compactMap { $0["recipient"] } == people)
            #expect(daemon.lines.allSatisfy { !$0.hasPrefix("warning:") }, "\(daemon.lines)")
        }
    }

    @Test("Mail is neither delayed nor refused while the daemon is down")
    func daemonDown() throws {
        try withLab { lab in
            let outgoing = try OutgoingLab(in: lab)
            try outgoing.send(to: ["one@a.example"])
            try outgoing.postfix.waitForLog("status=sent") { $0.contains("status=sent") }
        }
    }

    @Test("Who doesn't log in, or with a wrong password, sends nothing", arguments: [true, false])
    func notLoggedIn(_ requiresLogin: Bool) throws {
        try withLab { lab in
            let outgoing = try OutgoingLab(in: lab, requiresLogin: requiresLogin)
            let daemon = try lab.start(at: outgoing.postfix.policyEndpoint)
            let session = try outgoing.postfix.submission()
            #expect(try session.logIn(as: "anna", password: "wrong").code == 535)
            let answers = try session.envelope(
                from: "anna@test.invalid", to: ["one@a.example", "user@test.invalid"])
            #expect(answers.allSatisfy { $0.code == 554 }, "\(answers)")
            try session.quit()
            #expect(try daemon.terminate() == .exited(0))
            // The example's restrictions don't even ask about it.
            #expect(daemon.decisions.isEmpty == requiresLogin, "\(daemon.lines)")
        }
    }

    @Test("From Postfix' log it is read to whom users wrote, whatever became of the mail at first")
    func log() throws {
        try withLab { lab in
            // Aliases that lead elsewhere; what is for refused.example finds a server that takes nobody.
            let refusing = try MailSink()
            try refusing.start(["-f", "RCPT"])
            lab.atEnd { refusing.end() }
            let outgoing = try OutgoingLab(
                in: lab, sinks: false,
                more: """
                    virtual_alias_maps = inline:{ { forward@test.invalid = friend@c.example } }
                    transport_maps = inline:{ { refused.example = smtp:[127.0.0.1]:\(refusing.port) } }
                    smtputf8_enable = yes
                    """)
            let postfix = outgoing.postfix
            _ = try lab.start(at: postfix.policyEndpoint)
            try outgoing.send(
                to: ["one@a.example", "Two+x@B.example", #""a \"> b"@c.example"#, "user@test.invalid"])
            try postfix.waitForLog("a deferral", count: 3) { $0.contains("status=deferred") }
            #expect(try learnt(from: postfix).isEmpty)
            try outgoing.sink.start()
            try postfix.flush()
            try postfix.waitForLog("status=sent", count: 4) { $0.contains("status=sent") }

            try outgoing.send(from: #""an na"@test.invalid"#, to: ["three@b.example"])
            try outgoing.send(to: ["nobody@refused.example"])
            try outgoing.send(from: "", to: ["bounced@a.example"])
            try outgoing.send(from: "other@d.example", to: ["forward@test.invalid"])
            try outgoing.send(to: ["forward@test.invalid"])
            try postfix.waitForLog("status=bounced") { $0.contains("status=bounced") }
            // Two to people here, the bounce among them, seven to others.
            try postfix.waitForLog("status=sent", count: 9) { $0.contains("status=sent") }
            try postfix.waitForLog("removed", count: 7) { $0.hasSuffix(": removed") }
            try postfix.stop()

            let mails = try learnt(from: postfix)
            #expect(
                mails.sorted()
                    == [
                        #"anna@test.invalid a "> b@c.example"#, "anna@test.invalid Two+x@B.example",
                        "anna@test.invalid one@a.example", "an na@test.invalid three@b.example",
                    ].sorted(), "\(postfix.log)")
        }
    }

    /// Whom users wrote to by the log so far: sender and recipient each.
    private func learnt(from postfix: PrivatePostfix) throws -> [String] {
        let file = try FileDescriptor.open(postfix.logFile, .readOnly, options: .closeOnExec)
        defer { try? file.close() }
        let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        let options = ImportOptions(now: now, utcOffset: Int64(TimeZone.current.secondsFromGMT()))
        let ours = Array("test.invalid".utf8)
        var source = try SentMailSource([MailLog(file: file, name: "mail.log")], options: options) { $0 == ours }
        var mails: [SentMail] = []
        while let more = try source.next() { mails += more }
        #expect(mails.allSatisfy { (now.seconds - 300...now.seconds).contains($0.time.seconds) }, "\(mails)")
        #expect(source.counts.recipients == mails.count)
        return mails.map {
            "\(String(decoding: $0.sender, as: UTF8.self)) \(String(decoding: $0.recipient, as: UTF8.self))"
        }
    }
}
