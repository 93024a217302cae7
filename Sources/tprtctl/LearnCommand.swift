import ArgumentParser
import Control
import FoundationEssentials
import Greylist
import JSONText
import Programs
import Settings

/// `tprtctl learn`.
struct LearnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Have a daemon know whom your users wrote to, whose replies then need not wait.",
        discussion: """
            With a sender and a recipient it learns that this user of yours wrote to that address now. With --from-log it \
            learns that from logs of Postfix, also for mail that Postfix doesn't ask a policy service about, such as that of \
            programs on the server itself. The logs may be given in any order, and compressed ones are read, too.

            Only senders of service.local_domains teach by a log, since forwarded mail would teach otherwise; where that is \
            empty, the status is 64. What is learnt already stays as it is: a log may be read again at any time.

            Each log is looked at before anything is learnt: where one isn't a mail log, the status is 65, and 66 or 77 where \
            it can't be read. Where a log is damaged further on, the rest counts, and the status is 65. It is 69 where no \
            daemon answers.
            """)

    @Argument(help: ArgumentHelp("The user who wrote.", valueName: "sender"))
    var sender: String?

    @Argument(help: ArgumentHelp("Whom that user wrote to.", valueName: "recipient"))
    var recipient: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Read these logs of Postfix, or - for standard input.", valueName: "file"),
        completion: .file())
    var fromLog: [String] = []

    @OptionGroup var daemon: ControlAccess

    func validate() throws {
        guard fromLog.isEmpty else {
            guard sender == nil, recipient == nil else {
                throw ValidationError("give a sender and a recipient, or --from-log with logs")
            }
            guard fromLog.filter({ $0 == "-" }).count < 2 else {
                throw ValidationError("standard input (-) can be read once")
            }
            return
        }
        guard let sender, let recipient else {
            throw ValidationError("give a sender and a recipient, or --from-log with logs")
        }
        for address in [sender, recipient] where Correspondence.plain(Array(address.utf8).span) == nil {
            throw ValidationError("\(shortened(address)) is not an address with a domain")
        }
    }

    func run() throws {
        guard let sender, let recipient else { return try learnFromLogs() }
        let mail = LearnOrder.Mail(seconds: WallClock.now().seconds, sender: sender, recipient: recipient)
        let client = try daemon.client()
        guard let receipt = LearnReceipt(try client.carryOut(LearnOrder([mail]).request)) else {
            throw client.misunderstanding
        }
        guard receipt.lessons > 0 else {
            throw ProgramError(
                .dataError,
                "nothing is learnt of mail to your own domains (service.local_domains, and those that mail comes for), "
                    + "nor of mail of postmaster, abuse and mailer-daemon")
        }
        let addresses = "\(bareOrQuoted(sender)) wrote to \(bareOrQuoted(recipient))"
        guard daemon.json else {
            return try say(receipt.written > 0 ? "learnt: \(addresses)" : "known already: \(addresses)")
        }
        try say(
            JSONValue.object([
                "sender": .string(sender), "recipient": .string(recipient), "new": .bool(receipt.written > 0),
            ]).text)
    }

    private func learnFromLogs() throws {
        let settings = try daemon.settings.load(environment: ProcessInfo.processInfo.environment)
        let domains = settings.service.localDomains
        guard !domains.isEmpty else {
            throw ProgramError(
                .usage,
                "service.local_domains is empty: only senders of your own domains teach by a log; set it in the daemon's "
                    + "configuration, as in \"local_domains\": [\"example.com\"], and name that file with -c")
        }
        let client = try daemon.client()
        // Whether it would take anything; logs may be long.
        _ = try client.carryOut(LearnOrder([]).request)
        var run = try LearnRun(
            MailLogs(fromLog), from: domains, now: WallClock.now(), utcOffset: ImportPlan.utcOffset(), to: client)
        let summary = try run.run()
        ProgressBar.wipe()
        try say(daemon.json ? summary.json.text : summary.text)
        for fault in summary.faults { note(fault) }
        if !summary.faults.isEmpty { throw ExitCode(ExitStatus.dataError.rawValue) }
    }
}
