import Foundation
import TestSupport

/// A Postfix that users log in at, with the Dovecot that it asks, and a server elsewhere that takes what they send.
struct OutgoingLab {
    let postfix: PrivatePostfix
    let sink: MailSink

    /// The lines of main.cf of examples/outgoing, for the Postfix of the lab.
    static func restrictions() throws -> String {
        let file = URL(filePath: #filePath).appending(path: "../../examples/outgoing/main.cf").standardized
        return try String(contentsOf: file, encoding: .utf8).replacing("private/auth", with: "tprt/auth")
    }

    /// The options of `submission` in master.cf of examples/outgoing, without TLS.
    ///
    /// - Parameter requiresLogin: whether a client has to log in before it is asked about; without, as Debian's master.cf
    ///   and older Postfixes have it, TPRT is told of those, too, and they are refused afterwards
    static func submission(requiresLogin: Bool = true) throws -> String {
        let file = URL(filePath: #filePath).appending(path: "../../examples/outgoing/master.cf").standardized
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let service = lines.drop { !$0.hasPrefix("submission ") }.dropFirst().prefix { $0.hasPrefix(" ") }
        let options = service.map { option in
            option.contains("smtpd_tls_security_level") ? "    -o smtpd_tls_security_level=none" : String(option)
        }
        guard !requiresLogin else { return options.joined(separator: "\n") }
        let others = options.filter { !$0.contains("smtpd_client_restrictions") }
        return (others + ["    -o smtpd_relay_before_recipient_restrictions=no"]).joined(separator: "\n")
    }

    /// Starts all of it; the sink takes mail only if `sinks` is true.
    init(in lab: Lab, requiresLogin: Bool = true, sinks: Bool = true, more: String = "") throws {
        let sink = try MailSink()
        var options = PrivatePostfix.Options(policy: .socketInQueue)
        options.restrictions = try Self.restrictions()
        options.submission = try Self.submission(requiresLogin: requiresLogin)
        options.outbound = sink.port
        options.more = more
        postfix = try lab.startPostfix(options)
        let dovecot = try Dovecot(
            in: lab.directory.makeDirectory("dovecot"), socket: "\(postfix.directory)/queue/tprt/auth",
            users: ["anna": "secret"])
        lab.atEnd { dovecot.end() }
        if sinks { try sink.start() }
        lab.atEnd { sink.end() }
        self.sink = sink
    }

    /// A session in which a user has logged in.
    func logIn(as user: String = "anna", password: String = "secret") throws -> SMTPClient {
        let session = try postfix.submission()
        let answer = try session.logIn(as: user, password: password)
        guard answer.code == 235 else { throw TestError("\(answer)") }
        return session
    }

    /// Sends a message as a user who logs in.
    func send(from sender: String = "anna@test.invalid", to recipients: [String], subject: String = "sent") throws {
        let session = try logIn()
        let answers = try session.envelope(from: sender, to: recipients)
        guard answers.allSatisfy({ $0.code == 250 }) else { throw TestError("\(answers)") }
        guard try session.message(subject: subject).code == 250 else { throw TestError("not accepted") }
        try session.quit()
    }
}
