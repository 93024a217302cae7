import Bytes

/// By what postgrey's keys know a client: what they were made of has to be made again, since `--privacy` keeps digests.
public enum PostgreyKeyForm: Sendable, Equatable {
    /// By its network, cut to so many bits (`--ipv4cidr`, `--ipv6cidr`).
    case network(ipv4: Int, ipv6: Int)
    /// By its address (`--lookup-by-host`).
    case host

    /// Why a text says no form.
    public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
        /// A message that quotes the text.
        public let description: String
    }

    /// Reads `24/64`, or `host`; nil for an empty text.
    public static func parse(_ text: String) throws(ParseError) -> PostgreyKeyForm? {
        if text.isEmpty { return nil }
        if text == "host" { return .host }
        let lengths = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard lengths.count == 2, let ipv4 = lengths[0], let ipv6 = lengths[1], (0...32).contains(ipv4),
            (0...128).contains(ipv6)
        else {
            throw ParseError(description: "\"\(text)\" is neither \"host\" nor two prefix lengths, such as 24/64")
        }
        return .network(ipv4: ipv4, ipv6: ipv6)
    }
}

/// The texts of which postgrey 1.37 makes its digests: `192.0.2.0/sender/recipient`, and the client's address.
///
/// They are made of what Postfix sends, in lower case; a tag `prvs=` is told from its address by digits and letters of either
/// case, where postgrey knows small ones only.
struct PostgreyTexts: Sendable {
    /// postgrey cuts what is longer.
    private static let longestValue = 512

    private var bytes: [UInt8] = []
    private var clientStart = 0

    /// Takes up other texts in the place of those before.
    mutating func write(_ form: PostgreyKeyForm, _ client: Address, _ mailboxes: Mailboxes) {
        bytes.removeAll(keepingCapacity: true)
        mailboxes.read { text in
            let sender = text.extracting(mailboxes.sender.sent.prefix(Self.longestValue))
            let recipient = text.extracting(mailboxes.recipient.sent.prefix(Self.longestValue))
            bytes.append(addingCapacity: 2 * (Network.longestText + 1) + sender.count + recipient.count) { text in
                text.append(client, in: form)
                text.append(UInt8(ascii: "/"))
                text.append(cleaningAsPostgrey: sender)
                text.append(UInt8(ascii: "/"))
                text.append(copying: recipient)
                clientStart = text.count
                text.append(asPostgrey: client, inCapitals: true)
            }
        }
    }

    /// Hands over the texts.
    func read<Result>(_ body: (_ triplet: Span<UInt8>, _ client: Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(0..<clientStart), bytes.span.extracting(clientStart..<bytes.count))
    }
}

extension OutputSpan<UInt8> {
    fileprivate mutating func append(_ client: Address, in form: PostgreyKeyForm) {
        switch form {
        case .network(let ipv4, let ipv6):
            let network = Network(client, prefixLength: client.family == .ipv4 ? ipv4 : ipv6)
            append(asPostgrey: network.address, inCapitals: false)
        case .host:
            append(asPostgrey: client, inCapitals: false)
            append(UInt8(ascii: "/"))
            append(decimal: UInt16(client.family.rawValue))
        }
    }

    /// Appends an address as Perl's NetAddr::IP writes it: IPv6 in eight groups without leading zeros.
    fileprivate mutating func append(asPostgrey address: Address, inCapitals: Bool) {
        if address.family == .ipv4 { return append(address) }
        for group in 0..<8 {
            if group > 0 { append(UInt8(ascii: ":")) }
            let value = UInt16(truncatingIfNeeded: address.bits >> UInt128(112 - 16 * group))
            let start = count
            append(hexadecimal: value)
            guard inCapitals else { continue }
            var digits = mutableSpan
            for index in start..<digits.count where digits[index].isLetter { digits[index] &= ~0x20 }
        }
    }

    /// Appends a sender as postgrey cleans it: a BATV tag and the extension go, whole numbers become `#`.
    fileprivate mutating func append(cleaningAsPostgrey sender: Span<UInt8>) {
        guard let at = sender.firstIndex(of: UInt8(ascii: "@"), in: sender.indices) else {
            return append(copying: sender)
        }
        var local = sender.withoutPostgreyTag(0..<at)
        if let plus = sender.firstIndex(of: UInt8(ascii: "+"), in: local) { local = local.lowerBound..<plus }
        var index = local.lowerBound
        while index < local.upperBound {
            var end = index
            var isNumber = true
            while end < local.upperBound, sender[end].isPerlWordByte {
                if !sender[end].isDigit { isNumber = false }
                end += 1
            }
            if end == index {
                append(sender[index])
                index += 1
            } else {
                if isNumber { append(UInt8(ascii: "#")) } else { append(copying: sender.extracting(index..<end)) }
                index = end
            }
        }
        append(copying: sender.extracting(at..<sender.count))
    }
}

extension Span<UInt8> {
    /// What is left of `prvs=tag=address`, or of `prvs=address=tag`; all of it for anything else.
    fileprivate func withoutPostgreyTag(_ local: Range<Int>) -> Range<Int> {
        let equals = UInt8(ascii: "=")
        guard local.count > 5, extracting(0..<5).equals("prvs=") else { return local }
        var end = local.upperBound
        while end > 5, self[end - 1] == equals { end -= 1 }
        guard let middle = firstIndex(of: equals, in: 5..<end), firstIndex(of: equals, in: middle + 1..<end) == nil
        else { return local }
        let (first, second) = (5..<middle, middle + 1..<end)
        return isPostgreyTag(second) && !isPostgreyTag(first) ? first : second
    }

    private func isPostgreyTag(_ range: Range<Int>) -> Bool {
        range.count >= 10 && range.prefix(10).allSatisfy { self[$0].isLetterOrDigit }
    }
}

extension UInt8 {
    /// What Perl's `\w` matches in bytes.
    fileprivate var isPerlWordByte: Bool { isLetterOrDigit || self == UInt8(ascii: "_") }
}
