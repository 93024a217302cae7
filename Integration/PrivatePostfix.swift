import Foundation
import TestSupport

/// A Postfix with configuration, queue, log and mailbox of its own in one directory.
///
/// It listens on a port of the loopback address, believes what XCLIENT says about the client, asks the policy server
/// about every recipient in `test.invalid`, and puts all mail into one maildir. It may have a submission service, too.
final class PrivatePostfix {
    /// What the tests vary.
    struct Options {
        /// How smtpd reaches the policy server.
        enum Policy {
            /// `unix:tprt/policy.sock`, a socket in the queue directory.
            case socketInQueue
            case port(UInt16)
        }

        var policy: Policy
        /// Whether smtpd runs chrooted in the queue directory.
        var chroot = false
        /// What Postfix does when the policy server can't be reached.
        var defaultAction = "451 4.3.5 policy server down"
        /// How many seconds Postfix waits for the policy server.
        var timeout = 10
        /// After how many errors Postfix ends a session.
        var errorLimit = 1_000
        /// Lines of main.cf that take the place of those about recipients; nil for those by the settings above.
        var restrictions: String?
        /// The options that a submission service on a port of its own has in master.cf, a line each; nil for no such service.
        var submission: String?
        /// The port of the server on this machine that takes all mail for elsewhere; nil: there is none.
        var outbound: UInt16?
        /// Lines that main.cf ends with.
        var more = ""
    }

    let directory: String
    private(set) var port: UInt16 = 0
    /// The port of the submission service.
    private(set) var submissionPort: UInt16 = 0
    private let options: Options
    private var master: pid_t?

    init(in directory: String, _ options: Options) throws {
        guard access("/usr/sbin/postfix", X_OK) == 0 else {
            throw TestError("Postfix is not installed: run scripts/install-packages test")
        }
        self.directory = directory
        self.options = options
        try prepare()
    }

    /// Where the policy server has to listen.
    var policyEndpoint: Endpoint {
        switch options.policy {
        case .socketInQueue: .unix("\(directory)/queue/tprt/policy.sock")
        case .port(let port): .inet(port)
        }
    }

    /// The lines of its log so far.
    var log: [String] {
        let text = (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// The lines of its log that tell of something wrong.
    var complaints: [String] {
        log.filter { line in ["warning:", "error:", "fatal:", "panic:"].contains { line.contains($0) } }
    }

    /// Starts it and waits until it accepts connections.
    func start() throws {
        var failures: [String] = []
        // A port that was free may be taken a moment later.
        for _ in 1...3 {
            (port, submissionPort) = (try Ports.free(), try Ports.free())
            try configure()
            do {
                try runAsRoot(["/usr/sbin/postfix", "-c", configuration, "start"])
            } catch {
                failures.append("\(error)")
                continue
            }
            master = try readMasterID()
            try eventually("Postfix accepts connections") { (try? StreamSocket(to: .inet(port)))?.close() }
            return
        }
        throw TestError((failures + log.suffix(10)).joined(separator: "\n"))
    }

    /// Stops it and waits until all its processes are gone.
    ///
    /// Its log is complete then.
    func stop() throws {
        guard let master else { return }
        self.master = nil
        do {
            try runAsRoot(["/usr/sbin/postfix", "-c", configuration, "stop"])
        } catch {
            note("\(error)")
        }
        // The master process leads the process group of all the others.
        if (try? waitForEnd(of: master, within: 10)) == nil {
            try runAsRoot(["/bin/sh", "-c", "kill -s KILL -- -\(master)"])
            try waitForEnd(of: master, within: 10)
        }
    }

    /// Stops it, if it runs, and removes its directory.
    func stopAndRemove() {
        do {
            try stop()
            try runAsRoot(["rm", "-rf", "--", directory])
        } catch {
            note("\(error)")
        }
    }

    /// A session as the mail server `client`, after EHLO.
    func session(as client: SMTPClient.Origin = SMTPClient.Origin()) throws -> SMTPClient {
        try SMTPClient(port: port, as: client)
    }

    /// A session with the submission service, after EHLO; not logged in yet.
    func submission() throws -> SMTPClient {
        try SMTPClient(port: submissionPort, as: nil)
    }

    /// Waits until its log has `count` lines of a kind.
    func waitForLog(_ what: String, count: Int = 1, where matches: (String) -> Bool) throws {
        try eventually("\(count) lines with \(what)") { log.count(where: matches) >= count ? () : nil }
    }

    /// Tries what is deferred at once.
    func flush() throws {
        try runAsRoot(["/usr/sbin/postqueue", "-c", configuration, "-f"])
    }

    /// Waits until `count` copies of messages with this subject have been delivered, and returns them.
    func messages(subject: String, count: Int) throws -> [DeliveredMessage] {
        try eventually("\(count) messages '\(subject)'") {
            let found = try delivered().filter { $0.values(of: "Subject") == [subject] }
            return found.count >= count ? found : nil
        }
    }

    private var configuration: String { "\(directory)/etc" }
    /// The file of its log.
    var logFile: String { "\(directory)/log/mail.log" }

    private func delivered() throws -> [DeliveredMessage] {
        let inbox = "\(directory)/mail/inbox/new"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: inbox)) ?? []
        return try names.map { name in
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(inbox)/\(name)"))
            return DeliveredMessage(String(decoding: data, as: UTF8.self))
        }
    }

    /// The user who owns the mailbox: the one who runs the tests, but never root, for whom Postfix doesn't deliver.
    private var mailboxOwner: (user: uid_t, group: gid_t) {
        geteuid() == 0 ? (65_534, 65_534) : (geteuid(), getegid())
    }

    private func prepare() throws {
        let owner = mailboxOwner
        let script = """
            set -e
            cd "$1"
            mkdir etc queue queue/tprt data mail log
            : > log/mail.log
            chmod 755 etc queue queue/tprt mail log
            chmod 700 data
            chmod 644 log/mail.log
            chown root:root . queue log log/mail.log
            chown postfix:postfix data
            chown "$2:$3" mail
            chown "$4:$5" etc queue/tprt
            """
        let numbers = [owner.user, owner.group, geteuid(), getegid()].map { String($0) }
        try runAsRoot(["/bin/sh", "-c", script, "sh", directory] + numbers)
    }

    private func configure() throws {
        let owner = mailboxOwner
        let policy =
            switch options.policy {
            case .socketInQueue: "unix:tprt/policy.sock"
            case .port(let port): "inet:127.0.0.1:\(port)"
            }
        let restrictions =
            options.restrictions ?? """
                smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated,
                    reject_unauth_destination, reject_unlisted_recipient,
                    check_policy_service { \(policy), timeout=\(options.timeout)s, { default_action = \(options.defaultAction) } }
                """
        let elsewhere = options.outbound.map { "smtp:[127.0.0.1]:\($0)" } ?? "error:this server sends nothing"
        let main = """
            compatibility_level = 3.6
            queue_directory = \(directory)/queue
            data_directory = \(directory)/data
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            mail_owner = postfix
            setgid_group = postdrop
            maillog_file = \(logFile)
            maillog_file_prefixes = \(directory)
            myhostname = mx.test.invalid
            inet_interfaces = 127.0.0.1
            inet_protocols = all
            mynetworks = 192.0.2.1/32
            mydestination =
            local_recipient_maps =
            alias_maps =
            alias_database =
            default_transport = \(elsewhere)
            relay_transport = \(elsewhere)
            virtual_mailbox_domains = test.invalid
            virtual_mailbox_base = \(directory)/mail
            virtual_mailbox_maps = static:inbox/
            virtual_minimum_uid = 1
            virtual_uid_maps = static:\(owner.user)
            virtual_gid_maps = static:\(owner.group)
            smtp_host_lookup = native
            smtpd_peername_lookup = no
            smtpd_authorized_xclient_hosts = 127.0.0.1
            smtpd_relay_restrictions = reject_unauth_destination
            \(restrictions)
            smtpd_client_connection_count_limit = 0
            smtpd_error_sleep_time = 0
            smtpd_soft_error_limit = 1000
            smtpd_hard_error_limit = \(options.errorLimit)
            \(options.more)

            """
        let jail = options.chroot ? "y" : "n"
        let submission = options.submission.map { "127.0.0.1:\(submissionPort) inet n - \(jail) - - smtpd\n\($0)" }
        let services = """
            127.0.0.1:\(port) inet n - \(jail) - - smtpd
            \(submission ?? "")
            smtp unix - - n - - smtp
            pickup unix n - n 60 1 pickup
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            verify unix - - n - 1 verify
            proxymap unix - - n - - proxymap
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            retry unix - - n - - error
            error unix - - n - - error
            virtual unix - n n - - virtual
            showq unix n - n - - showq
            postlog unix-dgram n - n - 1 postlogd

            """
        try runAsRoot(["chown", "-R", "\(geteuid()):\(getegid())", configuration])
        try Data(main.utf8).write(to: URL(fileURLWithPath: "\(configuration)/main.cf"))
        try Data(services.utf8).write(to: URL(fileURLWithPath: "\(configuration)/master.cf"))
        try runAsRoot(["chown", "-R", "root:root", configuration])
    }

    private func readMasterID() throws -> pid_t {
        let text = try runAsRoot(["cat", "\(directory)/queue/pid/master.pid"])
        guard let id = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)), id > 1 else {
            throw TestError("master.pid: \(text)")
        }
        return id
    }

    /// Waits until no process of the group runs.
    ///
    /// It doesn't ask by signal 0: where nobody collects orphans, as in some containers, they stay as zombies.
    private func waitForEnd(of group: pid_t, within limit: TimeInterval) throws {
        try eventually("Postfix ends", within: limit, every: 0.1) {
            let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { pid_t($0) != nil }
            let running = processes.contains { process in
                guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                    let bracket = text.lastIndex(of: ")")
                else { return false }
                // After the name: state, parent, process group.
                let fields = text[bracket...].split(separator: " ")
                return fields.count > 3 && fields[3] == "\(group)" && fields[1] != "Z"
            }
            return running ? nil : ()
        }
    }
}

/// The header of a message as it arrived in the mailbox.
struct DeliveredMessage {
    private let fields: [(name: String, value: String)]

    init(_ text: String) {
        var fields: [(name: String, value: String)] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).prefix(while: { !$0.isEmpty }) {
            if let first = line.first, first == " " || first == "\t", let last = fields.popLast() {
                fields.append((last.name, last.value + " " + line.trimmingCharacters(in: .whitespaces)))
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                fields.append((line[..<colon].lowercased(), value))
            }
        }
        self.fields = fields
    }

    /// The values of all fields of this name.
    func values(of name: String) -> [String] {
        fields.filter { $0.name == name.lowercased() }.map(\.value)
    }
}
