import Foundation
import TestSupport

/// A real Dovecot that only says who may log in, with users of the test's.
final class Dovecot {
    private let process: ChildProcess

    /// Starts it, and waits until it listens.
    ///
    /// - Parameters:
    ///   - directory: an empty one, for all that it writes
    ///   - socket: where Postfix asks it (`smtpd_sasl_path`)
    ///   - users: their passwords
    init(in directory: String, socket: String, users: [String: String]) throws {
        guard access("/usr/sbin/dovecot", X_OK) == 0 else {
            throw TestError("Dovecot is not installed: run scripts/install-packages test")
        }
        let passwords = users.map { "\($0.key):{PLAIN}\($0.value)\n" }.joined()
        try Data(passwords.utf8).write(to: URL(filePath: "\(directory)/users"))
        // Root has users for it by the package; anyone else is all of them, and shuts nobody in.
        let own = """
            default_internal_user = \(try Greylister.user())
            default_internal_group = \(try Greylister.group())
            default_login_user = \(try Greylister.user())
            service anvil {
              chroot =
            }
            """
        let text = """
            base_dir = \(directory)/run
            state_dir = \(directory)/state
            log_path = \(directory)/dovecot.log
            protocols =
            ssl = no
            disable_plaintext_auth = no
            auth_mechanisms = plain
            \(geteuid() == 0 ? "" : own)
            passdb {
              driver = passwd-file
              args = \(directory)/users
            }
            service auth {
              unix_listener \(socket) {
                mode = 0666
              }
            }

            """
        try Data(text.utf8).write(to: URL(filePath: "\(directory)/dovecot.conf"))
        process = try ChildProcess.start(["/usr/sbin/dovecot", "-F", "-c", "\(directory)/dovecot.conf"])
        try eventually("Dovecot to listen") { () -> Void? in
            if let ending = process.poll() {
                let log = (try? String(contentsOfFile: "\(directory)/dovecot.log", encoding: .utf8)) ?? ""
                throw TestError("Dovecot ended: \(ending)\n\(log)")
            }
            return (try? StreamSocket(to: .unix(socket)))?.close()
        }
    }

    /// Ends it with all its processes.
    func end() {
        try? process.signal(SIGTERM)
        if (try? process.wait(within: 10)) == nil { process.end() }
    }
}

/// Postfix' own program that takes any mail and forgets it, on a port of 127.0.0.1.
final class MailSink {
    let port: UInt16
    private var process: ChildProcess?

    /// It doesn't listen yet: mail for it is deferred.
    init() throws {
        port = try Ports.free()
    }

    /// Begins to listen.
    ///
    /// - Parameter options: such as `-f RCPT`, to refuse all recipients
    func start(_ options: [String] = []) throws {
        // Root has to say as whom it runs.
        let user = geteuid() == 0 ? ["-u", "nobody"] : []
        process = try ChildProcess.start(["/usr/sbin/smtp-sink"] + user + options + ["127.0.0.1:\(port)", "100"])
        try eventually("smtp-sink to listen") { (try? StreamSocket(to: .inet(port)))?.close() }
    }

    func end() {
        process?.end()
        process = nil
    }
}
