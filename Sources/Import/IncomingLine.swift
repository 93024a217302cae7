import Bytes

/// What a line of Postfix' log says of mail that comes in, as places in the line.
///
/// An address may hold anything, and so may what the other server said: where a line is made to be read otherwise than it was
/// meant, one mail is counted wrong, and nothing else.
struct IncomingLine {
    /// A client as it is logged: `mx.example.org[192.0.2.7]`.
    struct Client: Equatable {
        let name: Range<Int>
        let address: Range<Int>
    }

    /// What came of it.
    enum Event: Equatable {
        /// smtpd(8) takes a mail from a client, who is logged in or not.
        case opened(Client, isAuthenticated: Bool)
        /// qmgr(8) takes it into the active queue.
        case queued(sender: Range<Int>)
        /// It goes to a recipient, who was written to under another address perhaps.
        case delivered(recipient: Range<Int>, original: Range<Int>?)
        /// qmgr(8) has removed it.
        case removed
        /// A greylister has told a client to come back.
        case deferred(Client, sender: Range<Int>, recipient: Range<Int>, helo: Range<Int>)
        /// It is of one of these, and can't be read.
        case malformed
    }

    /// The host, empty where none is logged.
    let host: Range<Int>
    /// The queue id; empty where the mail has none.
    let id: Range<Int>
    let event: Event

    /// What a line says; nil where it says nothing of this, as many do.
    init?(_ line: Span<UInt8>) {
        guard let head = PostfixHead(line) else { return nil }
        host = head.host
        let program = line.extracting(head.program)
        let (id, start) = head.queueID(line) ?? (head.text..<head.text, head.text)
        self.id = id
        let event: Event?
        if program.equals("qmgr") || program.equals("oqmgr") {
            event = id.isEmpty ? nil : Self.queueEvent(line, from: start)
        } else if Self.agents.contains(where: { program.equals($0) }) {
            event = id.isEmpty ? nil : Self.delivery(line, from: start)
        } else {
            event = Self.dialogue(line, from: start, hasID: !id.isEmpty)
        }
        guard let event else { return nil }
        self.event = event
    }

    /// The programs that deliver mail, or give it to others.
    private static let agents: [StaticString] = [
        "smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard",
    ]

    private static func queueEvent(_ line: Span<UInt8>, from start: Int) -> Event? {
        if line.extracting(start..<line.count).equals("removed") { return .removed }
        return line.queuedSender(from: start).map { .queued(sender: $0) }
    }

    /// `to=<RECIPIENT>, [orig_to=<RECIPIENT>, ]relay=…`, whatever became of it.
    private static func delivery(_ line: Span<UInt8>, from start: Int) -> Event? {
        guard line.extracting(start..<line.count).starts(with: "to=<") else { return nil }
        guard let end = line.mailboxEnd(from: start + 4) else { return .malformed }
        let (recipient, next) = (start + 4..<end, end + 3)
        guard line.extracting(next..<line.count).starts(with: "orig_to=<") else {
            return .delivered(recipient: recipient, original: nil)
        }
        guard let end = line.mailboxEnd(from: next + 9) else { return .malformed }
        return .delivered(recipient: recipient, original: next + 9..<end)
    }

    /// `client=NAME[ADDRESS], sasl_method=…` of smtpd(8), or what a client was told: by smtpd(8), postscreen(8), or a milter,
    /// for which cleanup(8) may say it.
    private static func dialogue(_ line: Span<UInt8>, from start: Int, hasID: Bool) -> Event? {
        let text = line.extracting(start..<line.count)
        if hasID, text.starts(with: "client=") {
            guard let (client, end) = line.client(from: start + 7) else { return .malformed }
            return .opened(client, isAuthenticated: line.firstRange(of: ", sasl_", from: end) != nil)
        }
        guard let found = line.firstRange(of: "reject: RCPT from ", from: start), found.lowerBound <= start + 64 else {
            return nil
        }
        guard let (client, end) = line.client(from: found.upperBound), let colon = line.firstRange(of: ": ", from: end),
            colon.upperBound + 3 < line.count
        else { return .malformed }
        // Whoever is refused for good isn't to come back.
        guard line[colon.upperBound] == UInt8(ascii: "4") else { return nil }
        guard let from = line.firstRange(of: "; from=<", from: colon.upperBound) else { return .malformed }
        guard line.extracting(colon.upperBound..<from.lowerBound).isGreylisters else { return nil }
        guard let (sender, next) = line.quoted(from: from.upperBound),
            line.extracting(next..<line.count).starts(with: "to=<"),
            let (recipient, last) = line.quoted(from: next + 4)
        else { return .malformed }
        var helo = last..<last
        if let start = line.firstRange(of: "helo=<", from: last)?.upperBound,
            let end = line.lastIndex(of: UInt8(ascii: ">"), before: line.count), end >= start
        {
            helo = start..<end
        }
        return .deferred(client, sender: sender, recipient: recipient, helo: helo)
    }
}

extension Span<UInt8> {
    /// A client that is named there, and where the line goes on behind its address.
    ///
    /// postscreen(8) knows no names, and tells the port: `[192.0.2.7]:25841`.
    fileprivate func client(from start: Int) -> (client: IncomingLine.Client, end: Int)? {
        guard let open = firstIndex(of: UInt8(ascii: "["), from: start), open - start <= 255,
            let close = firstIndex(of: UInt8(ascii: "]"), from: open), close - open <= 64
        else { return nil }
        return (IncomingLine.Client(name: start..<open, address: open + 1..<close), close + 1)
    }

    /// An address between angle brackets, the first of which stands before `start`, and where the next field begins.
    ///
    /// Fields are parted by blanks, and by postscreen(8) by a comma and a blank.
    fileprivate func quoted(from start: Int) -> (address: Range<Int>, next: Int)? {
        var index = start
        if index < count, self[index] == UInt8(ascii: "\"") {
            index += 1
            while index < count, self[index] != UInt8(ascii: "\"") {
                index += self[index] == UInt8(ascii: "\\") ? 2 : 1
            }
        }
        guard let end = firstIndex(of: UInt8(ascii: ">"), from: Swift.min(index, count)) else { return nil }
        var next = end + 1
        if next < count, self[next] == UInt8(ascii: ",") { next += 1 }
        guard next < count, self[next] == 0x20 else { return nil }
        return (start..<end, next + 1)
    }

    /// Whether that is what greylisters say: postgrey and all that have its words, others, and postscreen(8), which has a
    /// client come back to be tested.
    fileprivate var isGreylisters: Bool {
        let words: [StaticString] = [
            "greylist", "graylist", "try again later", "please try later", "service currently unavailable",
        ]
        var lowered: [UInt8] = []
        lowered.reserveCapacity(count)
        for index in indices { lowered.append(self[index].lowercased) }
        return words.contains { lowered.span.firstRange(of: $0) != nil }
    }
}
