import ArgumentParser
import Control
import FoundationEssentials
import Greylist
import JSONText
import Programs
import Settings

/// `tprtctl list`.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what waits, what is known, and the organisations that a daemon knows.",
        discussion: """
            waiting: mail that was told to wait and may still come back, the oldest first, with the time from which it may \
            pass. known: mail that has passed, the last one first. Both are from the history, for which no daemon has to run.

            earned: organisations whose mail need not wait, where it is proven to come from them, since they have earned it \
            or were allowed. learned: those which your users wrote to, and how many did. denied: those which are kept out of \
            the fast lane. These are sorted by name, and a daemon has to run.

            Times are in UTC. Ends with status 1 where there are none, with 69 where no daemon answers, with 66, 69 or 77 \
            where the history can't be read, and with 78 where none is kept.
            """)

    /// What is listed.
    enum Subject: String, CaseIterable, ExpressibleByArgument {
        case waiting, known, earned, learned, denied
    }

    @Argument(help: ArgumentHelp("waiting, known, earned, learned or denied.", valueName: "what"))
    var subject: Subject

    @Option(help: ArgumentHelp("Show at most so many.", valueName: "number"))
    var limit: Int?

    @OptionGroup var history: HistoryAccess

    @OptionGroup var daemon: ControlAccess

    func validate() throws {
        guard limit.map({ $0 > 0 }) ?? true else { throw ValidationError("--limit is a number, from 1") }
        let isMail = subject == .waiting || subject == .known
        if isMail, daemon.socket != nil {
            throw ValidationError("--socket: list \(subject.rawValue) reads the history (--history-db)")
        }
        if !isMail, history.historyDb != nil {
            throw ValidationError("--history-db: list \(subject.rawValue) asks the daemon (--socket)")
        }
    }

    func run() throws {
        switch subject {
        case .waiting: try list { try CaseListing(waitingIn: $0, at: $1, limit: limit) }
        case .known: try list { try CaseListing(knownIn: $0, at: $1, limit: limit) }
        case .earned: try list(.earned)
        case .learned: try list(.learned)
        case .denied: try list(.denied)
        }
    }

    private func list(_ read: (HistorySource, Timestamp) throws -> CaseListing) throws {
        let loaded = try daemon.settings.load(environment: ProcessInfo.processInfo.environment)
        let listing = try read(try history.source(under: loaded), WallClock.now())
        var output = Output()
        if daemon.json {
            try output.say(listing.json.text)
        } else {
            for line in listing.lines { try output.say(line) }
        }
        try output.flush()
        if listing.isEmpty { throw ExitCode(1) }
    }

    private func list(_ kind: IdentityListing.Kind) throws {
        let client = try daemon.client()
        var listing = IdentityListing(kind)
        let start = ContinuousClock.now
        var bar = ProgressBar()
        defer { ProgressBar.wipe() }
        var order = IdentityListOrder()
        repeat {
            guard let list = IdentityList(try client.carryOut(order.request)) else { throw client.misunderstanding }
            listing.add(list)
            order.cursor = list.next
            bar.show(ProgressLine(read: listing.read, elapsed: ContinuousClock.now - start))
        } while !order.cursor.isEmpty
        ProgressBar.wipe()
        try say(daemon.json ? listing.json(limit: limit).text : listing.text(limit: limit))
        if listing.isEmpty { throw ExitCode(1) }
    }
}

/// The organisations of one kind, out of the slices of the table.
struct IdentityListing {
    /// Which organisations.
    enum Kind: String, CaseIterable {
        case earned, learned, denied
    }

    private let kind: Kind
    private var found: [String: IdentityStatus] = [:]
    /// How many entries say whom a user wrote to.
    private(set) var correspondences = 0
    /// How many entries were looked at, for the progress.
    private(set) var read = 0

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// Whether there is nothing of that kind.
    var isEmpty: Bool { found.isEmpty && (kind != .learned || correspondences == 0) }

    /// Adds a slice; what a later one says of an organisation holds.
    mutating func add(_ list: IdentityList) {
        correspondences += list.correspondences
        read += list.correspondences + list.entries.count
        for status in list.entries { found[status.organisation] = belongs(status) ? status : nil }
    }

    private func belongs(_ status: IdentityStatus) -> Bool {
        switch kind {
        case .earned: status.hasEarned == true || status.order == "allow"
        case .learned: status.users != nil
        case .denied: status.order == "deny"
        }
    }

    private func sorted(_ limit: Int?) -> ArraySlice<IdentityStatus> {
        found.values.sorted { $0.organisation < $1.organisation }.prefix(limit ?? .max)
    }

    /// A table for people.
    func text(limit: Int? = nil) -> String {
        var lines: [String] = []
        let shown = sorted(limit)
        if found.isEmpty { lines.append("no organisation is \(kind.rawValue)") }
        if !shown.isEmpty { lines.append(TextTable(head: head, rows: shown.map(row)).text) }
        if shown.count < found.count { lines.append("and \(grouped(found.count - shown.count)) more") }
        if kind == .learned { lines.append("entries of who wrote to whom: \(grouped(correspondences))") }
        return lines.joined(separator: "\n")
    }

    /// One JSON object.
    func json(limit: Int? = nil) -> JSONValue {
        var members: [String: JSONValue] = [
            "organisations": .array(sorted(limit).map(\.json)), "total": .int(found.count),
        ]
        if kind == .learned { members["correspondences"] = .int(correspondences) }
        return .object(members)
    }

    private var head: [String] {
        switch kind {
        case .earned: ["organisation", "days", "recipients", "users", "last", "order"]
        case .learned: ["organisation", "users", "last"]
        case .denied: ["organisation", "since", "days", "recipients", "users"]
        }
    }

    private func row(_ status: IdentityStatus) -> [String] {
        let counts = [status.days, status.recipients, status.users].map { $0.map { grouped($0.number) } ?? "-" }
        let name = bareOrQuoted(status.organisation)
        func time(_ seconds: Int64?) -> String { seconds.map(utcTime) ?? "-" }
        return switch kind {
        case .earned: [name] + counts + [time(status.last), status.order ?? "-"]
        case .learned: [name, counts[2], time(status.users?.last)]
        case .denied: [name, time(status.since)] + counts
        }
    }
}
