import Bytes
import Greylist
import Whitelists

/// Makes conditions of what the whitelists of other programs name.
enum ListedCondition {
    /// A condition, or why there is none.
    enum Result {
        case condition(Condition)
        case leftOut(LeftOutReason)

        init(_ condition: Condition?) {
            self = condition.map { .condition($0) } ?? .leftOut(.condition)
        }
    }

    // MARK: Parts

    /// An address, a network, three octets, four groups.
    static func client(_ text: Span<UInt8>) -> Condition? {
        ClientText.opened(text).map { .client($0) }
    }

    /// The name of a client and of all below it; a `*.` or a dot before it means the same.
    static func clientName(_ text: Span<UInt8>) -> Condition? {
        domain(text).map { .clientName($0) }
    }

    /// An address of a sender, or `@domain`.
    static func sender(_ text: Span<UInt8>) -> Condition? {
        if text.count > 0, text[0] == UInt8(ascii: "@") {
            return domain(text.extracting(1..<text.count)).map { .senderDomain($0) }
        }
        return literal(text).map { .sender($0) }
    }

    /// An address of a recipient, or `@domain`.
    static func recipient(_ text: Span<UInt8>) -> Condition? {
        if text.count > 0, text[0] == UInt8(ascii: "@") { return recipientDomain(text.extracting(1..<text.count)) }
        return literal(text).map { .recipient($0) }
    }

    /// A domain of recipients.
    static func recipientDomain(_ text: Span<UInt8>) -> Condition? {
        domain(text).map { .recipientDomain($0) }
    }

    /// A regular expression that is found anywhere.
    static func pattern(_ subject: Condition.Subject, _ text: Span<UInt8>) -> Condition? {
        guard let text = String(validating: text.array, as: UTF8.self) else { return nil }
        return (try? TextPattern(text, isAnchored: false)).map { .pattern(subject, $0) }
    }

    /// A whole name that the DNS can have: no address of a client, and no range of such, which would never match.
    private static func domain(_ text: Span<UInt8>) -> Domain? {
        let start = text.starts(with: "*.") ? 2 : 0
        guard let domain = Domain(bytes: text.extracting(start..<text.count).array),
            domain.spellings.allSatisfy(isName)
        else { return nil }
        return domain
    }

    /// Whether no label is too long, and the last one has anything but digits and hyphens.
    private static func isName(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."))
        return labels.allSatisfy { $0.count <= 63 }
            && labels.last?.allSatisfy { $0.isDigit || $0 == UInt8(ascii: "-") } == false
    }

    private static func literal(_ text: Span<UInt8>) -> AddressLiteral? {
        let bare = text.extracting(text.withoutBrackets)
        guard let at = bare.lastIndex(of: UInt8(ascii: "@"), before: bare.count), at > 0, at + 1 < bare.count,
            bare.firstIndex(of: UInt8(ascii: "*")) == nil, let literal = AddressLiteral(bytes: bare.array),
            literal.isWellFormed
        else { return nil }
        return literal
    }

    // MARK: Programs

    /// gld compares the sender, `@domain` of it, the client's address and that without its last octet.
    static func gld(_ text: Span<UInt8>) -> Result {
        Result(client(text) ?? sender(text))
    }

    /// `SenderIP:192.0.2.0/24`; names of hosts may have stars inside, for which there is nothing.
    static func cbpolicyd(_ text: Span<UInt8>) -> Result {
        if text.starts(with: "senderip:") { return Result(client(text.extracting(9..<text.count))) }
        if let client = client(text) { return .condition(client) }
        guard text.firstIndex(of: UInt8(ascii: ":")) == nil, text.firstIndex(of: UInt8(ascii: "*"), from: 1) == nil
        else { return .leftOut(.noEquivalent) }
        return Result(clientName(text))
    }

    /// A sender or client for the recipients of an account.
    ///
    /// Either may be `@.` for everyone, `@domain`, `@.domain` with the names below it, or an address.
    static func iredapd(account: Span<UInt8>, sender: Span<UInt8>) -> Result {
        let isForAll = account.isSame(as: "@.")
        let isOfAll = sender.isSame(as: "@.")
        var parts: [Condition] = []
        if !isForAll {
            guard let part = recipient(account.extracting(0..<account.count)) else { return .leftOut(.condition) }
            parts.append(part)
        }
        if !isOfAll {
            guard let part = client(sender) ?? self.sender(sender) else { return .leftOut(.condition) }
            parts.append(part)
        }
        switch parts.count {
        case 0: return .leftOut(.noEquivalent)
        case 1: return .condition(parts[0])
        default: return .condition(.all(parts))
        }
    }
}
