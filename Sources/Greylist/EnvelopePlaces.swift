/// Where the texts of an envelope lie in its bytes, one behind the other.
struct EnvelopePlaces {
    var network = 0..<0
    var triplet = 0..<0
    /// The triplet with the numbers of the sender in their place; nil where it is the same.
    var formerTriplet: Range<Int>?
    var recipient = 0..<0
    /// The recipient without its extension, and never without an `@`.
    var plainRecipient = 0..<0
    var sender = 0..<0
    var plainSender = 0..<0

    /// The places in no bytes.
    init() {}

    /// How many bytes the texts have at most: each address four times, an `@` for each plain one, and two
    /// networks.
    static func capacity(sender: Span<UInt8>, recipient: Span<UInt8>) -> Int {
        4 * (sender.count + recipient.count) + 2 * Network.longestText + 6
    }

    /// Writes all texts, each byte once, and notes where they are.
    init(
        writing network: Network, _ sender: Span<UInt8>, _ recipient: Span<UInt8>, to text: inout OutputSpan<UInt8>
    ) {
        let slash = UInt8(ascii: "/")
        text.append(network)
        self.network = 0..<text.count
        text.append(slash)
        let hidesNumbers = text.append(cleaning: sender)
        text.append(slash)
        self.recipient = text.place { $0.append(lowercasing: recipient) }
        triplet = 0..<text.count
        if hidesNumbers {
            formerTriplet = text.place {
                $0.append(network)
                $0.append(slash)
                $0.append(cleaning: sender, hidingNumbers: false)
                $0.append(slash)
                $0.append(lowercasing: recipient)
            }
        }
        plainRecipient = text.appendPlain(recipient) ?? self.recipient
        self.sender = text.place { $0.append(lowercasing: sender) }
        plainSender = text.appendPlain(sender) ?? self.sender
    }
}

extension OutputSpan<UInt8> {
    /// Where what `write` appends comes to lie.
    @inline(__always)
    fileprivate mutating func place(_ write: (inout OutputSpan<UInt8>) -> Void) -> Range<Int> {
        let start = count
        write(&self)
        return start..<count
    }

    /// Appends an address without its `+extension`, and with an `@` where it has none, as in `postmaster`; nil where it
    /// is so already.
    fileprivate mutating func appendPlain(_ address: Span<UInt8>) -> Range<Int>? {
        let local = address.localPart
        let plus = address.firstIndex(of: UInt8(ascii: "+"), in: local)
        let hasDomain = local.count < address.count
        if plus == nil, hasDomain { return nil }
        return place {
            $0.append(lowercasing: address.extracting(0..<(plus ?? local.upperBound)))
            if hasDomain {
                $0.append(lowercasing: address.extracting(local.upperBound..<address.count))
            } else {
                $0.append(UInt8(ascii: "@"))
            }
        }
    }
}
