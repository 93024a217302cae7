import Bytes
import Greylist

/// Reads from Postfix' log what came in: smtpd(8) names the client of a mail, qmgr(8) its sender, and what delivers it each
/// recipient.
///
/// What greylisters told clients is read, too. It does no I/O, and its memory is bounded: by the longest line, by `mostOpen` mails on their way with names and senders of at
/// most 1,700 bytes and `mostRecipients` recipients each, by `mostHeld` attempts that are held back until those before them
/// are read, and by what the pieces held that were fed since `takeMails`.
struct IncomingLog: MailLogParser {
    /// How many mails on their way are kept: more than a busy server has in its queue.
    static let mostOpen = 100_000
    /// How many recipients of a mail are told apart; one more counts each time that it is tried.
    private static let mostRecipients = 1_000
    /// How many attempts are held back.
    private static let mostHeld = 100_000
    /// How long they are: recipients of a mail are known when it is delivered, which may take as long.
    private static let patience: Int64 = 600
    private static let day: Int64 = 86_400
    /// 2000-01-01.
    private static let oldest = Timestamp(seconds: 946_684_800)

    /// A mail that is on its way.
    private struct OpenMail {
        let client: [UInt8]
        let clientName: [UInt8]
        let time: Timestamp
        /// Why it doesn't count; nil where it does.
        let reason: UncountedReason?
        /// Nil as long as it isn't known, or where it can't be read.
        var sender: [UInt8]?
        /// The digests of those that were counted.
        var recipients: Set<Int> = []
    }

    private let options: ImportOptions
    private let isLocal: @Sendable ([UInt8]) -> Bool
    /// The options with the time at which the log was written, which tells the year of its lines.
    private var logOptions: ImportOptions
    var splitter = LineSplitter()
    private var open: OpenMails<OpenMail>
    private var held = TimeQueue<IncomingMail>()
    private var mails: [IncomingMail] = []
    private var lineCounts = IncomingCounts()
    /// The time of the last attempt that was handed over.
    private var last = Self.oldest

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
    var counts: IncomingCounts {
        var counts = lineCounts
        counts.forgotten = open.forgotten
        return counts
    }

    mutating func begin(written: Timestamp) {
        splitter = LineSplitter()
        logOptions.now = min(options.now, written)
    }

    /// Hands over the attempts that were read since the last time, and that none before them can follow any more.
    mutating func takeMails() -> [IncomingMail] {
        defer { mails.removeAll(keepingCapacity: false) }
        return mails
    }

    /// Hands over all that are left; all logs have ended.
    mutating func takeLastMails() -> [IncomingMail] {
        release(until: nil)
        return takeMails()
    }

    mutating func read(_ line: Span<UInt8>?) {
        lineCounts.lines += 1
        guard let line else {
            lineCounts.longLines += 1
            return
        }
        guard let found = IncomingLine(line) else { return }
        // No host has a blank in its name.
        var name = line.extracting(found.host).array
        name.append(0x20)
        name.append(copying: line.extracting(found.id))
        switch found.event {
        case .opened(let client, let isAuthenticated): begin(name, line, client, isAuthenticated)
        case .queued(let place):
            let sender = line.extracting(place)
            open.change(name) { $0.sender = sender.isEmpty ? [] : sender.mailbox }
        case .delivered(let recipient, let original): deliver(name, line.extracting(original ?? recipient))
        case .removed: open.close(name)
        case .deferred(let client, let sender, let recipient, let helo):
            turnAway(line, client, sender, recipient, helo)
        case .malformed: leaveOut(.malformed)
        }
    }
}

extension IncomingLog {
    /// A mail begins.
    private mutating func begin(
        _ name: [UInt8], _ line: Span<UInt8>, _ client: IncomingLine.Client, _ isAuthenticated: Bool
    ) {
        guard let time = time(of: line) else { return leaveOut(.time) }
        let address = line.extracting(client.address)
        let reason: UncountedReason? =
            if isAuthenticated {
                .authenticated
            } else if let client = Address(client: address) {
                client.isPrivate ? .privateClient : nil
            } else {
                .address
            }
        open.open(
            name,
            OpenMail(
                client: address.array, clientName: line.extracting(client.name).array, time: time, reason: reason,
                sender: nil))
    }

    /// A mail goes to a recipient: that it was taken for it is told once.
    private mutating func deliver(_ name: [UInt8], _ recipient: Span<UInt8>) {
        guard let mail = open[name] else { return leaveOut(.unknownClient) }
        let recipient = recipient.mailbox
        let digest = recipient.hashValue
        guard !mail.recipients.contains(digest) else { return }
        if mail.recipients.count < Self.mostRecipients { open.change(name) { $0.recipients.insert(digest) } }
        if let reason = mail.reason { return leaveOut(reason) }
        guard let sender = mail.sender, let recipient else { return leaveOut(.mailbox) }
        guard isOurs(recipient) else { return leaveOut(.recipientElsewhere) }
        lineCounts.accepted += 1
        hold(
            IncomingMail(
                client: mail.client, clientName: mail.clientName, helo: [], sender: sender, recipient: recipient,
                time: mail.time, isAccepted: true))
    }

    /// A greylister has told a client to come back.
    private mutating func turnAway(
        _ line: Span<UInt8>, _ client: IncomingLine.Client, _ sender: Range<Int>, _ recipient: Range<Int>,
        _ helo: Range<Int>
    ) {
        guard let time = time(of: line) else { return leaveOut(.time) }
        let address = line.extracting(client.address)
        guard let parsed = Address(client: address) else { return leaveOut(.address) }
        guard !parsed.isPrivate else { return leaveOut(.privateClient) }
        let sender = sender.isEmpty ? [] : line.extracting(sender).mailbox
        guard let sender, let recipient = line.extracting(recipient).mailbox else { return leaveOut(.mailbox) }
        guard isOurs(recipient) else { return leaveOut(.recipientElsewhere) }
        lineCounts.deferred += 1
        let name = client.name.isEmpty ? Array("unknown".utf8) : line.extracting(client.name).array
        hold(
            IncomingMail(
                client: address.array, clientName: name, helo: line.extracting(helo).array, sender: sender,
                recipient: recipient, time: time, isAccepted: false))
    }

    private func time(of line: Span<UInt8>) -> Timestamp? {
        guard let time = LogTime.read(line, logOptions), time >= Self.oldest,
            time.seconds <= options.now.seconds + Self.day
        else { return nil }
        return min(time, options.now)
    }

    /// Whether an address is of a domain of ours; one without a domain is.
    private func isOurs(_ mailbox: [UInt8]) -> Bool { mailbox.domain.map(isLocal) ?? true }

    private mutating func leaveOut(_ reason: UncountedReason) { lineCounts.leftOut[reason, default: 0] += 1 }

    /// Holds an attempt back until those before it are read.
    private mutating func hold(_ mail: IncomingMail) {
        held.insert(mail, at: mail.time)
        release(until: Timestamp(seconds: mail.time.seconds - Self.patience))
    }

    /// Hands over what was tried before that moment, or all; and what is too much.
    private mutating func release(until moment: Timestamp?) {
        while let next = held.nextTime, held.count > Self.mostHeld || moment.map({ next <= $0 }) ?? true,
            let mail = held.removeFirst()
        {
            // What comes too late for its place is taken for as late as that.
            last = max(last, mail.time)
            mails.append(last == mail.time ? mail : mail.tried(at: last))
        }
    }
}

extension IncomingMail {
    /// The same at another time.
    fileprivate func tried(at time: Timestamp) -> IncomingMail {
        IncomingMail(
            client: client, clientName: clientName, helo: helo, sender: sender, recipient: recipient, time: time,
            isAccepted: isAccepted)
    }
}
