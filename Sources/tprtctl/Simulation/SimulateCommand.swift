import ArgumentParser
import FoundationEssentials
import Greylist
import History
import Import
import JSONText
import Programs
import Settings

/// `tprtctl simulate`.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Replay mail under other settings, and say what would change.",
        discussion: """
            With -c it replays the attempts of the history under the settings of that configuration, whitelists included, and \
            puts what would have become of the mail beside what was recorded: how much would wait, and how long, what would \
            pass that was kept out, and what would have to wait that passed. With --log it reads what came in from logs of \
            Postfix in place of a history, which need no greylisting yet, and says what greylisting would do; compressed logs \
            are read, too. No daemon has to run, and nothing is changed. Times are in UTC.

            What isn't recorded isn't made up: when mail would have come back that passed without, is said to be unknown. \
            What came before --since is replayed and not counted.

            Ends with status 1 where there is no mail to replay, with 64 unless -c or --log is given, with 65 where a log is \
            damaged, or isn't one, with 66, 69 or 77 where the history or a log can't be read, and with 78 where a \
            configuration is wrong, or no history is kept.
            """)

    @Option(
        name: [.customShort("c", allowingJoined: true), .long],
        help: ArgumentHelp(
            "The configuration of tprtd that is to be tried out; may be given several times.",
            discussion: "With --log it may be left out: then the settings are those of a fresh installation.",
            valueName: "file"),
        completion: .file())
    var configfile: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Replay what these logs of Postfix say, or - for standard input.", valueName: "file"),
        completion: .file())
    var log: [String] = []

    @Option(
        help: ArgumentHelp(
            "The configuration by which the history was recorded; may be given several times.",
            discussion: "Unless one is named, it is \(SettingFiles.usual), where that exists.", valueName: "file"),
        completion: .file())
    var today: [String] = []

    @Option(
        help: ArgumentHelp(
            "From when on mail counts: \(SinceArgument.forms).",
            discussion: "Unless it is given: of a history 7d, of logs all.", valueName: "time"))
    var since: SinceArgument?

    @Option(help: ArgumentHelp("Name at most so many senders.", valueName: "number"))
    var limit = 10

    @OptionGroup var history: HistoryAccess

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard !configfile.isEmpty || !log.isEmpty else {
            throw ValidationError("name the settings to try out with -c, or a mail log with --log")
        }
        guard log.isEmpty || today.isEmpty && history.historyDb == nil else {
            throw ValidationError("--log reads no history: it goes neither with --today nor with --history-db")
        }
        guard log.filter({ $0 == "-" }).count < 2 else {
            throw ValidationError("standard input (-) can be read once")
        }
        guard limit > 0 else { throw ValidationError("--limit is a number, from 1") }
    }

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let settings = try SimulatedSettings(files: configfile, environment: environment)
        var faults = settings.faults
        let report =
            log.isEmpty
            ? try replayHistory(settings, environment) : try replayLogs(settings, environment, &faults)
        ProgressBar.wipe()
        try say(json ? report.json.text : SimulationText(report).text)
        for fault in faults { note(fault) }
        if report.isDamaged { throw ExitCode(ExitStatus.dataError.rawValue) }
        if report.tally.recorded.all == 0 { throw ExitCode(1) }
    }

    private func start(at now: Timestamp) throws(ProgramError) -> Timestamp? {
        guard let start = since?.moment(at: now) else { return nil }
        guard start < now else { throw ProgramError(.usage, "--since: is not in the past") }
        return start
    }

    private func replayHistory(
        _ settings: SimulatedSettings, _ environment: [String: String]
    ) throws(ProgramError) -> SimulationReport {
        let now = WallClock.now()
        let start = try start(at: now) ?? SinceArgument(days: 7).moment(at: now)
        let files = SettingFiles.files(named: today)
        let today = try SimulatedSettings(files: files, environment: environment)
        // All that root has to read is read by now.
        let source = try history.source(under: (files.isEmpty ? settings : today).configuration)
        let reader = try source.open()
        let (oldest, count) = try HistorySource.read { () throws(HistoryError) in
            (try reader.oldest(), try reader.attemptCount())
        }
        var simulation = HistorySimulation(settings, beside: today, from: start)
        let begin = ContinuousClock.now
        var bar = ProgressBar()
        try HistorySource.read { () throws(HistoryError) in
            try reader.replay(since: nil) { attempt in
                simulation.take(attempt)
                bar.show(
                    ProgressLine(
                        read: simulation.notes.attempts, total: count, elapsed: ContinuousClock.now - begin,
                        unit: ("attempt", "attempts")))
                return true
            }
        }
        simulation.finish(at: now)
        return SimulationReport(
            simulation, settings, named: configfile, beside: files, from: start, until: now, beginning: oldest,
            limit: limit)
    }

    private func replayLogs(
        _ settings: SimulatedSettings, _ environment: [String: String], _ faults: inout [String]
    ) throws(ProgramError) -> SimulationReport {
        let now = WallClock.now()
        let start = try start(at: now)
        let logs = try MailLogs(log)
        var reading = try LogReading(logs, from: settings.service.localDomains, at: now)
        var simulation = LogSimulation(settings, from: start ?? Timestamp(seconds: .min))
        let begin = ContinuousClock.now
        var bar = ProgressBar()
        while let mails = reading.next() {
            for mail in mails { simulation.take(mail) }
            bar.show(
                ProgressLine(
                    read: reading.counts.lines, elapsed: ContinuousClock.now - begin, unit: ("line", "lines")))
        }
        simulation.finish()
        faults += reading.faults
        return SimulationReport(
            simulation, settings, named: configfile, from: start, reading.counts, isDamaged: !reading.faults.isEmpty,
            limit: limit)
    }
}

/// What logs say of mail that came in, as far as they can be read.
private struct LogReading {
    private let logs: MailLogs
    private var source: IncomingMailSource
    /// What couldn't be read, a sentence each.
    private(set) var faults: [String] = []

    /// Logs that are opened, whose beginnings are read.
    ///
    /// - Parameter domains: those of the site; where there are none, mail to all counts
    init(_ logs: MailLogs, from domains: [String], at now: Timestamp) throws(ProgramError) {
        self.logs = logs
        let domains = Set(
            domains.map { domain in Array((domain.last == "." ? domain.dropLast() : domain[...]).lowercased().utf8) })
        do throws(ImportError) {
            source = try IncomingMailSource(
                logs.logs, options: ImportOptions(now: now, utcOffset: ImportPlan.utcOffset())
            ) { domains.isEmpty || domains.contains($0) }
        } catch {
            throw ProgramError(error, result: "nothing was replayed")
        }
    }

    /// What became of the lines so far.
    var counts: IncomingCounts { source.counts }

    /// The next attempts; nil when all are read.
    ///
    /// A log that can't be read to its end is noted, and the next one is read.
    mutating func next() -> [IncomingMail]? {
        do throws(ImportError) {
            return try source.next()
        } catch {
            faults.append("\(error); what stands before that was replayed")
            return []
        }
    }
}
