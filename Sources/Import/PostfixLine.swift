import Bytes

/// What a line of Postfix' log says of the way of a mail, as places in the line.
///
/// Only what Postfix itself has written is gone by. An address may hold anything, and so may the text in parentheses
/// behind `status=`, which is what the other server said.
struct PostfixLine {
    /// What became of a mail.
    enum Event: Equatable {
        /// qmgr(8) takes it into the active queue, after a deferral once more.
        case queued(sender: Range<Int>)
        /// smtp(8) has delivered it to a recipient, who was written to under another address perhaps.
        case sent(recipient: Range<Int>, original: Range<Int>?)
        /// qmgr(8) has removed it, so that its queue id may be used again.
        case removed
        /// smtp(8) has something to say of a recipient, and it can't be read.
        case malformed
    }

    /// The longest host and queue id: RFC 1123 allows 255, and Postfix' ids have about twenty.
    private static let (longestHost, longestID) = (255, 32)

    /// The host, empty where none is logged: queue ids are unique on one only.
    let host: Range<Int>
    let id: Range<Int>
    let event: Event

    /// What a line says; nil where it says nothing of this, as nearly all do.
    init?(_ line: Span<UInt8>) {
        guard let timeEnd = LogTime.end(of: line), let colon = line.firstRange(of: ": ", from: timeEnd),
            let blank = line.lastIndex(of: 0x20, before: colon.lowerBound), blank >= timeEnd,
            let program = line.program(blank + 1..<colon.lowerBound)
        else { return nil }
        host = timeEnd + 1..<max(timeEnd + 1, line.firstIndex(of: 0x20, from: timeEnd + 1) ?? 0)
        var idEnd = colon.upperBound
        while idEnd < line.count, line[idEnd].isOfQueueID { idEnd += 1 }
        id = colon.upperBound..<idEnd
        guard id.count > 0, id.count <= Self.longestID, host.count <= Self.longestHost,
            line.firstRange(of: ": ", from: idEnd)?.lowerBound == idEnd
        else { return nil }
        let event =
            switch program {
            case .queueManager: Self.queueEvent(line, from: idEnd + 2)
            case .client: Self.clientEvent(line, from: idEnd + 2)
            }
        guard let event else { return nil }
        self.event = event
    }

    /// `from=<SENDER>, size=N, nrcpt=N (queue active)`, or `removed`.
    private static func queueEvent(_ line: Span<UInt8>, from start: Int) -> Event? {
        let text = line.extracting(start..<line.count)
        if text.equals("removed") { return .removed }
        // What follows the sender is Postfix' own, so the sender ends where this is found last.
        guard text.starts(with: "from=<"), let end = line.lastRange(of: ">, size=", from: start + 6) else { return nil }
        return .queued(sender: start + 6..<end.lowerBound)
    }

    /// `to=<RECIPIENT>, [orig_to=<RECIPIENT>, ]relay=HOST, [conn_use=N, ]delay=N, delays=N/N/N/N, dsn=N, status=sent (TEXT)`.
    private static func clientEvent(_ line: Span<UInt8>, from start: Int) -> Event? {
        guard line.extracting(start..<line.count).starts(with: "to=<") else { return nil }
        guard let end = line.mailboxEnd(from: start + 4) else { return .malformed }
        let recipient = start + 4..<end
        var next = end + 3
        var original: Range<Int>?
        if line.extracting(next..<line.count).starts(with: "orig_to=<") {
            guard let end = line.mailboxEnd(from: next + 9) else { return .malformed }
            original = next + 9..<end
            next = end + 3
        }
        // No value of these fields holds a comma.
        while let equal = line.firstIndex(of: UInt8(ascii: "="), from: next) {
            let name = line.extracting(next..<equal)
            if name.equals("status") {
                let word = line.extracting(equal + 1..<(line.firstIndex(of: 0x20, from: equal + 1) ?? line.count))
                return word.equals("sent") ? .sent(recipient: recipient, original: original) : nil
            }
            guard
                name.equals("relay") || name.equals("conn_use") || name.equals("delay") || name.equals("delays")
                    || name.equals("dsn"),
                let comma = line.firstRange(of: ", ", from: equal)
            else { return .malformed }
            next = comma.upperBound
        }
        return .malformed
    }
}

/// The programs of Postfix that say something of the way of a mail.
private enum PostfixProgram {
    case queueManager, client
}

extension UInt8 {
    /// Whether queue ids have it: short ones hexadecimal digits in capitals, long ones digits and letters but vowels.
    ///
    /// So no word is taken for one, such as `warning` or `NOQUEUE`.
    fileprivate var isOfQueueID: Bool {
        switch self {
        case UInt8(ascii: "a"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "u"),
            UInt8(ascii: "I"), UInt8(ascii: "O"), UInt8(ascii: "U"):
            false
        default: isLetterOrDigit
        }
    }
}

extension Span<UInt8> {
    /// The program that a tag names: its name follows the last slash of `syslog_name`, as in `postfix-out/relay/smtp[12]`.
    fileprivate func program(_ tag: Range<Int>) -> PostfixProgram? {
        let end = firstIndex(of: UInt8(ascii: "["), in: tag) ?? tag.upperBound
        guard let slash = lastIndex(of: UInt8(ascii: "/"), before: end), slash >= tag.lowerBound else { return nil }
        let name = extracting(slash + 1..<end)
        if name.equals("smtp") { return .client }
        return name.equals("qmgr") || name.equals("oqmgr") ? .queueManager : nil
    }

    /// Where an address ends in `>, ` that begins there; a quoted local part may have that in it.
    fileprivate func mailboxEnd(from start: Int) -> Int? {
        var index = start
        if index < count, self[index] == UInt8(ascii: "\"") {
            index += 1
            while index < count, self[index] != UInt8(ascii: "\"") {
                index += self[index] == UInt8(ascii: "\\") ? 2 : 1
            }
        }
        return firstRange(of: ">, ", from: index)?.lowerBound
    }

    /// An address as Postfix tells it to policy servers, made from the form that it logs (`info_log_address_format`): its
    /// local part without quotes; nil where it can't be one.
    var mailbox: [UInt8]? {
        guard (1...Outlet.longestMailbox).contains(count) else { return nil }
        var text: [UInt8] = []
        var index = 0
        if self[0] == UInt8(ascii: "\"") {
            index = 1
            while index < count, self[index] != UInt8(ascii: "\"") {
                if self[index] == UInt8(ascii: "\\") { index += 1 }
                guard index < count else { return nil }
                text.append(self[index])
                index += 1
            }
            index += 1
            guard index <= count, index == count || self[index] == UInt8(ascii: "@") else { return nil }
        }
        text.append(copying: extracting(index..<count))
        return text.span.isPrintable ? text : nil
    }
}

extension [UInt8] {
    /// The domain of an address in lower case, without a final dot; nil where it has none.
    var domain: [UInt8]? {
        guard let at = lastIndex(of: UInt8(ascii: "@")) else { return nil }
        let end = last == UInt8(ascii: ".") ? count - 1 : count
        return at + 1 < end ? self[(at + 1)..<end].map(\.lowercased) : nil
    }
}
