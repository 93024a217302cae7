import Greylist
import History
import Import
import JSONText

/// A simulation for people.
struct SimulationText {
    private let report: SimulationReport
    private var tally: MailTally { report.tally }

    /// The text of a simulation.
    init(_ report: SimulationReport) {
        self.report = report
    }

    /// All of it.
    var text: String {
        let notes = notes.flatMap { FoldedText($0, lead: "- ").lines }
        guard tally.recorded.all > 0 else {
            return
                ([isOfLogs ? "The log tells of no mail that came in." : "Nothing is recorded of mail \(period)."]
                + notes)
                .joined(separator: "\n")
        }
        let parts = [FoldedText("Mail \(period), \(settings)").lines, fates, waits, changes] + senders + [notes]
        return parts.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    private var isOfLogs: Bool {
        if case .logs = report.source { true } else { false }
    }

    private var period: String {
        guard let since = report.since, let until = report.until else { return "" }
        let length = HistoryWords.duration(until.since(since))
        return "from \(HistoryWords.minute(since)) to \(HistoryWords.minute(until)) (\(length))"
    }

    private var settings: String {
        report.files.isEmpty
            ? "under the settings of a fresh installation"
            : "under \(report.files.map { bareOrQuoted($0) }.joined(separator: ", "))"
    }

    private var head: [String] { isOfLogs ? ["logged", "simulated"] : ["recorded", "simulated"] }

    private var fates: [String] {
        let (before, after) = (tally.recorded, tally.simulated)
        let rows: [(String, Int, Int)] = [
            ("passed at once", before.atOnce, after.atOnce),
            ("passed after waiting", before.waited, after.waited),
            ("waits, for how long is unknown", before.unknown, after.unknown),
            ("never came back", before.neverCameBack, after.neverCameBack),
            ("may still come back", before.mayComeBack, after.mayComeBack),
        ]
        return TextTable(
            head: ["mails"] + head,
            rows: rows.filter { $0.1 > 0 || $0.2 > 0 }.map { [$0.0, Self.number($0.1), Self.number($0.2)] }
                + [["all", grouped(before.all), grouped(after.all)]]
        ).lines
    }

    private var waits: [String] {
        let columns = [tally.recorded.waits, tally.simulated.waits]
        guard columns.contains(where: { $0.count > 0 }) else { return [] }
        func row(_ name: String, _ percent: Int) -> [String] {
            [name] + columns.map { $0.percentile(percent).map(HistoryWords.duration) ?? "-" }
        }
        return TextTable(
            head: ["wait, where it is known"] + head, rows: [row("median", 50), row("95 % within", 95)]
        ).lines
    }

    private var changes: [String] {
        guard tally.changed > 0 else { return ["These settings would have changed nothing."] }
        let rows = MailTally.Change.allCases.filter { tally[$0] > 0 }.map { [$0.words, grouped(tally[$0])] }
        return TextTable(head: ["what would change", "mails"], rows: rows).lines
    }

    private var senders: [[String]] {
        MailTally.Change.allCases.compactMap { change in
            let top = tally.top(change, report.limit)
            guard !top.isEmpty else { return nil }
            return TextTable(
                head: ["senders: \(change.words)", "mails"],
                rows: top.map { [TextTable.cell($0.name), grouped($0.mails)] }
            ).lines
        }
    }

    private static func number(_ count: Int) -> String { count == 0 ? "-" : grouped(count) }
}

/// What is to be known of how it was replayed.
extension SimulationText {
    private var notes: [String] {
        var notes: [String] = []
        if report.observesOnly {
            notes.append(
                "These settings only observe, so all mail would pass. Otherwise "
                    + "\(counted(report.observed, "attempt", "attempts")) would have been told to wait.")
        }
        let unknown = tally.simulated.unknown
        if unknown > 0 {
            notes.append(
                "\(counted(unknown, "mail", "mails")) would have to come back once more than recorded, a new one after "
                    + "\(HistoryWords.duration(report.delay)) at the earliest. When they would is up to their senders, and nobody "
                    + "knows. They are taken to come back as soon as they may, so that later mail of their senders counts as known."
            )
        }
        switch report.source {
        case .history(let history, let today, let beginning):
            if report.doubtful > 0 {
                notes.append(
                    "\(grouped(report.doubtful)) of them might pass all the same: what SPF says of their senders, or a list in "
                        + "the DNS of their clients, is not recorded.")
            }
            notes += self.notes(history, today, beginning)
        case .logs(let counts, _): notes += self.notes(counts)
        }
        return notes
    }

    private func notes(_ history: HistorySimulation.Notes, _ today: [String], _ beginning: Timestamp?) -> [String] {
        var notes: [String] = []
        if history.assumed > 0, let beginning {
            notes.append(
                "\(counted(history.assumed, "time", "times")) something was taken as known that was learnt before the history "
                    + "begins (\(HistoryWords.minute(beginning))), or that it does not have, such as your users' own mail: both "
                    + "under today's settings and under these.")
        }
        if history.untrusted > 0 {
            notes.append(
                "\(counted(history.untrusted, "decision", "decisions")) to let mail pass by the fast lane hold only if SPF "
                    + "proves the sender well enough, which is not recorded.")
        }
        if history.withoutClients > 0 {
            notes.append(
                "\(counted(history.withoutClients, "attempt", "attempts")) are kept without any address "
                    + "(history_addresses: hashed): of these, only delays can be simulated. Whitelists, masks and the fast lane "
                    + "make no difference here.")
        } else if history.withoutAddresses > 0 {
            notes.append(
                "\(counted(history.withoutAddresses, "attempt", "attempts")) are kept without the local parts of addresses "
                    + "(history_addresses: domain): whitelist entries for single addresses make no difference here.")
        }
        if history.unreadable > 0 {
            notes.append("\(counted(history.unreadable, "attempt", "attempts")) could not be replayed.")
        }
        let whole = history.attempts - history.unreadable
        if whole > 0, history.explained < whole {
            let names = today.isEmpty ? "the defaults" : today.map { bareOrQuoted($0) }.joined(separator: ", ")
            var note =
                "Of \(counted(whole, "decision", "decisions")), \(grouped(history.explained)) are those of today's settings "
                + "(\(names)); where both settings decide alike otherwise, too, what was recorded counts."
            if history.explained * 100 < whole * 95 {
                note += " That is little: name the configuration by which they were made with --today."
            }
            notes.append(note)
        }
        return notes
    }

    private func notes(_ counts: IncomingCounts) -> [String] {
        var notes: [String] = []
        if tally.recorded.all > 0 {
            notes.append(
                "Nothing is known of senders before the log begins, so all of them are new then. With --since, what comes before "
                    + "makes them known, and only what comes after it counts.")
        }
        if report.doubtful > 0 {
            notes.append(
                "\(grouped(report.doubtful)) of the mails that would wait might pass sooner: no log says what SPF would have "
                    + "proven, so senders are known by their networks and names alone.")
        }
        for (reason, count) in counts.leftOutInOrder {
            notes.append("Left out: \(grouped(count)), since \(reason.message).")
        }
        if counts.longLines > 0 {
            notes.append("Too long to be looked at: \(counted(counts.longLines, "line", "lines")).")
        }
        if counts.forgotten > 0 {
            notes.append(
                "Forgotten, since too many were on their way: \(counted(counts.forgotten, "mail", "mails")).")
        }
        return notes
    }
}

extension MailTally.Change {
    /// The difference in words.
    fileprivate var words: String {
        switch self {
        case .spared: "would pass at once, and waited"
        case .shorter: "would wait less"
        case .letIn: "would pass, and were kept out"
        case .delayed: "would have to wait, and passed at once"
        case .longer: "would wait longer"
        }
    }
}
