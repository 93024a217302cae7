import ArgumentParser
import Engine
import FoundationEssentials
import Glibc
import Greylist
import History
import JSONText
import Programs
import Settings
import SystemPackage

/// `tprtctl history`.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show decisions, the newest first.",
        discussion: """
            From the history: no daemon has to run. Mail that passes as usual is one line a case and day, with a count. Times \
            are in UTC. Ends with status 1 where nothing is found, with 66, 69 or 77 where the history can't be read, and \
            with 78 where none is kept.
            """)

    @Option(help: ArgumentHelp("Only mail to this address or domain.", valueName: "address"))
    var recipient: String?

    @Option(help: ArgumentHelp("Only mail of this address or domain; <> is the null sender.", valueName: "address"))
    var sender: String?

    @Option(help: ArgumentHelp("Only of this client: an address, or how a name begins.", valueName: "client"))
    var client: String?

    @Option(
        help: ArgumentHelp(
            "Only for this reason, in the log's words with a hyphen for each blank; may be given several times.",
            discussion: "triplet-found is retried and known together.", valueName: "reason"))
    var reason: [ReasonArgument] = []

    @Option(help: ArgumentHelp("Only from then on: \(SinceArgument.forms).", valueName: "time"))
    var since: SinceArgument?

    @Option(help: ArgumentHelp("Show so many at most.", valueName: "number"))
    var limit = 100

    @Flag(help: "Show the last ones, the oldest first, and then what comes, until SIGINT.")
    var follow = false

    @OptionGroup var history: HistoryAccess

    @OptionGroup var settings: SettingFiles

    @Flag(help: "Print a decision a line as JSON.")
    var json = false

    /// How long after a look for new decisions the next one comes.
    private static let interval = Duration.seconds(1)

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is a number, from 1") }
    }

    /// Which decisions are asked for.
    func filter(at now: Timestamp) -> HistoryFilter {
        var filter = HistoryFilter(limit: limit)
        filter.sender = sender.map { $0 == "<>" ? "" : $0 }
        filter.recipient = recipient
        filter.client = client
        filter.reasons = Set(reason.flatMap(\.codes))
        filter.since = since?.moment(at: now)
        return filter
    }

    func run() throws {
        let loaded = try settings.load(environment: ProcessInfo.processInfo.environment)
        let source = try history.source(under: loaded)
        let filter = filter(at: WallClock.now())
        guard !follow else { return try follow(source, filter) }
        let reader = try source.open(searching: sender != nil || recipient != nil)
        let found = try HistorySource.read { () throws(HistoryError) in try reader.decisions(filter) }
        var output = Output()
        if json {
            for attempt in found { try output.say(attempt.json.text) }
        } else if found.isEmpty {
            try output.say("no decision is found")
        } else {
            for line in DecisionTable(found).lines { try output.say(line) }
        }
        try output.flush()
        if found.isEmpty { throw ExitCode(1) }
    }

    private func follow(_ source: HistorySource, _ filter: HistoryFilter) throws {
        var follower = HistoryFollower(source, filter)
        while true {
            var output = Output()
            for attempt in try follower.next() {
                try output.say(json ? attempt.json.text : DecisionTable.line(attempt))
            }
            try output.flush()
            if follower.isBehind { continue }
            let (seconds, attoseconds) = Self.interval.components
            var pause = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
            nanosleep(&pause, nil)
        }
    }
}

/// A reason as it is typed: `early-retry`, `triplet-found`; `retried` and `known` are halves of the latter.
struct ReasonArgument: ExpressibleByArgument, Equatable {
    /// The reasons that are meant.
    let codes: [ReasonCode]

    init?(argument: String) {
        let word = argument.lowercased().replacing(" ", with: "-").replacing("_", with: "-")
        switch word {
        case "retried": codes = [.retried]
        case "known": codes = [.known]
        default: codes = ReasonCode.allCases.filter { Self.word($0) == word }
        }
        if codes.isEmpty { return nil }
    }

    private static func word(_ code: ReasonCode) -> String { "\(code.text)".lowercased().replacing(" ", with: "-") }

    static var allValueStrings: [String] {
        var words: [String] = []
        for word in ReasonCode.allCases.map(word) where !words.contains(word) { words.append(word) }
        return words + ["retried", "known"]
    }

    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}

/// Decisions as lines of a table.
struct DecisionTable {
    private let attempts: [HistoryAttempt]

    init(_ attempts: [HistoryAttempt]) {
        self.attempts = attempts
    }

    private static let head = ["time", "action", "reason", "client", "sender", "recipient", "count"]

    /// The lines, the head first.
    var lines: [String] {
        TextTable(head: Self.head, rows: attempts.map(Self.row), texts: Self.head.count - 1).lines
    }

    /// A line by itself, which comes below others of which nobody knows yet.
    static func line(_ attempt: HistoryAttempt) -> String {
        TextTable.line(row(attempt), widths: [20, 8, 15, 15, 0, 0, 0], texts: head.count - 1)
    }

    private static func row(_ attempt: HistoryAttempt) -> [String] {
        let isNamed = !attempt.clientName.isEmpty && attempt.clientName != "unknown"
        return [
            utcTime(attempt.time.seconds), attempt.action + (attempt.isObserved ? " (observed)" : ""),
            "\(attempt.reason.text)" + (attempt.reason == .retried ? ", first pass" : ""),
            TextTable.cell(attempt.clientAddress) + (isNamed ? " (\(TextTable.cell(attempt.clientName)))" : ""),
            attempt.sender.isEmpty ? "<>" : TextTable.cell(attempt.sender), TextTable.cell(attempt.recipient),
            grouped(attempt.count),
        ]
    }
}

/// Reads what comes into a history, look by look.
struct HistoryFollower {
    private let source: HistorySource
    private let filter: HistoryFilter
    /// The last decision that was read; nil before the first look.
    private var last: HistoryAttempt.ID?
    /// Which file it was in: the daemon may begin a new one, which counts from 1 again.
    private var inode: UInt64?

    /// Whether there is more than the last look has read.
    private(set) var isBehind = false

    /// How many decisions are read at a time.
    private static let slice = 1_000

    /// Follows decisions; those that are there already are read as many as the filter's limit.
    init(_ source: HistorySource, _ filter: HistoryFilter) {
        self.source = source
        self.filter = filter
    }

    /// What is new since the last look, the oldest first; nothing while another program keeps the file locked, or where the
    /// daemon is about to begin a new one.
    mutating func next() throws(ProgramError) -> [HistoryAttempt] {
        let current = (try? Stat(source.path)).map { UInt64($0.inode.rawValue) }
        if last != nil, current != inode {
            guard current != nil else { return [] }
            last = 0
        }
        do throws(HistoryError) {
            let reader = try HistoryReader(path: source.path, siteKeys: source.siteKeys)
            inode = current
            return try read(reader)
        } catch {
            guard last != nil, error.code == .locked || error.code == .missing else { throw ProgramError(error) }
            return []
        }
    }

    private mutating func read(_ reader: HistoryReader) throws(HistoryError) -> [HistoryAttempt] {
        // Behind this none is looked at again, whether the filter takes it or not.
        let newest = try reader.decisions(HistoryFilter(limit: 1)).first?.id ?? 0
        guard let last else {
            let found = try reader.decisions(filter)
            self.last = max(newest, found.map(\.id).max() ?? 0)
            return found.reversed()
        }
        var filter = filter
        (filter.afterID, filter.limit) = (last, Self.slice)
        let found = try reader.decisions(filter)
        isBehind = found.count == Self.slice
        self.last = max(last, isBehind ? 0 : newest, found.last?.id ?? 0)
        return found
    }
}
