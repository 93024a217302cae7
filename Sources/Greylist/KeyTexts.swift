/// The texts under which a store knows an envelope.
struct KeyTexts: Sendable {
    private var bytes: [UInt8] = []
    private var network = 0..<0
    private var triplet = 0..<0
    /// The triplet with the numbers of the sender in their place; nil where it is the same.
    private var formerTriplet: Range<Int>?

    /// Takes up other texts in the place of those before.
    mutating func write(_ network: Network, _ mailboxes: Mailboxes) {
        let localCount = mailboxes.sender.localCount
        mailboxes.read(mailboxes.sender) { sender, _ in
            mailboxes.read(mailboxes.recipient) { recipient, _ in
                write(network, sender, sender.cleaned(localCount: localCount), localCount, recipient)
            }
        }
    }

    private mutating func write(
        _ network: Network, _ sender: Span<UInt8>, _ kept: Range<Int>, _ localCount: Int, _ recipient: Span<UInt8>
    ) {
        let slash = UInt8(ascii: "/")
        bytes.removeAll(keepingCapacity: true)
        bytes.append(addingCapacity: 2 * (Network.longestText + sender.count + recipient.count + 2)) { text in
            text.append(network)
            self.network = 0..<text.count
            text.append(slash)
            let hidesNumbers = text.append(numbersHidden: sender.extracting(kept))
            text.append(copying: sender.extracting(localCount..<sender.count))
            text.append(slash)
            text.append(copying: recipient)
            triplet = 0..<text.count
            formerTriplet = nil
            if hidesNumbers {
                text.append(network)
                text.append(slash)
                text.append(copying: sender.extracting(kept))
                text.append(copying: sender.extracting(localCount..<sender.count))
                text.append(slash)
                text.append(copying: recipient)
                formerTriplet = triplet.upperBound..<text.count
            }
        }
    }

    /// Hands over the texts.
    @inline(__always)
    func read<Result>(
        _ body: (_ triplet: Span<UInt8>, _ former: Span<UInt8>?, _ network: Span<UInt8>) -> Result
    ) -> Result {
        let former: Span<UInt8>? = if let formerTriplet { bytes.span.extracting(formerTriplet) } else { nil }
        return body(bytes.span.extracting(triplet), former, bytes.span.extracting(network))
    }
}
