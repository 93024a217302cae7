import Foundation
import TestSupport
import Testing

/// How Postfix reaches the daemon.
struct Wiring: CustomTestStringConvertible {
    let chroot: Bool
    let unix: Bool

    static let all = [true, false].flatMap { chroot in [true, false].map { Wiring(chroot: chroot, unix: $0) } }

    var testDescription: String { "\(unix ? "unix" : "inet") socket, smtpd \(chroot ? "" : "not ")chrooted" }

    func options() throws -> PrivatePostfix.Options {
        PrivatePostfix.Options(policy: unix ? .socketInQueue : .port(try Ports.free()), chroot: chroot)
    }
}

@Suite("With a real Postfix", .blocking)
struct PostfixTests {
    /// Seconds that a new triplet waits in these tests.
    private let delay = 2

    @Test("A new sender waits once, and only its first mail carries the header", arguments: Wiring.all)
    func waitsOnce(_ wiring: Wiring) throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(wiring.options())
            let daemon = try lab.start(
                at: postfix.policyEndpoint, delay: delay, extra: ["--hostname", "greylist.test.invalid"])
            let session = try postfix.session()
            let begin = uptime()
            // The second one is a retry that is too early on any machine.
            let twice = ["user@test.invalid", "user@test.invalid"]
            let answers = try session.envelope(from: "a@sender.example", to: twice)
            #expect(answers.map(\.isGreylisting) == [true, true], "\(answers)")
            try session.reset()

            try retry(session, from: "a@sender.example", to: ["user@test.invalid"])
            // The daemon counts whole seconds, and begins with the first attempt's, however much of it was left.
            #expect(uptime() - begin > Double(delay - 1))
            #expect(try session.message(subject: "first").code == 250)
            let first = try postfix.messages(subject: "first", count: 1).map { $0.values(of: "X-Greylist") }
            #expect(first.count == 1)
            let pattern = /delayed (\d+) seconds at greylist\.test\.invalid; .+/
            let header = try #require(first.first?.first?.wholeMatch(of: pattern), "\(first)")
            #expect(first.first?.count == 1)
            #expect(try #require(Int(header.1)) >= delay)

            let next = try session.envelope(from: "a@sender.example", to: ["user@test.invalid"])
            #expect(next.map(\.code) == [250])
            #expect(try session.message(subject: "next").code == 250)
            #expect(try postfix.messages(subject: "next", count: 1).map { $0.values(of: "X-Greylist") } == [[]])
            try session.quit()

            // A reply comes before its line.
            #expect(try daemon.terminate() == .exited(0))
            #expect(daemon.decisions.first?["reason"] == "new")
            #expect(daemon.decisions.dropFirst().first?.isEarlyRetry == true)
            try postfix.stop()
            #expect(postfix.complaints.isEmpty)
        }
    }

    /// Each recipient that is asked to wait counts as an error of the session: what docs/postfix.md says of it.
    @Test(
        "A message to thirty new recipients meets Postfix' limit on errors, unless that is raised",
        arguments: [20, 100])
    func manyRecipients(_ limit: Int) throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue, errorLimit: limit))
            _ = try lab.start(at: postfix.policyEndpoint, delay: delay)
            let session = try postfix.session()
            #expect(try session.command("MAIL FROM:<a@sender.example>").code == 250)
            var codes: [Int] = []
            for number in 0..<30 where codes.last != 421 {
                codes.append(try session.command("RCPT TO:<user\(number)@test.invalid>").code)
            }
            #expect(codes == [Int](repeating: 450, count: min(limit, 30)) + (limit < 30 ? [421] : []))
            try postfix.stop()
            #expect(postfix.log.contains { $0.contains("too many errors after RCPT from") } == (limit < 30))
        }
    }

    @Test("A message to three recipients carries one header")
    func threeRecipients() throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue))
            let daemon = try lab.start(at: postfix.policyEndpoint, delay: delay)
            let recipients = ["one@test.invalid", "two@test.invalid", "three@test.invalid"]
            let session = try postfix.session()
            let answers = try session.envelope(from: "a@sender.example", to: recipients)
            #expect(answers.allSatisfy { $0.isGreylisting }, "\(answers)")
            try session.reset()
            // The last to come is the last to pass: then the three pass too, and have not been asked for yet.
            try retry(session, from: "a@sender.example", to: ["last@test.invalid"])
            try session.reset()

            let begin = uptime()
            let passed = try session.envelope(from: "a@sender.example", to: recipients)
            #expect(passed.map(\.code) == [250, 250, 250])
            // Whatever makes Postfix connect anew between two requests costs a second each time.
            #expect(uptime() - begin < 1)
            #expect(try session.message(subject: "three").code == 250)
            let copies = try postfix.messages(subject: "three", count: 3)
            #expect(copies.map { $0.values(of: "X-Greylist").count } == [1, 1, 1])
            try session.quit()
            try postfix.stop()
            #expect(postfix.complaints.isEmpty)
            #expect(daemon.lines.allSatisfy { !$0.hasPrefix("warning:") }, "\(daemon.lines)")
        }
    }

    @Test("Whitelisted networks and recipients pass at once, others don't")
    func whitelisted() throws {
        try withLab { lab in
            let whitelist = try lab.directory.write(
                whitelistText(networks: ["192.0.2.0/24"], recipients: ["postmaster@test.invalid"]), to: "whitelist")
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue))
            _ = try lab.start(at: postfix.policyEndpoint, delay: delay, whitelist: whitelist)

            let known = try postfix.session(as: .init(address: "192.0.2.25", name: "mx.known.example"))
            #expect(try known.envelope(from: "a@known.example", to: ["user@test.invalid"]).map(\.code) == [250])
            #expect(try known.message(subject: "network").code == 250)
            try known.quit()

            let other = try postfix.session(as: .init(address: "203.0.113.25", name: "mx.other.example"))
            let answers = try other.envelope(
                from: "a@other.example", to: ["postmaster@test.invalid", "user@test.invalid"])
            #expect(answers.map(\.code) == [250, 450], "\(answers)")
            #expect(try other.message(subject: "recipient").code == 250)
            try other.quit()

            for subject in ["network", "recipient"] {
                let delivered = try postfix.messages(subject: subject, count: 1)
                #expect(delivered.map { $0.values(of: "X-Greylist") } == [[]])
            }
            try postfix.stop()
            #expect(postfix.complaints.isEmpty)
        }
    }

    @Test("A bounce is greylisted like any other mail, then passes")
    func nullSender() throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue))
            let daemon = try lab.start(at: postfix.policyEndpoint, delay: delay)
            let session = try postfix.session()
            let answers = try session.envelope(from: "", to: ["user@test.invalid", "user@test.invalid"])
            #expect(answers.allSatisfy { $0.isGreylisting }, "\(answers)")
            try session.reset()
            try retry(session, from: "", to: ["user@test.invalid"])
            #expect(try session.message(subject: "bounce").code == 250)
            let delivered = try postfix.messages(subject: "bounce", count: 1)
            #expect(delivered.map { $0.values(of: "X-Greylist").count } == [1])
            try session.quit()
            try postfix.stop()
            #expect(postfix.complaints.isEmpty)
            // A reply comes before its line.
            #expect(try daemon.terminate() == .exited(0))
            // An empty value may be left out, as postgrey does.
            let senders = daemon.decisions.map { $0.fields.filter { $0.name == "sender" }.map(\.value).joined() }
            #expect(!senders.isEmpty)
            #expect(senders.allSatisfy { $0.isEmpty })
        }
    }

    @Test("A retry from the sender's other server passes")
    func neighbour() throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue))
            _ = try lab.start(at: postfix.policyEndpoint, delay: delay)
            let first = try postfix.session(as: .init(address: "198.51.100.7", name: "relay7.sender.example"))
            #expect(try first.envelope(from: "a@sender.example", to: ["user@test.invalid"])[0].isGreylisting)
            try first.quit()
            let second = try postfix.session(as: .init(address: "198.51.100.200", name: "relay200.sender.example"))
            try retry(second, from: "a@sender.example", to: ["user@test.invalid"])
            try second.quit()
            try postfix.stop()
            #expect(postfix.complaints.isEmpty)
        }
    }

    @Test(
        "No sender can forge a field of the log",
        arguments: [
            // As it is said in SMTP, and as Postfix passes it on.
            (#""a, recipient=ceo@victim.test"@evil.example"#, "a, recipient=ceo@victim.test@evil.example"),
            (#""a action=pass, reason=whitelisted"@evil.example"#, "a action=pass, reason=whitelisted@evil.example"),
            (#""a\\x2c\\x20recipient=b"@evil.example"#, #"a\x2c\x20recipient=b@evil.example"#),
            ("\"a\u{1b}[2Jb\"@evil.example", "a\u{1b}[2Jb@evil.example"),
        ]
    )
    func hostileSender(_ said: String, _ meant: String) throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue))
            let daemon = try lab.start(at: postfix.policyEndpoint, delay: delay)
            let session = try postfix.session()
            let answers = try session.envelope(from: said, to: ["user@test.invalid"])
            #expect(answers.map(\.isGreylisting) == [true], "\(answers)")
            try session.quit()

            let decision = try daemon.waitForDecision { _ in true }
            let names = ["action", "reason", "client_name", "client_address", "sender", "recipient"]
            #expect(decision.names == names)
            #expect(decision["action"] == "greylist")
            #expect(decision["reason"] == "new")
            #expect(decision["client_address"] == "198.51.100.7")
            #expect(decision["sender"] == meant)
            #expect(decision["recipient"] == "user@test.invalid")
            try postfix.stop()
            #expect(postfix.complaints.isEmpty)
            #expect(try daemon.terminate() == .exited(0))
            #expect(daemon.decisions.count == 1)
            #expect(daemon.lines.allSatisfy { $0.utf8.allSatisfy { (0x20...0x7e).contains($0) } }, "\(daemon.lines)")
        }
    }

    @Test("What a sender was told before the daemon was killed, counts after")
    func killedBetweenAttempts() throws {
        try withLab { lab in
            let postfix = try lab.startPostfix(.init(policy: .socketInQueue, chroot: true))
            let killed = try lab.start(at: postfix.policyEndpoint, delay: delay)
            let session = try postfix.session()
            let begin = uptime()
            #expect(try session.envelope(from: "a@sender.example", to: ["user@test.invalid"])[0].isGreylisting)
            try session.reset()
            try killed.kill()

            // The session goes on: Postfix finds the dead connection and makes a new one.
            let restarted = try lab.start(at: postfix.policyEndpoint, delay: delay)
            try retry(session, from: "a@sender.example", to: ["user@test.invalid"])
            #expect(uptime() - begin > Double(delay - 1))
            #expect(try session.message(subject: "after").code == 250)
            let delivered = try postfix.messages(subject: "after", count: 1)
            #expect(delivered.map { $0.values(of: "X-Greylist").count } == [1])
            try session.quit()
            #expect(try restarted.terminate() == .exited(0))
            #expect(restarted.decisions.allSatisfy { $0["reason"] != "new" }, "\(restarted.lines)")
            try postfix.stop()
            #expect(postfix.complaints.isEmpty)
        }
    }

    @Test("Mail flows while the daemon is down, and is greylisted again when it is back")
    func daemonDown() throws {
        try withLab { lab in
            var options = PrivatePostfix.Options(policy: .socketInQueue)
            options.defaultAction = "DUNNO"
            let postfix = try lab.startPostfix(options)
            let stopped = try lab.start(at: postfix.policyEndpoint, delay: delay)
            let session = try postfix.session()
            #expect(try session.envelope(from: "a@sender.example", to: ["user@test.invalid"])[0].isGreylisting)
            try session.reset()
            #expect(try stopped.terminate() == .exited(0))

            #expect(try session.envelope(from: "b@sender.example", to: ["user@test.invalid"]).map(\.code) == [250])
            #expect(try session.message(subject: "down").code == 250)
            let delivered = try postfix.messages(subject: "down", count: 1)
            #expect(delivered.map { $0.values(of: "X-Greylist") } == [[]])

            _ = try lab.start(at: postfix.policyEndpoint, delay: delay)
            #expect(try session.envelope(from: "c@sender.example", to: ["user@test.invalid"])[0].isGreylisting)
            try session.reset()
            // And what was told before the stop still counts.
            try retry(session, from: "a@sender.example", to: ["user@test.invalid"])
            try session.quit()
            try postfix.stop()
            // Postfix says that nobody listened, and nothing else.
            #expect(postfix.complaints.contains { $0.contains("connect to") })
            #expect(postfix.complaints.allSatisfy { $0.contains("connect to") || $0.contains("problem talking") })
        }
    }

    /// Tries an envelope, as a mail server would, until all recipients are accepted; leaves it open for the message.
    private func retry(_ session: SMTPClient, from sender: String, to recipients: [String]) throws {
        try eventually("\(recipients) pass", every: 0.2) {
            let answers = try session.envelope(from: sender, to: recipients)
            if answers.allSatisfy({ $0.code == 250 }) {
                return ()
            }
            guard answers.allSatisfy({ $0.code == 250 || $0.isGreylisting }) else { throw TestError("\(answers)") }
            try session.reset()
            return nil
        }
    }
}
