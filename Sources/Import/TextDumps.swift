import Greylist

/// Reads the text dump of milter-greylist: `IP  <from>  <rcpt>  epoch [AUTO] # date`, between tabs.
///
/// A plain entry waits, and its epoch is when it is accepted at the earliest; that of an `AUTO` one, which has passed, is
/// when it ends.
enum MilterGreylistDump {
    /// `autowhite`: how long an entry lives after its last use, unless that is configured.
    private static let autoWhitelisted: Int64 = 86_400

    static func read(_ line: Span<UInt8>, into outlet: inout Outlet) {
        let words = line.words
        guard let first = words.first, line[first.lowerBound] != UInt8(ascii: "#") else { return outlet.skip() }
        guard words.count >= 4 else { return outlet.leaveOut(.malformed) }
        guard let client = ClientText.network(line.extracting(first)) else {
            return outlet.leaveOut(.address, shown(line.extracting(first)))
        }
        guard let epoch = line.extracting(words[3]).integer else { return outlet.leaveOut(.time) }
        let sender = line.extracting(words[1])
        let recipient = line.extracting(words[2])
        let isPassed = words.count > 4 && line.extracting(words[4]).isSame(as: "AUTO")
        // When it passed isn't kept, but when the entry ends: a day after its last use, or more where that is configured.
        let time =
            isPassed
            ? min(Timestamp(seconds: epoch - autoWhitelisted), outlet.options.taken)
            : Timestamp(seconds: epoch - outlet.options.milterGreylistDelay)
        let before = outlet.counts.triplets
        outlet.take(
            client: client, sender: sender.extracting(sender.withoutBrackets),
            recipient: recipient.extracting(recipient.withoutBrackets),
            times: ImportedTimes(first: time, last: time, hasPassed: isPassed))
        guard isPassed, outlet.counts.triplets > before else { return }
        outlet.take(ImportedClient(client: client, count: .one, first: time, last: time), lines: 0)
    }
}

/// Reads what `spamdb` prints (OpenBSD's spamd).
///
/// | line | meaning |
/// | --- | --- |
/// | `WHITE\|ip\|\|\|first\|pass\|expire\|blocked\|passed` | a client that has passed |
/// | `GREY\|ip\|helo\|from\|to\|first\|pass\|expire\|blocked\|passed` | a first attempt |
/// | `TRAPPED\|ip\|expire`, `SPAMTRAP\|address` | traps, for which there is nothing here |
enum SpamdbText {
    /// `whiteexp`: how long an entry lives after its last use, 36 days.
    private static let lifetime: Int64 = 864 * 3_600

    static func read(_ line: Span<UInt8>, into outlet: inout Outlet) {
        let fields = line.barFields
        guard let kind = fields.first, line.trimmed.count > 0 else { return outlet.skip() }
        let word = line.extracting(kind)
        if word.isSame(as: "TRAPPED") || word.isSame(as: "SPAMTRAP") {
            return outlet.leaveOut(.noEquivalent, word.text)
        }
        let isWhite = word.isSame(as: "WHITE")
        guard isWhite && fields.count == 9 || word.isSame(as: "GREY") && fields.count == 10 else {
            return outlet.leaveOut(.malformed, shown(line))
        }
        guard let client = ClientText.network(line.extracting(fields[1])) else {
            return outlet.leaveOut(.address, shown(line.extracting(fields[1])))
        }
        guard let first = line.extracting(fields[isWhite ? 4 : 5]).integer else { return outlet.leaveOut(.time) }
        guard isWhite else {
            let time = Timestamp(seconds: first)
            let (sender, recipient) = (line.extracting(fields[3]), line.extracting(fields[4]))
            return outlet.take(
                client: client, sender: sender.extracting(sender.withoutBrackets),
                recipient: recipient.extracting(recipient.withoutBrackets),
                times: ImportedTimes(first: time, last: time, hasPassed: false))
        }
        guard let pass = line.extracting(fields[5]).integer, let end = line.extracting(fields[6]).integer else {
            return outlet.leaveOut(.time)
        }
        guard let passes = line.extracting(fields[8]).integer else { return outlet.leaveOut(.malformed) }
        // The last use isn't kept, but when the entry ends.
        let last = max(pass, min(end - lifetime, outlet.options.taken.seconds))
        outlet.take(
            ImportedClient(
                client: client, count: .total(UInt32(clamping: max(1, passes))), first: Timestamp(seconds: first),
                last: Timestamp(seconds: last)))
    }
}

extension Span<UInt8> {
    /// The fields between bars.
    fileprivate var barFields: [Range<Int>] {
        var (fields, start) = ([Range<Int>](), 0)
        while let end = firstIndex(of: UInt8(ascii: "|"), from: start), fields.count < 16 {
            fields.append(start..<end)
            start = end + 1
        }
        fields.append(start..<count)
        return fields
    }
}
