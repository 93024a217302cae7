import Greylist

/// Reads from Postfix' log to whom our users wrote: qmgr(8) names the sender of a mail, smtp(8) each recipient that it has
/// delivered it to.
///
/// It does no I/O, and its memory is bounded: by the longest line, by `mostOpen` mails on their way with names and senders
/// of at most 1,400 bytes each, and by what the pieces held that were fed since `takeMails`.
struct PostfixLog: MailLogParser {
    /// How many mails on their way are kept: more than a busy server has in its queue.
    static let mostOpen = 100_000
    private static let day: Int64 = 86_400
    /// 2000-01-01.
    private static let oldest = Timestamp(seconds: 946_684_800)

    /// Who sent a mail.
    private enum Sender: Equatable {
        /// Somebody here.
        case ours([UInt8])
        /// Somebody else.
        case elsewhere
        /// Nobody.
        case null
        /// It can't be read.
        case invalid
    }

    /// A mail that is in the queue by now.
    private struct QueuedMail {
        let sender: Sender
        /// Whether it has taught something.
        var isJoined: Bool
    }

    private let options: ImportOptions
    private let isLocal: @Sendable ([UInt8]) -> Bool
    /// The options with the time at which the log was written, which tells the year of its lines.
    private var logOptions: ImportOptions
    var splitter = LineSplitter()
    private var open: OpenMails<QueuedMail>
    private var mails: [SentMail] = []
    private var lineCounts = SentMailCounts()

    /// A reader that hasn't read anything.
    ///
    /// - Parameter isLocal: whether a domain, in lower case, is ours
    init(_ options: ImportOptions, mostOpen: Int = Self.mostOpen, isLocal: @escaping @Sendable ([UInt8]) -> Bool) {
        self.options = options
        self.isLocal = isLocal
        logOptions = options
        open = OpenMails(most: mostOpen)
    }

    /// What became of the lines so far.
    var counts: SentMailCounts {
        var counts = lineCounts
        counts.forgotten = open.forgotten
        return counts
    }

    /// Another log begins; what the one before said of mails still counts.
    ///
    /// - Parameter written: when it was written last
    mutating func begin(written: Timestamp) {
        splitter = LineSplitter()
        logOptions.now = min(options.now, written)
    }

    /// Hands over the mails that were read since the last time.
    mutating func takeMails() -> [SentMail] {
        defer { mails.removeAll(keepingCapacity: false) }
        return mails
    }

    /// Reads a line; nil stands for one that is too long.
    mutating func read(_ line: Span<UInt8>?) {
        lineCounts.lines += 1
        guard let line else {
            lineCounts.longLines += 1
            return
        }
        guard let found = PostfixLine(line) else { return }
        // No host has a blank in its name.
        var name = line.extracting(found.host).array
        name.append(0x20)
        name.append(copying: line.extracting(found.id))
        switch found.event {
        case .queued(let sender): queue(name, self.sender(line.extracting(sender)))
        case .removed: open.close(name)
        case .malformed: leaveOut(.malformed)
        case .sent(let recipient, let original):
            switch open[name]?.sender {
            case .ours(let sender): take(line, from: sender, to: recipient, original, mail: name)
            case .elsewhere: leaveOut(.senderElsewhere)
            case .null: leaveOut(.nullSender)
            case .invalid: leaveOut(.mailbox)
            case nil: leaveOut(.unknownSender)
            }
        }
    }

    /// A mail has come into the queue, or is tried again.
    private mutating func queue(_ name: [UInt8], _ sender: Sender) {
        let before = open[name]
        open.open(name, QueuedMail(sender: sender, isJoined: before?.isJoined == true && before?.sender == sender))
    }

    private func sender(_ text: Span<UInt8>) -> Sender {
        if text.isEmpty { return .null }
        guard let mailbox = text.mailbox else { return .invalid }
        return mailbox.domain.map(isLocal) == true ? .ours(mailbox) : .elsewhere
    }

    private mutating func take(
        _ line: Span<UInt8>, from sender: [UInt8], to place: Range<Int>, _ original: Range<Int>?, mail: [UInt8]
    ) {
        guard let recipient = line.extracting(place).mailbox else { return leaveOut(.mailbox) }
        guard !isOurs(recipient) else { return leaveOut(.recipientOurs) }
        if let original {
            guard let written = line.extracting(original).mailbox else { return leaveOut(.mailbox) }
            guard !isOurs(written) else { return leaveOut(.forwarded) }
        }
        guard let time = LogTime.read(line, logOptions), time >= Self.oldest,
            time.seconds <= options.now.seconds + Self.day
        else { return leaveOut(.time) }
        mails.append(SentMail(sender: sender, recipient: recipient, time: min(time, options.now)))
        lineCounts.recipients += 1
        guard open[mail]?.isJoined == false else { return }
        open.change(mail) { $0.isJoined = true }
        lineCounts.mails += 1
    }

    /// Whether an address is of a domain of ours; one without a domain is.
    private func isOurs(_ mailbox: [UInt8]) -> Bool { mailbox.domain.map(isLocal) ?? true }

    private mutating func leaveOut(_ reason: UnlearntReason) { lineCounts.leftOut[reason, default: 0] += 1 }
}
