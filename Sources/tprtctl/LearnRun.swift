import Control
import FileCalls
import Greylist
import Import
import JSONText
import Programs
import SystemPackage
import TrustedFiles

/// Logs to be read, opened.
struct MailLogs {
    let logs: [MailLog]
    /// They are closed with this value.
    private let files: [ImportInput.OpenFile]

    /// Opens files; `-` is standard input.
    init(_ paths: [String]) throws(ProgramError) {
        var (logs, files): ([MailLog], [ImportInput.OpenFile]) = ([], [])
        for path in paths {
            if path == "-" {
                let file = ImportInput.OpenFile(try ImportInput.spool())
                files.append(file)
                logs.append(MailLog(file: file.descriptor, name: path))
                continue
            }
            let reach = try ImportInput.reach(path)
            let file = ImportInput.OpenFile(try ImportInput.open(reach))
            guard (try? Stat(file.descriptor))?.type == .regular else {
                throw ProgramError(.noInput, "\(bareOrQuoted(path)): is not a regular file (- is standard input)")
            }
            files.append(file)
            let user = reach.user.map { ToolUser(user: $0.user, group: $0.group) }
            logs.append(MailLog(file: file.descriptor, name: path, user: user))
        }
        (self.logs, self.files) = (logs, files)
    }
}

/// One run over logs: what they say of whom users wrote to, handed to a daemon.
struct LearnRun {
    private let logs: MailLogs
    private let client: ControlClient
    private var source: SentMailSource
    private var summary = LearnSummary()
    private var slice: [LearnOrder.Mail] = []
    /// How much of `LearnOrder.room` the slice takes.
    private var size = 0

    /// A run over these logs, whose beginnings are read.
    ///
    /// - Parameters:
    ///   - domains: those of the site, of which senders teach
    ///   - utcOffset: how many seconds local time is ahead of UTC
    init(
        _ logs: MailLogs, from domains: [String], now: Timestamp, utcOffset: Int64, to client: ControlClient
    ) throws(ProgramError) {
        self.logs = logs
        self.client = client
        let domains = Set(
            domains.map { domain in Array((domain.last == "." ? domain.dropLast() : domain[...]).lowercased().utf8) })
        do throws(ImportError) {
            source = try SentMailSource(logs.logs, options: ImportOptions(now: now, utcOffset: utcOffset)) {
                domains.contains($0)
            }
        } catch {
            throw ProgramError(error, result: "nothing was learnt")
        }
    }

    /// Reads everything.
    mutating func run() throws(ProgramError) -> LearnSummary {
        let start = ContinuousClock.now
        var bar = ProgressBar()
        while let mails = next() {
            for mail in mails { try take(mail) }
            bar.show(
                ProgressLine(
                    read: source.counts.lines, elapsed: ContinuousClock.now - start, unit: ("line", "lines")))
        }
        try flush()
        (summary.logs, summary.counts) = (logs.logs.count, source.counts)
        summary.seconds = (ContinuousClock.now - start) / .seconds(1)
        return summary
    }

    /// The next mails; nil when all are read.
    ///
    /// A log that can't be read to its end is noted, and the next one is read.
    private mutating func next() -> [SentMail]? {
        do throws(ImportError) {
            return try source.next()
        } catch {
            summary.faults.append("\(error); what stands before that was learnt")
            return []
        }
    }

    private mutating func take(_ mail: SentMail) throws(ProgramError) {
        guard let sender = String(validating: mail.sender, as: UTF8.self),
            let recipient = String(validating: mail.recipient, as: UTF8.self)
        else {
            summary.otherCharacters += 1
            return
        }
        let mail = LearnOrder.Mail(seconds: mail.time.seconds, sender: sender, recipient: recipient)
        if size + mail.size > LearnOrder.room { try flush() }
        slice.append(mail)
        size += mail.size
    }

    private mutating func flush() throws(ProgramError) {
        guard !slice.isEmpty else { return }
        let order = LearnOrder(slice)
        (slice, size) = ([], 0)
        let receipt: LearnReceipt?
        do throws(ProgramError) {
            receipt = LearnReceipt(try client.carryOut(order.request))
        } catch {
            guard summary.taught > 0 else { throw error }
            throw ProgramError(
                error.status,
                error.messages + ["\(grouped(summary.taught)) were taken; run it again: what is learnt stays as it is"])
        }
        guard let receipt else { throw client.misunderstanding }
        summary.taught += receipt.lessons
        summary.refused += order.mails.count - receipt.lessons
        summary.written += receipt.written
    }
}

/// What a run came to.
struct LearnSummary {
    /// How many logs there were.
    var logs = 0
    /// What became of the lines.
    var counts = SentMailCounts()
    /// Recipients whose address, or whose sender's, isn't UTF-8.
    var otherCharacters = 0
    /// Recipients that taught something, known ones among them.
    var taught = 0
    /// Those that the daemon left out, since they are of its domains, or the sender answers for the postmaster.
    var refused = 0
    /// Entries that were written.
    var written = 0
    /// What couldn't be read, a sentence each.
    var faults: [String] = []
    /// How long it took.
    var seconds = 0.0

    /// How many recipients were left out for each reason: its name, a sentence, the number.
    private var leftOut: [(reason: String, message: String, count: Int)] {
        let read = UnlearntReason.allCases.map { ($0.rawValue, $0.message, counts.leftOut[$0] ?? 0) }
        let others = [
            ("characters", "an address is not UTF-8", otherCharacters),
            (
                "daemon", "of a domain that the daemon knows as yours, or sent by postmaster, abuse or mailer-daemon",
                refused
            ),
        ]
        return (read + others).filter { $0.2 > 0 }
    }

    /// A table for people, and what was left out.
    var text: String {
        let numbers = [logs, counts.lines, counts.mails, counts.recipients, taught, written].map(grouped)
        var lines = [
            TextTable(head: ["logs", "lines", "mails", "recipients", "learnt from", "new entries"], rows: [numbers])
                .text
        ]
        let leftOut = leftOut
        if !leftOut.isEmpty {
            let number = leftOut.reduce(0) { $0 + $1.count }
            lines.append("left out: \(grouped(number)) \(number == 1 ? "recipient" : "recipients")")
            lines += leftOut.map { "  \(grouped($0.count)): \($0.message)" }
        }
        if counts.longLines > 0 {
            lines.append("too long to be looked at: \(counted(counts.longLines, "line", "lines"))")
        }
        if counts.forgotten > 0 {
            let mails = counted(counts.forgotten, "mail", "mails")
            lines.append("forgotten before they were sent, since too many were on their way: \(mails)")
        }
        return lines.joined(separator: "\n")
    }

    /// One JSON object.
    var json: JSONValue {
        .object([
            "logs": .int(logs), "lines": .int(counts.lines),
            "long_lines": .int(counts.longLines),
            "mails": .int(counts.mails),
            "recipients": .int(counts.recipients), "learnt_from": .int(taught), "new_entries": .int(written),
            "forgotten_mails": .int(counts.forgotten),
            "left_out": .array(
                leftOut.map { reason, message, count in
                    .object(["reason": .string(reason), "message": .string(message), "count": .int(count)])
                }),
            "faults": .array(faults.map { .string($0) }), "milliseconds": .int(Int(seconds * 1_000)),
        ])
    }
}
