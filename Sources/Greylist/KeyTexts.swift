import Bytes

/// The texts under which a store knows an envelope.
///
/// A triplet is `192.0.2.0/24/sender@example.org/user@example.com`: the client's network, the cleaned sender and the
/// recipient, with a slash between two. A slash or backslash in an address has a backslash before it.
struct KeyTexts: Sendable {
    private var bytes: [UInt8] = []
    private var alias: [UInt8] = []
    private var network = 0..<0
    private var triplet = 0..<0
    /// Where in the triplet the slash before the recipient stands.
    private var recipientStart = 0
    private var firstLegacy: Range<Int>?
    private var secondLegacy: Range<Int>?

    /// Takes up other texts in the place of those before.
    ///
    /// - Parameters:
    ///   - network: the client's network
    ///   - legacyNetwork: what earlier versions took for it
    ///   - foldsRecipient: whether the recipient loses its extension
    mutating func write(
        _ network: Network, formerly legacyNetwork: Network, _ mailboxes: Mailboxes, foldsRecipient: Bool
    ) {
        bytes.removeAll(keepingCapacity: true)
        (firstLegacy, secondLegacy) = (nil, nil)
        let (from, to) = (mailboxes.sender, mailboxes.recipient)
        mailboxes.read { text in
            let sender = text.extracting(from.whole)
            let recipient = text.extracting(to.whole)
            let folded = foldsRecipient ? recipient.foldedExtension(localCount: to.localCount) : nil
            let cleaned = writeTriplet(network, sender, from.localCount, recipient, without: folded)

            let kept = sender.legacyCleaned(localCount: from.localCount)
            let isAsBefore =
                network == legacyNetwork && cleaned.rest == kept && !cleaned.isRewritten && !cleaned.isEscaped
                && folded == nil && from.whole == from.sent && to.whole == to.sent
            let hasNumber = isAsBefore ? cleaned.hidesNumbers : sender.extracting(kept).hasNumber
            let sentSender = text.extracting(from.sent)
            let sentRecipient = text.extracting(to.sent)
            if !isAsBefore {
                writeLegacy(
                    legacyNetwork, sentSender, kept, from.localCount, sentRecipient, hidesNumbers: true)
            }
            if hasNumber {
                writeLegacy(
                    legacyNetwork, sentSender, kept, from.localCount, sentRecipient, hidesNumbers: false)
            }
            if folded != nil { writeUnfolded(network, sender, from.localCount, recipient) }
        }
    }

    private mutating func writeTriplet(
        _ network: Network, _ sender: Span<UInt8>, _ localCount: Int, _ recipient: Span<UInt8>,
        without folded: Range<Int>?
    ) -> CleanedSender {
        var cleaned = CleanedSender(rest: 0..<0)
        var networkCount = 0
        triplet = append(room: sender.roomForTriplet(recipient)) { text in
            text.append(network)
            networkCount = text.count
            cleaned = text.append(tripletOf: sender, localCount, recipient, without: folded)
        }
        self.network = 0..<networkCount
        recipientStart = triplet.upperBound - cleaned.recipientCount
        return cleaned
    }

    private mutating func writeUnfolded(
        _ network: Network, _ sender: Span<UInt8>, _ localCount: Int, _ recipient: Span<UInt8>
    ) {
        let range = append(room: sender.roomForTriplet(recipient)) { text in
            text.append(network)
            _ = text.append(tripletOf: sender, localCount, recipient, without: nil)
        }
        addLegacy(range)
    }

    private mutating func writeLegacy(
        _ network: Network, _ sender: Span<UInt8>, _ kept: Range<Int>, _ localCount: Int, _ recipient: Span<UInt8>,
        hidesNumbers: Bool
    ) {
        let range = append(room: sender.roomForTriplet(recipient)) { text in
            text.append(
                legacyTripletOf: network, sender, kept, localCount, recipient, hidesNumbers: hidesNumbers)
        }
        addLegacy(range)
    }

    /// Appends a text, and returns its place.
    private mutating func append(room: Int, _ write: (inout OutputSpan<UInt8>) -> Void) -> Range<Int> {
        let start = bytes.count
        bytes.append(addingCapacity: room) { write(&$0) }
        return start..<bytes.count
    }

    /// Keeps a spelling that no other key has, as long as there is room for it.
    private mutating func addLegacy(_ range: Range<Int>) {
        guard !isSame(range, triplet) else { return }
        if let firstLegacy {
            if secondLegacy == nil, !isSame(range, firstLegacy) { secondLegacy = range }
        } else {
            firstLegacy = range
        }
    }

    /// Hands over the text of an alias: `ptr:example.net` and what follows the network in the triplet.
    mutating func readAlias<Result>(ofHost organisation: Span<UInt8>, _ body: (Span<UInt8>) -> Result) -> Result {
        let tail = triplet.lowerBound + network.count..<triplet.upperBound
        return readAlias("ptr:", organisation, then: nil, from: tail, body)
    }

    /// Hands over the text of an alias: `org:example.org/rcpt`, or with the sender of a shared identity before the recipient.
    mutating func readAlias<Result>(
        ofOrganisation organisation: Span<UInt8>, sharedBy sender: Span<UInt8>?, _ body: (Span<UInt8>) -> Result
    ) -> Result {
        readAlias("org:", organisation, then: sender, from: recipientStart..<triplet.upperBound, body)
    }

    private mutating func readAlias<Result>(
        _ kind: StaticString, _ organisation: Span<UInt8>, then sender: Span<UInt8>?, from tail: Range<Int>,
        _ body: (Span<UInt8>) -> Result
    ) -> Result {
        alias.removeAll(keepingCapacity: true)
        let (known, room) = (bytes, 4 + 2 * (organisation.count + (sender?.count ?? 0)) + 1 + tail.count)
        alias.append(addingCapacity: room) { text in
            kind.withUTF8Buffer { for byte in $0 { text.append(byte) } }
            text.append(organisation, escapes: true)
            if let sender {
                text.append(UInt8(ascii: "/"))
                text.append(sender, escapes: true)
            }
            text.append(copying: known.span.extracting(tail))
        }
        return body(alias.span)
    }

    private func isSame(_ one: Range<Int>, _ other: Range<Int>) -> Bool {
        let bytes = bytes.span
        return bytes.extracting(one).equals(bytes.extracting(other))
    }

    /// Hands over the texts.
    @inline(__always)
    func read<Result>(
        _ body: (
            _ triplet: Span<UInt8>, _ firstLegacy: Span<UInt8>?, _ secondLegacy: Span<UInt8>?, _ network: Span<UInt8>
        ) -> Result
    ) -> Result {
        let first: Span<UInt8>? = if let firstLegacy { bytes.span.extracting(firstLegacy) } else { nil }
        let second: Span<UInt8>? = if let secondLegacy { bytes.span.extracting(secondLegacy) } else { nil }
        return body(bytes.span.extracting(triplet), first, second, bytes.span.extracting(network))
    }
}

extension OutputSpan<UInt8> {
    /// Appends what follows the network in the key of a triplet.
    ///
    /// - Parameter folded: the place of the recipient's extension, where it is left out
    fileprivate mutating func append(
        tripletOf sender: Span<UInt8>, _ localCount: Int, _ recipient: Span<UInt8>, without folded: Range<Int>?
    ) -> CleanedSender {
        let slash = UInt8(ascii: "/")
        let (escapesSender, escapesRecipient) = (sender.needsEscape, recipient.needsEscape)
        append(slash)
        var cleaned = append(cleaning: sender, localCount: localCount, escapes: escapesSender)
        append(sender.extracting(localCount..<sender.count), escapes: escapesSender)
        let recipientStart = count
        append(slash)
        let folded = folded ?? recipient.count..<recipient.count
        append(recipient.extracting(0..<folded.lowerBound), escapes: escapesRecipient)
        append(recipient.extracting(folded.upperBound..<recipient.count), escapes: escapesRecipient)
        cleaned.recipientCount = count - recipientStart
        cleaned.isEscaped = escapesSender || escapesRecipient
        return cleaned
    }
}

extension Span<UInt8> {
    /// Enough for any spelling of a triplet with this sender, everything in it escaped.
    fileprivate func roomForTriplet(_ recipient: Span<UInt8>) -> Int {
        Network.longestText + 2 * (count + recipient.count) + 2
    }

    /// The place of a recipient's extension; nil where it has none that can be left out.
    ///
    /// A quoted local part and the tag of a bounce mean something else by a `+`.
    fileprivate func foldedExtension(localCount: Int) -> Range<Int>? {
        let local = 0..<localCount
        guard let plus = firstIndex(of: UInt8(ascii: "+"), in: local), plus > 0, self[0] != UInt8(ascii: "\""),
            senderTag(in: local) == nil
        else { return nil }
        return plus..<localCount
    }
}

/// How earlier versions spelt the key of a triplet, by which its entry is looked for where it isn't under ours.
///
/// Nothing is written so any more. What it takes: the client's address as it was sent, mapped addresses apart; a `prvs=`
/// tag told by its length alone; no other tag; nothing escaped; the final dot of a domain kept.
extension Span<UInt8> {
    /// What was kept of a sender's local part.
    func legacyCleaned(localCount: Int) -> Range<Int> {
        var local = 0..<localCount
        if let inner = insideLegacyTag(local) { local = inner }
        if let plus = firstIndex(of: UInt8(ascii: "+"), in: local) { local = local.lowerBound..<plus }
        return local
    }

    /// In `prvs=A=B` the place of B where A begins with ten or more letters or digits, else of A.
    private func insideLegacyTag(_ local: Range<Int>) -> Range<Int>? {
        let first = local.lowerBound + 5
        guard first < local.upperBound, extracting(local.lowerBound..<first).equals("prvs=") else { return nil }
        guard let equals = firstIndex(of: UInt8(ascii: "="), in: first..<local.upperBound) else { return nil }
        var tagEnd = first
        while tagEnd < equals, self[tagEnd].isLetterOrDigit { tagEnd += 1 }
        let inner = tagEnd - first >= 10 ? equals + 1..<local.upperBound : first..<equals
        return inner.isEmpty ? nil : inner
    }
}

extension OutputSpan<UInt8> {
    /// Appends the key of a triplet as the last version spelt it, or TPRT 0.9.3.
    ///
    /// - Parameters:
    ///   - kept: what was kept of the sender's local part
    ///   - localCount: how long that was
    ///   - hidesNumbers: whether whole numbers are `#`, as in the last version, or stay, as in TPRT 0.9.3
    mutating func append(
        legacyTripletOf network: Network, _ sender: Span<UInt8>, _ kept: Range<Int>, _ localCount: Int,
        _ recipient: Span<UInt8>, hidesNumbers: Bool
    ) {
        append(network)
        append(UInt8(ascii: "/"))
        if hidesNumbers {
            append(numbersHidden: sender.extracting(kept), escapes: false)
        } else {
            append(copying: sender.extracting(kept))
        }
        append(copying: sender.extracting(localCount..<sender.count))
        append(UInt8(ascii: "/"))
        append(copying: recipient)
    }
}
