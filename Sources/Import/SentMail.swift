public import Greylist

/// A mail of one of our users that has reached a recipient elsewhere.
public struct SentMail: Sendable, Equatable {
    /// The envelope sender, as Postfix tells it to policy servers: without the quotes of its local part, in any case.
    public let sender: [UInt8]
    /// The recipient, in the same form.
    public let recipient: [UInt8]
    /// When the other server took it.
    public let time: Timestamp

    /// A mail.
    public init(sender: [UInt8], recipient: [UInt8], time: Timestamp) {
        self.sender = sender
        self.recipient = recipient
        self.time = time
    }
}

/// Why a recipient whom smtp(8) delivered to teaches nothing.
public enum UnlearntReason: String, Sendable, CaseIterable {
    /// The mail has no sender: a bounce, a receipt, a vacation message.
    case nullSender
    /// The sender is of another domain: forwarded mail.
    case senderElsewhere
    /// The recipient is of a domain of ours, or has no domain.
    case recipientOurs
    /// The mail was written to an address of ours that leads elsewhere; the sender may never have heard of the recipient.
    case forwarded
    /// The log doesn't say who the sender is: its line is older, or was forgotten.
    case unknownSender
    /// The line doesn't have the form of the others.
    case malformed
    /// The sender or the recipient can't be read, or is longer than any that is kept.
    case mailbox
    /// The time can't be read, lies more than a day in the future, or before the year 2000.
    case time

    /// A sentence for reports.
    public var message: String {
        switch self {
        case .nullSender: "the mail has no sender"
        case .senderElsewhere: "the sender is not of local_domains"
        case .recipientOurs: "the recipient is of local_domains"
        case .forwarded: "the mail was written to an address of local_domains and forwarded"
        case .unknownSender: "the log does not say who sent it"
        case .malformed: "not a line of this format"
        case .mailbox: "the sender or the recipient is invalid"
        case .time: "invalid time"
        }
    }
}

/// What became of the lines of mail logs.
public struct SentMailCounts: Sendable, Equatable {
    /// How many lines were read.
    public internal(set) var lines = 0
    /// How many of them were too long to be looked at.
    public internal(set) var longLines = 0
    /// Mails of which at least one recipient was learnt.
    public internal(set) var mails = 0
    /// Recipients that were learnt, as often as mail to them was sent.
    public internal(set) var recipients = 0
    /// How many recipients were left out for each reason.
    public internal(set) var leftOut: [UnlearntReason: Int] = [:]
    /// Mails whose sender was forgotten, since more were on their way than are kept.
    public internal(set) var forgotten = 0

    /// Nothing so far.
    public init() {}
}
