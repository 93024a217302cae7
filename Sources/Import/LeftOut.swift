/// Why lines of a foreign database give no entry.
public enum LeftOutReason: String, Sendable, CaseIterable {
    /// It doesn't have the form of the others.
    case malformed
    /// It is longer than any line that is read.
    case lineTooLong
    /// The client's address can't be read.
    case address
    /// The client is a network that is wider than the site's, so whom it stands for isn't known.
    case widerNetwork
    /// The sender or the recipient is longer than any that is kept.
    case mailboxTooLong
    /// The sender or the recipient has control characters, or there is no recipient.
    case mailbox
    /// A time can't be read.
    case time
    /// A time lies more than a day in the future.
    case future
    /// A time lies before greylisting was invented, as 1970 does.
    case past
    /// Only postgrey's digest is known, and requests aren't looked up by it.
    case digest
    /// The file ends before the entry does.
    case incomplete
    /// The other file of the pair has nothing under this hash.
    case unpaired
    /// There are more entries to be joined than are kept in memory.
    case tooMany
    /// There is nothing here that would mean the same.
    case noEquivalent
    /// A whitelist entry names nothing that could match.
    case condition

    /// A sentence for reports.
    public var message: String {
        switch self {
        case .malformed: "not a line of this format"
        case .lineTooLong: "the line is too long"
        case .address: "invalid client address"
        case .widerNetwork: "the client's network is wider than this site's"
        case .mailboxTooLong: "the sender or the recipient is too long"
        case .mailbox: "the sender or the recipient is invalid"
        case .time: "invalid time"
        case .future: "the time lies in the future"
        case .past: "the time lies before the year 2000"
        case .digest: "only a digest is known (postgrey --privacy): set service.postgrey_digests"
        case .incomplete: "the entry is cut off"
        case .unpaired: "the other file has nothing under this hash"
        case .tooMany: "too many entries to join"
        case .noEquivalent: "this has no equivalent here"
        case .condition: "not an address, network or name that could match"
        }
    }
}

/// A line that was left out.
public struct LeftOutLine: Sendable, Equatable, CustomStringConvertible {
    /// The name of the file.
    public let file: String
    /// Its number in the file, from 1.
    public let line: Int
    /// Why.
    public let reason: LeftOutReason
    /// What it is about, where the reason alone doesn't say it.
    public let detail: String?

    /// `FILE:12: invalid client address`.
    public var description: String {
        "\(file):\(line): \(reason.message)" + (detail.map { " (\($0))" } ?? "")
    }
}

/// What became of the lines of a foreign database.
///
/// Each line is taken, skipped or left out; an entry may have more lines than one.
public struct ImportCounts: Sendable, Equatable {
    /// How many lines were read.
    public internal(set) var lines = 0
    /// Lines that belong to entries.
    public internal(set) var takenLines = 0
    /// Lines that have nothing to do with entries: comments, headings, other programs' lines in a log.
    public internal(set) var skippedLines = 0
    /// Lines that were left out.
    public internal(set) var leftOutLines = 0
    /// Entries of triplets, those of digests included.
    public internal(set) var triplets = 0
    /// Entries of clients, those of digests included.
    public internal(set) var clients = 0
    /// Entries of whitelists.
    public internal(set) var whitelistEntries = 0
    /// How many entries were left out for each reason.
    public internal(set) var leftOut: [LeftOutReason: Int] = [:]
    /// The first of those that were left out, at most `mostTold`.
    public internal(set) var told: [LeftOutLine] = []

    /// How many lines are told one by one.
    public static let mostTold = 100

    /// Nothing so far.
    public init() {}

    /// All entries.
    public var entries: Int { triplets + clients + whitelistEntries }
}
