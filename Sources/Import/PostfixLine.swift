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

    /// The host, empty where none is logged: queue ids are unique on one only.
    let host: Range<Int>
    let id: Range<Int>
    let event: Event

    /// What a line says; nil where it says nothing of this, as nearly all do.
    init?(_ line: Span<UInt8>) {
        guard let head = PostfixHead(line), let program = line.extracting(head.program).program,
            let (id, start) = head.queueID(line)
        else { return nil }
        (host, self.id) = (head.host, id)
        let event =
            switch program {
            case .queueManager: Self.queueEvent(line, from: start)
            case .client: Self.clientEvent(line, from: start)
            }
        guard let event else { return nil }
        self.event = event
    }

    /// `from=<SENDER>, size=N, nrcpt=N (queue active)`, or `removed`.
    private static func queueEvent(_ line: Span<UInt8>, from start: Int) -> Event? {
        if line.extracting(start..<line.count).equals("removed") { return .removed }
        return line.queuedSender(from: start).map { .queued(sender: $0) }
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

extension Span<UInt8> {
    /// The program of that name.
    fileprivate var program: PostfixProgram? {
        if equals("smtp") { return .client }
        return equals("qmgr") || equals("oqmgr") ? .queueManager : nil
    }

    /// The sender in `from=<SENDER>, size=N, nrcpt=N (queue active)`, which begins there; nil where it doesn't.
    func queuedSender(from start: Int) -> Range<Int>? {
        // What follows the sender is Postfix' own, so the sender ends where this is found last.
        guard extracting(start..<count).starts(with: "from=<"), let end = lastRange(of: ">, size=", from: start + 6)
        else { return nil }
        return start + 6..<end.lowerBound
    }

    /// Where an address ends in `>, ` that begins there; a quoted local part may have that in it.
    func mailboxEnd(from start: Int) -> Int? {
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
