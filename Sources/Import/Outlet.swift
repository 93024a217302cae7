import Greylist
import Storage
import Whitelists

/// Where readers put what they find: what is taken is checked here, once for all formats, and everything is counted.
struct Outlet {
    /// The most bytes of a sender or a recipient: RFC 5321 allows 320.
    static let longestMailbox = 1_024
    /// 2000-01-01, before there was greylisting.
    private static let oldest = Timestamp(seconds: 946_684_800)
    private static let day: Int64 = 86_400

    let options: ImportOptions
    /// The name of the file that is read.
    var file: String
    /// How many lines of it were read.
    var line = 0
    /// Where the entry begins that is read, if that isn't the line that was read last.
    var entryLine: Int?
    private(set) var entries: [ImportedEntry] = []
    private(set) var counts = ImportCounts()

    init(_ options: ImportOptions, file: String) {
        self.options = options
        self.file = file
    }

    /// Hands over the entries so far.
    mutating func drain() -> [ImportedEntry] {
        defer { entries.removeAll(keepingCapacity: false) }
        return entries
    }

    /// Another line was read.
    mutating func countLine() {
        line += 1
        counts.lines += 1
    }

    /// A line, or so many, say nothing of entries.
    mutating func skip(lines: Int = 1) {
        counts.skippedLines += lines
    }

    /// Lines give no entry.
    ///
    /// - Parameters:
    ///   - lines: how many lines the entry has; 0 where it has been counted
    ///   - line: where it stands; nil for the line that is read
    mutating func leaveOut(
        _ reason: LeftOutReason, lines: Int = 1, at line: Int? = nil, _ detail: @autoclosure () -> String? = nil
    ) {
        counts.leftOutLines += lines
        counts.leftOut[reason, default: 0] += 1
        guard counts.told.count < ImportCounts.mostTold else { return }
        counts.told.append(
            LeftOutLine(file: file, line: line ?? entryLine ?? self.line, reason: reason, detail: detail()))
    }

    // MARK: Entries

    mutating func take(
        client: Network, sender: Span<UInt8>, recipient: Span<UInt8>, times: ImportedTimes, lines: Int = 1
    ) {
        guard let times = checked(times, lines: lines) else { return }
        guard sender.count <= Self.longestMailbox, recipient.count <= Self.longestMailbox else {
            return leaveOut(.mailboxTooLong, lines: lines)
        }
        guard recipient.count > 0, sender.isPrintable, recipient.isPrintable else {
            return leaveOut(.mailbox, lines: lines)
        }
        take(
            .triplet(
                ImportedTriplet(client: client, sender: sender.array, recipient: recipient.array, times: times)),
            lines: lines)
    }

    mutating func take(_ client: ImportedClient, lines: Int = 1) {
        let times = ImportedTimes(first: client.first, last: client.last, hasPassed: true)
        guard let times = checked(times, lines: lines) else { return }
        take(
            .client(ImportedClient(client: client.client, count: client.count, first: times.first, last: times.last)),
            lines: lines)
    }

    mutating func take(_ digest: ImportedDigest, lines: Int) {
        let times =
            switch digest.subject {
            case .triplet(let times): times
            case .client(_, let last): ImportedTimes(first: last, last: last, hasPassed: true)
            }
        guard let times = checked(times, lines: lines) else { return }
        var digest = digest
        switch digest.subject {
        case .triplet: digest.subject = .triplet(times)
        case .client(let passes, _): digest.subject = .client(passes: passes, last: times.last)
        }
        take(.digest(digest), lines: lines)
    }

    /// Takes an entry of a whitelist.
    mutating func take(_ condition: Condition, effect: WhitelistEntry.Effect = .pass, comment: String? = nil) {
        let entry = WhitelistEntry(
            condition, effect: effect, comment: comment, index: counts.whitelistEntries, line: line)
        take(.whitelist(entry), lines: 1)
    }

    private mutating func take(_ entry: ImportedEntry, lines: Int) {
        entries.append(entry)
        counts.takenLines += lines
        switch entry {
        case .triplet: counts.triplets += 1
        case .client: counts.clients += 1
        case .digest(let digest): if digest.table == .greylist { counts.triplets += 1 } else { counts.clients += 1 }
        case .whitelist: counts.whitelistEntries += 1
        }
    }

    /// Times that can be; those of a clock that is a little ahead are taken as when the text was written.
    private mutating func checked(_ times: ImportedTimes, lines: Int) -> ImportedTimes? {
        let now = options.now
        if times.last.seconds > now.seconds + Self.day {
            leaveOut(.future, lines: lines)
            return nil
        }
        if times.first < Self.oldest {
            leaveOut(.past, lines: lines)
            return nil
        }
        func moment(_ time: Timestamp) -> Timestamp { time > now ? options.taken : time }
        return ImportedTimes(first: moment(times.first), last: moment(times.last), hasPassed: times.hasPassed)
    }
}

extension Span<UInt8> {
    /// Whether it has no control characters, which no mail address has.
    var isPrintable: Bool {
        for index in indices where self[index] < 0x20 || self[index] == 0x7f { return false }
        return true
    }
}
