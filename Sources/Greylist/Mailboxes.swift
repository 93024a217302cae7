/// The addresses of an envelope in lower case, as whitelists ask for them and keys are made of them.
struct Mailboxes: Sendable {
    /// Where one address lies in `bytes`.
    struct Place: Sendable {
        /// As it was sent.
        var sent = 0..<0
        /// Without the dot that may end its domain.
        var whole = 0..<0
        /// Without that and the extension, and never without an `@`.
        var plain = 0..<0
        /// How long the part before the last `@` is; all of it where there is none.
        var localCount = 0
    }

    private var bytes: [UInt8] = []
    private(set) var sender = Place()
    private(set) var recipient = Place()

    /// Takes up two addresses in the place of those before.
    mutating func write(sender: Span<UInt8>, recipient: Span<UInt8>) {
        bytes.removeAll(keepingCapacity: true)
        // Each of them twice, and an `@` for each plain one.
        bytes.append(addingCapacity: 2 * (sender.count + recipient.count) + 2) { text in
            self.sender = text.append(mailbox: sender)
            self.recipient = text.append(mailbox: recipient)
        }
    }

    /// Hands over the text in which both addresses lie.
    @inline(__always)
    func read<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span)
    }

    /// Hands over the texts of an address.
    @inline(__always)
    func read<Result>(_ place: Place, _ body: (_ whole: Span<UInt8>, _ plain: Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(place.whole), bytes.span.extracting(place.plain))
    }
}

extension OutputSpan<UInt8> {
    fileprivate mutating func append(mailbox sent: Span<UInt8>) -> Mailboxes.Place {
        let start = count
        append(lowercasing: sent)
        let address = sent.extracting(0..<sent.countWithoutRootDot)
        let whole = start..<start + address.count
        var place = Mailboxes.Place(
            sent: start..<count, whole: whole, plain: whole, localCount: address.localPart.count)
        let local = 0..<place.localCount
        let plus = address.firstIndex(of: UInt8(ascii: "+"), in: local)
        let hasDomain = local.count < address.count
        if plus == nil, hasDomain { return place }
        let plainStart = count
        append(lowercasing: address.extracting(0..<(plus ?? local.upperBound)))
        if hasDomain {
            append(lowercasing: address.extracting(local.upperBound..<address.count))
        } else {
            append(UInt8(ascii: "@"))
        }
        place.plain = plainStart..<count
        return place
    }
}
