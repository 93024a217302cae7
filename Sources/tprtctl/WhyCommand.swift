import ArgumentParser
import FoundationEssentials
import Greylist
import History
import JSONText
import Programs
import Settings

/// `tprtctl why`.
struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Tell what became of a mail, and why.",
        discussion: """
            Its attempts in the order of time, from where they came, what each was told and why, by what a retry was \
            recognised, how much of the wait was the sender's choice, and the commands that let such mail pass sooner. The \
            answer is from the history: no daemon has to run. Times are in UTC.

            The mail is named by its envelope addresses (<> is the null sender), or by a line of a log: a decision as tprtd \
            or postgrey writes it, or a recipient that Postfix has rejected. Ends with status 1 where nothing is found, \
            with 66, 69 or 77 where the history can't be read, and with 78 where none is kept.
            """)

    @Argument(help: ArgumentHelp("The sender of the mail.", valueName: "sender"))
    var sender: String?

    @Argument(help: ArgumentHelp("Its recipient.", valueName: "recipient"))
    var recipient: String?

    @Option(help: ArgumentHelp("A client that tried it: an address, or how a name begins.", valueName: "client"))
    var client: String?

    @Option(help: ArgumentHelp("A line of a log, in place of all these.", valueName: "line"))
    var logLine: String?

    @Option(help: ArgumentHelp("Tell so many stories at most, the newest ones.", valueName: "number"))
    var limit = 5

    @OptionGroup var history: HistoryAccess

    @OptionGroup var settings: SettingFiles

    @Flag(help: "Print the answer as JSON.")
    var json = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is a number, from 1") }
        _ = try question()
    }

    /// The mail that is asked about.
    func question() throws(ValidationError) -> MailQuestion {
        guard let logLine else {
            guard let sender, let recipient else {
                throw ValidationError(
                    "give a sender (<> is the null sender) and a recipient, or --log-line with a line")
            }
            let question = MailQuestion(sender: sender, recipient: recipient, client: client)
            guard !question.recipient.isEmpty else { throw ValidationError("the recipient is empty") }
            return question
        }
        guard sender == nil, recipient == nil, client == nil else {
            throw ValidationError("--log-line says all: give it by itself")
        }
        guard let question = MailQuestion(logLine: logLine) else {
            throw ValidationError(
                "\(shortened(logLine)) is neither a decision of tprtd or postgrey nor a recipient that Postfix rejected"
            )
        }
        return question
    }

    func run() throws {
        let question = try question()
        let loaded = try settings.load(environment: ProcessInfo.processInfo.environment)
        let shared = loaded.service.sharedIdentities()
        let source = try history.source(under: loaded)
        let answer = try WhyAnswer(question, in: source, limit: limit, at: WallClock.now(), shared: shared)
        try say(json ? answer.json.text : answer.text)
        if answer.isEmpty { throw ExitCode(1) }
    }
}
