import Bytes
import Greylist

/// What the key of a shared identity knows of a sender: all but what changes from one mail to the next.
///
/// The senders of one mailing service have its organisation in common, and each mail may have an address of its own. Folded,
/// these are one sender; the mailboxes of people stay apart.
///
/// | what | becomes | whose |
/// | --- | --- | --- |
/// | a tag around the sender (`SenderTag`) | nothing; of SRS the sender's domain stays | BATV, SRS, TMDA |
/// | `+ext` | nothing | SendGrid `bounces+1234567-…`, Mailgun, Google Groups `+bnc…` |
/// | the recipient (`EmbeddedRecipient`) | `RCPT` | Mailchimp `bounce-mc.us9_36270041.733397-user=example.com` |
/// | a whole number | `#` | Mailchimp, Mandrill `bounce-md_10612303.…` |
/// | eight hexadecimal digits or more, with a number among them | `#` | SES `0102016e…-4e48dd8b-…-000000` |
/// | shorter ones joined to such with hyphens | `#` | SES: the middle groups of a UUID |
/// | a local part with twenty letters and digits mixed, or with Base64 that ends in `==` | `#` | Mailjet, Constant Contact, Google |
/// | numbers in the labels left of the organisation | `#` | Mailchimp `mail209.atl81.rsgsv.net` |
///
/// A local part that is one number of fewer than sixteen digits stays as it is: it is a person (QQ, telephone numbers).
extension [UInt8] {
    /// Appends a local part, in lower case.
    mutating func append(folding local: Span<UInt8>, recipient: Span<UInt8>) {
        var rest = 0..<local.count
        for _ in 0..<OutputSpan<UInt8>.mostTags {
            guard let tag = local.senderTag(in: rest) else { break }
            append(copying: local.extracting(tag.kept.2))
            rest = tag.rest
        }
        // Base64 has a plus among its digits.
        let isBase64 = local.extracting(rest).hasBase64
        if let plus = local.firstIndex(of: UInt8(ascii: "+"), in: rest) { rest = rest.lowerBound..<plus }
        let kept = local.extracting(rest)
        if isBase64 || kept.hasMixedIdentifier {
            append(UInt8(ascii: "#"))
            return
        }
        guard let place = EmbeddedRecipient(recipient)?.place(in: kept, of: recipient) else {
            if kept.isPersonsNumber { append(copying: kept) } else { append(foldingWords: kept) }
            return
        }
        append(foldingWords: kept.extracting(0..<place.lowerBound))
        append("RCPT")
        append(foldingWords: kept.extracting(place.upperBound..<kept.count))
    }

    /// Appends a domain with the numbers of its hosts as `#`.
    ///
    /// - Parameter organisation: where its organisation begins, which stays as it is
    mutating func append(foldingHosts domain: Span<UInt8>, organisation: Int) {
        var index = 0
        while index < organisation {
            if domain[index].isDigit {
                append(UInt8(ascii: "#"))
                while index < organisation, domain[index].isDigit { index += 1 }
            } else {
                append(domain[index])
                index += 1
            }
        }
        append(copying: domain.extracting(organisation..<domain.count))
    }

    private mutating func append(foldingWords text: Span<UInt8>) {
        var index = 0
        while index < text.count {
            let end = text.endOfChain(from: index)
            let chain = text.extracting(index..<end)
            append(foldingChain: chain, hasIdentifier: chain.hasIdentifier)
            index = end
            while index < text.count, !text[index].isWordByte {
                append(text[index])
                index += 1
            }
        }
    }

    /// Appends words with hyphens between them.
    private mutating func append(foldingChain chain: Span<UInt8>, hasIdentifier: Bool) {
        var index = 0
        while index < chain.count {
            let end = chain.endOfWord(from: index)
            let word = chain.extracting(index..<end)
            let isFolded =
                word.count > 0
                && (word.isAll(\.isDigit) || word.isIdentifier
                    || hasIdentifier && word.count >= 4 && word.isAll(\.isLowercaseHexadecimal))
            if isFolded { append(UInt8(ascii: "#")) } else { append(copying: word) }
            if end < chain.count { append(chain[end]) }
            index = end + 1
        }
    }

    private mutating func append(copying bytes: Span<UInt8>) {
        append(addingCapacity: bytes.count) { $0.append(copying: bytes) }
    }
}

extension Span<UInt8> {
    /// Whether there is a word that only a program makes: long, with letters and numbers in turn.
    fileprivate var hasMixedIdentifier: Bool {
        var index = 0
        while index < count {
            let end = endOfWord(from: index)
            let word = extracting(index..<end)
            if word.count >= 20, word.digitRuns >= 3, !word.isAll(\.isLowercaseHexadecimal) { return true }
            index = end + 1
        }
        return false
    }

    /// Whether there is the Base64 of sixteen bytes or so, which ends in `==`.
    fileprivate var hasBase64: Bool {
        var run = 0
        for index in indices {
            let byte = self[index]
            if run >= 20, byte == UInt8(ascii: "="), index + 1 < count, self[index + 1] == byte,
                index + 2 == count || self[index + 2] == UInt8(ascii: "_")
            {
                return true
            }
            let isBase64 = byte.isLetterOrDigit || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
            run = isBase64 ? run + 1 : 0
        }
        return false
    }

    fileprivate var isPersonsNumber: Bool { count < 16 && count > 0 && isAll(\.isDigit) }

    /// Eight hexadecimal digits or more, a decimal one among them.
    fileprivate var isIdentifier: Bool { count >= 8 && isAll(\.isLowercaseHexadecimal) && digitRuns > 0 }

    fileprivate var hasIdentifier: Bool {
        var index = 0
        while index < count {
            let end = endOfWord(from: index)
            if extracting(index..<end).isIdentifier { return true }
            index = end + 1
        }
        return false
    }

    private var digitRuns: Int {
        var (runs, isInRun) = (0, false)
        for index in indices {
            if self[index].isDigit, !isInRun { runs += 1 }
            isInRun = self[index].isDigit
        }
        return runs
    }

    fileprivate func isAll(_ belongs: (UInt8) -> Bool) -> Bool {
        for index in indices where !belongs(self[index]) { return false }
        return true
    }

    fileprivate func endOfWord(from start: Int) -> Int {
        var end = start
        while end < count, self[end].isWordByte { end += 1 }
        return end
    }

    /// Where words end that single hyphens join.
    fileprivate func endOfChain(from start: Int) -> Int {
        var end = endOfWord(from: start)
        while end > start, end + 1 < count, self[end] == UInt8(ascii: "-"), self[end + 1].isWordByte {
            end = endOfWord(from: end + 1)
        }
        return end
    }
}

extension UInt8 {
    /// Whether it belongs to a word: a letter, those of UTF-8 too, or a digit.
    fileprivate var isWordByte: Bool { isLetterOrDigit || self >= 0x80 }
}
