import Greylist

/// Reads who passed from mail logs with postgrey's lines.
///
/// Such a line has `action=pass, reason=triplet found[, delay=N], client_name=…, client_address=A[, sender=S],
/// recipient=R` behind the time, in the form of syslog or of RFC 3339. All others are skipped.
struct PostgreyLog {
    private static let needle: StaticString = "action=pass, reason=triplet found, "
    /// How many lines are looked at to tell a log.
    private static let patience = 1_000
    /// Whether a line began with a time.
    private var isLog = false

    mutating func read(_ line: Span<UInt8>, into outlet: inout Outlet) {
        if !isLog, outlet.line <= Self.patience { isLog = LogTime.read(line, outlet.options) != nil }
        guard let found = line.firstRange(of: Self.needle) else { return outlet.skip() }
        guard let time = LogTime.read(line.extracting(0..<found.lowerBound), outlet.options) else {
            return outlet.leaveOut(.time)
        }
        var fields = line.extracting(found.upperBound..<line.count)
        var delay: Int64 = 0
        if fields.starts(with: "delay="), let comma = fields.firstRange(of: ", ") {
            guard let seconds = fields.extracting(6..<comma.lowerBound).integer, seconds >= 0 else {
                return outlet.leaveOut(.malformed)
            }
            delay = seconds
            fields = fields.extracting(comma.upperBound..<fields.count)
        }
        // No client can have a comma in its name, but a sender or a recipient may hold anything.
        guard let address = fields.firstRange(of: "client_address="),
            let addressEnd = fields.firstRange(of: ", ", from: address.upperBound),
            let recipient = fields.lastRange(of: "recipient=", from: addressEnd.upperBound)
        else { return outlet.leaveOut(.malformed) }
        guard let client = Address(client: fields.extracting(address.upperBound..<addressEnd.lowerBound)) else {
            return outlet.leaveOut(.address)
        }
        var sender = 0..<0
        if recipient.lowerBound > addressEnd.upperBound {
            let start = addressEnd.upperBound + 7
            guard fields.extracting(addressEnd.upperBound..<fields.count).starts(with: "sender="),
                start + 2 <= recipient.lowerBound
            else { return outlet.leaveOut(.malformed) }
            sender = start..<recipient.lowerBound - 2
        }
        let first = Timestamp(seconds: time.seconds.subtractingReportingOverflow(delay).partialValue)
        outlet.take(
            client: Network(client), sender: fields.extracting(sender),
            recipient: fields.extracting(recipient.upperBound..<fields.count),
            times: ImportedTimes(first: first, last: time, hasPassed: true))
    }

    /// A log has ended.
    func finish(_ outlet: Outlet) throws(ImportError) {
        guard isLog || outlet.line == 0 else {
            throw ImportError(
                .otherFormat, outlet.file, line: 1,
                "not \(ImportFormat.database(.postgreyLog).name): no line begins with a time")
        }
    }
}

/// Reads the time at the beginning of a line of syslog.
enum LogTime {
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Where the blank behind the time is, perhaps behind a fraction; nil where no line with a time is that short.
    static func end(of line: Span<UInt8>) -> Int? {
        guard line.count > 15 else { return nil }
        // A blank may stand between date and time.
        return line.firstIndex(of: 0x20, from: line[4] == UInt8(ascii: "-") ? 11 : 15)
    }

    /// `Nov 29 06:52:53`, or a date and time as databases have them; nil for anything else.
    ///
    /// The first form has neither zone nor year: it is local time, in the last year in which it isn't in the future.
    static func read(_ line: Span<UInt8>, _ options: ImportOptions) -> Timestamp? {
        if line.count >= 19, line[4] == UInt8(ascii: "-") {
            return TimeText.read(line.extracting(0..<(end(of: line) ?? line.count)), utcOffset: options.utcOffset)
        }
        guard line.count >= 15, line[3] == 0x20, line[6] == 0x20, line[9] == UInt8(ascii: ":"),
            line[12] == UInt8(ascii: ":"),
            let month = months.firstIndex(where: { line.starts(with: $0) }),
            let day = line[4] == 0x20 ? line.number(5..<6) : line.number(4..<6)
        else { return nil }
        let (hour, minute, second) = (line.number(7..<9), line.number(10..<12), line.number(13..<15))
        let limit = Timestamp(seconds: options.now.seconds + 86_400)
        let thisYear = Int64(limit.civilDate.year)
        // The 29th of February may be some years back.
        for year in stride(from: thisYear, to: thisYear - 9, by: -1) {
            guard let time = TimeText.civil(year, Int64(month + 1), day, hour, minute, second) else { continue }
            let moment = Timestamp(seconds: time.seconds - options.utcOffset)
            if moment <= limit { return moment }
        }
        return nil
    }
}
