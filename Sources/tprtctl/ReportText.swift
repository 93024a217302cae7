import Engine
import Greylist
import History
import JSONText

/// A report for people: as tables for a terminal, or as a mail.
struct ReportText {
    private let site: SiteReport
    private let report: HistoryReport
    /// Whether commands are folded, too, and left out where they can't be.
    private let wraps: Bool

    /// The text of a report.
    ///
    /// - Parameter wraps: whether no line may be wider than a mail's
    init(_ site: SiteReport, wraps: Bool) {
        (self.site, report, self.wraps) = (site, site.report, wraps)
    }

    /// All of it.
    var text: String {
        guard !site.isEmpty else { return "Nothing is recorded of mail \(period)." }
        let parts = [
            ["Mail \(period)"], mails, waits, reasons, proofs, networks, senders, lane,
        ]
        return parts.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }

    /// All of it as a mail: the header with the subject first, and the text.
    ///
    /// - Parameter host: the name of the server; empty where it isn't known
    func mail(from host: String) -> String {
        let cases = report.cases
        var subject = "greylisting: \(grouped(cases.all)) mails"
        if let median = report.wait.median {
            subject += ", \(grouped(report.wait.count)) waited \(HistoryWords.duration(median))"
        }
        subject += ", \(grouped(cases.neverCameBack)) never came back"
        if !host.isEmpty { subject += " (\(HistoryWords.shortened(host)))" }
        // A header may go on in the next line, and no holiday notice answers this mail.
        return FoldedText(subject, lead: "Subject: ").text + "\nAuto-Submitted: auto-generated\n\n\(text)"
    }

    private var period: String {
        let length = HistoryWords.duration(report.until.since(report.since))
        return "from \(HistoryWords.minute(report.since)) to \(HistoryWords.minute(report.until)) (\(length))"
    }

    private var mails: [String] {
        let cases = report.cases
        let counts = [
            ("passed at once", cases.passedAtOnce), ("passed after waiting", cases.passedAfterWaiting),
            ("never came back", cases.neverCameBack), ("may still come back", cases.waiting),
            ("would have waited (observed)", cases.observed),
        ]
        let rows = counts.filter { $0.1 > 0 }.map { [$0.0, grouped($0.1), Self.share($0.1, cases.all)] }
        let note = "A mail is what one client, or its organisation, sends from one sender to one recipient."
        return TextTable(head: ["mails", grouped(cases.all), "share"], rows: rows).lines + FoldedText(note).lines
    }

    private var waits: [String] {
        let times = [("until it passed", report.wait), ("of it by the sender's choice", report.beyondDelay)]
        let rows = times.compactMap { name, times -> [String]? in
            guard let median = times.median, let most = times.percentile95 else { return nil }
            return [name, grouped(times.count), HistoryWords.duration(median), HistoryWords.duration(most)]
        }
        return rows.isEmpty ? [] : TextTable(head: ["wait", "mails", "median", "95 % within"], rows: rows).lines
    }

    private var reasons: [String] {
        let rows = report.reasons.map { count in
            [Self.name(count.reason), Self.number(count.passed), Self.number(count.deferred)]
        }
        return rows.isEmpty ? [] : TextTable(head: ["requests by reason", "passed", "deferred"], rows: rows).lines
    }

    private var proofs: [String] {
        let rows = report.byProof.map { count in
            [
                count.proof.map { "\($0.word)" } ?? "unknown", grouped(count.cases), grouped(count.neverCameBack),
                Self.share(count.neverCameBack, count.cases),
            ]
        }
        let head = ["deferred mail by proof", "mails", "never came back", "share"]
        return rows.isEmpty ? [] : TextTable(head: head, rows: rows).lines
    }

    private var networks: [String] {
        let rows = report.neverCameBack.map { [TextTable.cell($0.network), grouped($0.cases), grouped($0.senders)] }
        let head = ["never came back, by network", "mails", "senders"]
        return rows.isEmpty ? [] : TextTable(head: head, rows: rows).lines
    }

    private static func name(_ reason: ReasonCode) -> String {
        reason == .retried ? "\(reason.text), first pass" : "\(reason.text)"
    }

    private static func number(_ count: Int) -> String { count == 0 ? "-" : grouped(count) }

    /// In whole percent; never all or nothing where that isn't quite true.
    private static func share(_ part: Int, _ whole: Int) -> String {
        guard whole > 0 else { return "-" }
        if part > 0, part * 100 < whole { return "< 1 %" }
        if part < whole, part * 100 > whole * 99 { return "> 99 %" }
        return "\((part * 200 + whole) / (whole * 2)) %"
    }
}

extension ReportText {
    private var senders: [String] {
        guard !site.senders.isEmpty else { return [] }
        let rows = site.senders.map { sender in
            let sufferer = sender.sufferer
            return [
                TextTable.cell(sufferer.name, widest: 36), grouped(sufferer.cases),
                HistoryWords.duration(sufferer.median), HistoryWords.duration(sufferer.total),
            ]
        }
        let head = ["senders whose mail waited", "mails", "median", "all together"]
        let help = site.senders.compactMap(help)
        let title = "What would let them pass at once, as an entry of a whitelist and as a command:"
        return TextTable(head: head, rows: rows).lines + (help.isEmpty ? [] : ["", title] + help)
    }

    private func help(_ sender: SiteReport.Sender) -> String? {
        guard let entry = sender.entry else { return nil }
        let note = sender.isShared ? " (many senders have it in common)" : ""
        let name = "\(TextTable.cell(sender.sufferer.name))\(note):"
        guard wraps else { return "\(name)\n    \(entry.line)\n    \(entry.command)" }
        guard let line = Self.folded(entry.line, continuation: ""),
            let command = Self.folded(entry.command, continuation: " \\")
        else { return "\(name)\n    too long for a mail: see tprtctl report" }
        return "\(name)\n\(line)\n\(command)"
    }

    /// A line in several ones, parted at blanks; nil where a word is too long.
    ///
    /// - Parameters:
    ///   - continuation: what stands at the end of each but the last
    ///   - margin: how many columns are left free
    private static func folded(_ line: String, continuation: String, margin: Int = 0) -> String? {
        // A line feed between single quotes needs nothing before it, and JSON takes it for a blank.
        guard !line.contains("'") else { return folded(quoting: line) }
        let room = FoldedText.columns - 4 - continuation.count - margin
        var lines: [String] = []
        var isOption = false
        for word in line.split(separator: " ") {
            guard word.count <= room else { return nil }
            // An option and its value stay together.
            if let last = lines.last, last.count + 1 + word.count <= room, isOption || !word.hasPrefix("--") {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
            isOption = word.hasPrefix("--")
        }
        return lines.map { "    " + $0 }.joined(separator: continuation + "\n")
    }

    /// The same of a command with an entry in single quotes at its end.
    private static func folded(quoting line: String) -> String? {
        guard let quote = line.firstIndex(of: "'"),
            let start = folded(String(line[..<quote]), continuation: " \\"),
            let entry = folded(String(line[quote...].dropFirst().dropLast()), continuation: "", margin: 2)
        else { return nil }
        return "\(start) \\\n    '\(entry.dropFirst(4))'"
    }

    private var lane: [String] {
        let spared = site.spared
        guard spared > 0 else { return [] }
        let parts = report.spared.filter { $0.passed > 0 }.map { "\(grouped($0.passed)) by \"\($0.reason.text)\"" }
        var sentence = "The fast lane let \(counted(spared, "mail", "mails")) pass at once: "
        sentence += "\(parts.joined(separator: ", ")). Otherwise \(spared == 1 ? "it" : "each") would have waited "
        sentence += "\(HistoryWords.duration(site.delay)) at least"
        if let median = report.wait.median, median > site.delay {
            sentence += "; half of the mail that waits does so for \(HistoryWords.duration(median)) or more"
        }
        return FoldedText(sentence + ".").lines
    }
}
