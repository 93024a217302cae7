public import Greylist

/// An attempt to send a mail to one recipient, by the log of the server that was to take it.
public struct IncomingMail: Sendable, Equatable {
    /// The client's address, as it is logged.
    public let client: [UInt8]
    /// Its name; `unknown` where it has none.
    public let clientName: [UInt8]
    /// What it called itself; empty where the log doesn't say.
    public let helo: [UInt8]
    /// The envelope sender, as Postfix tells it to policy servers; empty for the null sender.
    public let sender: [UInt8]
    /// The recipient, in the same form.
    public let recipient: [UInt8]
    /// When it was tried.
    public let time: Timestamp
    /// Whether it was taken; else a greylister told the client to come back.
    public let isAccepted: Bool
}

/// Why something that came in isn't an attempt of somebody else's mail.
public enum UncountedReason: String, Sendable, CaseIterable {
    /// The client was logged in: mail of our own users.
    case authenticated
    /// The client has a private address, or is the server itself.
    case privateClient
    /// The recipient is of another domain: mail of our own networks.
    case recipientElsewhere
    /// The log doesn't say from where the mail came: its line is older, or was forgotten; or it is the server's own.
    case unknownClient
    /// The line doesn't have the form of the others.
    case malformed
    /// The sender or the recipient can't be read, or is longer than any that is kept.
    case mailbox
    /// The client's address can't be read.
    case address
    /// The time can't be read, lies more than a day in the future, or before the year 2000.
    case time

    /// A sentence for reports.
    public var message: String {
        switch self {
        case .authenticated: "the client was logged in"
        case .privateClient: "the client has a private address, or is this server"
        case .recipientElsewhere: "the recipient is not of local_domains"
        case .unknownClient: "the log does not say from where it came"
        case .malformed: "not a line of this format"
        case .mailbox: "the sender or the recipient is invalid"
        case .address: "the client's address is invalid"
        case .time: "invalid time"
        }
    }
}

/// What became of the lines of mail logs.
public struct IncomingCounts: Sendable, Equatable {
    /// How many lines were read.
    public internal(set) var lines = 0
    /// How many of them were too long to be looked at.
    public internal(set) var longLines = 0
    /// How many attempts were taken.
    public internal(set) var accepted = 0
    /// How many were told to come back by a greylister.
    public internal(set) var deferred = 0
    /// How many were left out for each reason.
    public internal(set) var leftOut: [UncountedReason: Int] = [:]
    /// Mails that were forgotten, since more were on their way than are kept.
    public internal(set) var forgotten = 0

    /// Nothing so far.
    public init() {}
}

/// Reads from the logs of Postfix what came in, slice by slice, in the order of time and in bounded memory.
///
/// What is read, and by which rules, is as with ``SentMailSource``.
public struct IncomingMailSource {
    private var run: MailLogRun<IncomingLog>
    private var hasEnded = false

    /// A source of these logs, in any order; their beginnings are read, which may block.
    ///
    /// - Parameters:
    ///   - options: the time of day, and what local time is
    ///   - isLocal: whether a domain, in lower case and without a final dot, is ours
    /// - Throws: where one isn't a log, can't be read, or needs a program that isn't installed
    public init(
        _ logs: [MailLog], options: ImportOptions, isLocal: @escaping @Sendable (_ domain: [UInt8]) -> Bool
    ) throws(ImportError) {
        run = try MailLogRun(
            logs, options: options, tools: UnpackedFile.tools, parser: IncomingLog(options, isLocal: isLocal))
    }

    /// What became of the lines so far.
    public var counts: IncomingCounts { run.parser.counts }

    /// The next attempts, perhaps none; nil when all are read.
    ///
    /// May block. A log that can't be read to its end is told of once what came before is read; the call after that goes on
    /// with the next log.
    public mutating func next() throws(ImportError) -> [IncomingMail]? {
        if try run.advance() { return run.parser.takeMails() }
        if hasEnded { return nil }
        hasEnded = true
        return run.parser.takeLastMails()
    }
}
