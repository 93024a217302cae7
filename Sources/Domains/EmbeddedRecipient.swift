import Bytes

/// How a sender's local part names the recipient, so that a bounce tells whose mail it is (variable envelope return path).
///
/// | form, for `user@example.com` | who writes it | what says so |
/// | --- | --- | --- |
/// | `user=example.com` | ezmlm, Mailman, Mailchimp, Salesforce, Postfix | D. J. Bernstein, "Variable Envelope Return Paths"; Postfix' VERP_README |
/// | `user==example.com`, `user===example.com` | Sympa's way, X | postgrey's issue 107 |
/// | `user%example.com`, `user#example.com` | gateways | RFC 1123, section 5.2.16, for the first |
/// | `user*example.com`, `user**EXAMPLE*COM` | LISTSERV | L-Soft, "VERP", in the LISTSERV manual |
/// | `user_at_example.com`, `user-at-example.com`, `user.at.example.com` | list managers | seen |
/// | `user_example.com` | list managers | seen |
/// | `example.com=user` | some swap the two | seen |
struct EmbeddedRecipient {
    private let local: Int
    private let domain: Range<Int>

    /// What to look for; nil where the address has no two parts.
    init?(_ recipient: Span<UInt8>) {
        var at = recipient.count
        while at > 0, recipient[at - 1] != UInt8(ascii: "@") { at -= 1 }
        guard at > 1, at < recipient.count else { return nil }
        local = at - 1
        domain = at..<recipient.count
    }

    /// The first place where it stands in a text, at the beginning of a word and up to the end of one.
    func place(in text: Span<UInt8>, of recipient: Span<UInt8>) -> Range<Int>? {
        guard text.count >= recipient.count else { return nil }
        for start in 0...text.count - recipient.count {
            guard start == 0 || !text[start - 1].isLetterOrDigit else { continue }
            if let end = end(from: start, in: text, of: recipient) { return start..<end }
        }
        return nil
    }

    private func end(from start: Int, in text: Span<UInt8>, of recipient: Span<UInt8>) -> Int? {
        let (user, host) = (recipient.extracting(0..<local), recipient.extracting(domain))
        if let separator = text.end(of: user, from: start), let next = text.endOfSeparator(from: separator),
            let end = text.end(of: host, from: next), text.isEndOfWord(end)
        {
            return end
        }
        if let separator = text.end(of: host, from: start), separator < text.count,
            text[separator] == UInt8(ascii: "="), let end = text.end(of: user, from: separator + 1),
            text.isEndOfWord(end)
        {
            return end
        }
        return nil
    }
}

extension Span<UInt8> {
    /// Where that text ends which begins at `start`; a `*` or `_` counts as a dot.
    fileprivate func end(of other: Span<UInt8>, from start: Int) -> Int? {
        guard count - start >= other.count else { return nil }
        for index in other.indices {
            let byte = self[start + index]
            let isDot = other[index] == UInt8(ascii: ".") && (byte == UInt8(ascii: "*") || byte == UInt8(ascii: "_"))
            guard byte == other[index] || isDot else { return nil }
        }
        return start + other.count
    }

    fileprivate func isEndOfWord(_ end: Int) -> Bool { end == count || !self[end].isLetterOrDigit }

    /// Where the separator between the two parts of an address ends.
    fileprivate func endOfSeparator(from start: Int) -> Int? {
        guard start < count else { return nil }
        switch self[start] {
        case UInt8(ascii: "="), UInt8(ascii: "*"):
            var end = start + 1
            while end < count, end - start < 3, self[end] == self[start] { end += 1 }
            return end
        case UInt8(ascii: "%"), UInt8(ascii: "#"): return start + 1
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            if count - start > 4, extracting(start + 1..<start + 3).equals("at"), self[start + 3] == self[start] {
                return start + 4
            }
            return self[start] == UInt8(ascii: "_") ? start + 1 : nil
        default: return nil
        }
    }
}
