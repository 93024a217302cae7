import ArgumentParser
import Domains
import FoundationEssentials
import Greylist
import History
import JSONText
import Programs
import Settings

/// `tprtctl report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Report what became of the mail of a time.",
        discussion: """
            How much passed at once, waited, or never came back; how long it waited, and how much of that was the senders' \
            choice; which senders suffered most, with the whitelist entry that would help; and what the fast lane saved. From \
            the history: no daemon has to run. Times are in UTC. With --mail it begins with a subject, ready for a mail: \
            tprtctl report --mail --since 1d | sendmail root.

            Ends with status 1 where there is nothing to report, with 66, 69 or 77 where the history can't be read, and with \
            78 where none is kept.
            """)

    /// How a report is written.
    enum Form: String, EnumerableFlag {
        case text, json, csv, mail

        static func help(for value: Form) -> ArgumentHelp? {
            switch value {
            case .text: "Print tables for people."
            case .json: "Print one JSON object."
            case .csv: "Print a figure a line: section,name,measure,value."
            case .mail: "Print a mail of at most 78 columns, its subject first."
            }
        }
    }

    @Option(help: ArgumentHelp("From when on: \(SinceArgument.forms).", valueName: "time"))
    var since = SinceArgument(days: 7)

    @Option(help: ArgumentHelp("Name at most so many networks and senders.", valueName: "number"))
    var limit = 10

    @Flag var form = Form.text

    @OptionGroup var history: HistoryAccess

    @OptionGroup var settings: SettingFiles

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is a number, from 1") }
    }

    func run() throws {
        let loaded = try settings.load(environment: ProcessInfo.processInfo.environment)
        let shared = loaded.service.sharedIdentities()
        let source = try history.source(under: loaded)
        let now = WallClock.now()
        let start = since.moment(at: now)
        guard start < now else { throw ProgramError(.usage, "--since: is not in the past") }
        let report = try SiteReport(from: start, until: now, in: source, top: limit, shared: shared)
        switch form {
        case .text: try say(ReportText(report, wraps: false).text)
        case .json: try say(report.json.text)
        case .csv: try say(ReportCSV(report).text, terminator: "")
        case .mail: try say(ReportText(report, wraps: true).mail(from: loaded.service.greyHostname))
        }
        if report.isEmpty { throw ExitCode(1) }
    }
}

/// A report, with what would help the senders that it names.
struct SiteReport {
    let report: HistoryReport
    /// How many seconds a sender has to wait at least.
    let delay: Int64
    /// A sender whose mail waited, and what would help.
    struct Sender {
        let sufferer: Sufferer
        /// The whitelist entry; nil where nothing that is known tells its mail from other mail.
        let entry: SuggestedEntry?
        /// Whether unrelated senders have the organisation in common.
        let isShared: Bool
    }
    /// Those whose mail waited the longest.
    let senders: [Sender]

    /// How many networks a suggestion names at most: a sender from more of them isn't told by them.
    private static let mostNetworks = 4
    /// How many of a sender's cases are looked at for its networks.
    private static let cases = 50

    /// The report of a time.
    init(
        from start: Timestamp, until end: Timestamp, in source: HistorySource, top: Int, shared: SharedIdentities
    ) throws(ProgramError) {
        let reader = try source.open()
        let report = try HistorySource.read { () throws(HistoryError) in
            try reader.report(since: start, until: end, window: source.rules.retryWindow, top: top)
        }
        delay = source.rules.delay
        var senders: [Sender] = []
        for sufferer in report.sufferers {
            let networks = sufferer.kind == .domain ? try Self.networks(of: sufferer.name, reader) : []
            let isShared = sufferer.kind == .organisation && shared.isShared(sufferer.name)
            senders.append(
                Sender(
                    sufferer: sufferer, entry: SuggestedEntry(for: sufferer, networks: networks), isShared: isShared))
        }
        (self.report, self.senders) = (report, senders)
    }

    /// The networks from which mail of a domain has passed; none where there are too many.
    private static func networks(of domain: String, _ reader: HistoryReader) throws(ProgramError) -> [String] {
        let known = try HistorySource.read { () throws(HistoryError) in
            try reader.known(sender: "@" + domain, limit: cases)
        }
        var networks: [String] = []
        for network in known.flatMap(\.networks) where !networks.contains(network) { networks.append(network) }
        return networks.count <= mostNetworks ? networks : []
    }

    /// Whether there is nothing to report.
    var isEmpty: Bool { report.cases.all == 0 && report.reasons.isEmpty }

    /// How much mail needed not wait by the fast lane.
    var spared: Int { report.spared.reduce(0) { $0 + $1.passed } }
}
