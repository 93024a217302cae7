import Bytes

/// How a sender's local part names the recipient, so that a bounce tells whose mail it is (variable envelope return path).
///
/// | form, for `user@example.com` | who writes it | what says so |
/// | --- | --- | --- |
/// | `user=example.com` | ezmlm, Mailman, Postfix, Mailchimp, Brevo | D. J. Bernstein, "Variable Envelope Return Paths"; Postfix' VERP_README |
/// | `user===example.com` | X | postgrey's issue 107 |
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
            if let separator = text.end(of: recipient.extracting(0..<local), from: start),
                let end = text.end(of: recipient.extracting(domain), from: text.endOfSeparator(from: separator)),
                end == text.count || !text[end].isLetterOrDigit
            {
                return start..<end
            }
        }
        return nil
    }
}

extension Span<UInt8> {
    /// Where that text ends which begins at `start`; nil where another one does.
    fileprivate func end(of other: Span<UInt8>, from start: Int?) -> Int? {
        guard let start, count - start >= other.count else { return nil }
        let end = start + other.count
        return extracting(start..<end).equals(other) ? end : nil
    }

    /// Where one `=` or up to three end; nil where there is none.
    fileprivate func endOfSeparator(from start: Int) -> Int? {
        var end = start
        while end < count, end - start < 3, self[end] == UInt8(ascii: "=") { end += 1 }
        return end > start ? end : nil
    }
}
