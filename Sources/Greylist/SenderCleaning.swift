import Bytes

/// What became of a sender's local part when it was cleaned for a key.
struct CleanedSender {
    /// What was kept at the end.
    var rest: Range<Int>
    /// Whether something before it was kept, too.
    var isRewritten = false
    /// Whether a number was hidden.
    var hidesNumbers = false
    /// Whether something in the key was escaped.
    var isEscaped = false
    /// How long the part of the key is that the recipient makes, its slash included.
    var recipientCount = 0
}

extension OutputSpan<UInt8> {
    /// How many tags are taken off, one inside the other.
    package static var mostTags: Int { 4 }

    /// Appends what triplets know of a sender's local part: all but what changes from one message to the next.
    ///
    /// It loses the tags that are known (`SenderTag`), what follows the first `+`, and its whole numbers, since mailing lists
    /// put the message's number there. So it gets no longer, but for what is escaped.
    ///
    /// - Parameters:
    ///   - sender: in lower case
    ///   - localCount: how long the part before the last `@` is
    ///   - escapes: whether something in it must be escaped
    mutating func append(cleaning sender: Span<UInt8>, localCount: Int, escapes: Bool) -> CleanedSender {
        var cleaned = CleanedSender(rest: 0..<localCount)
        for _ in 0..<Self.mostTags {
            guard let tag = sender.senderTag(in: cleaned.rest) else { break }
            append(sender.extracting(tag.kept.0), escapes: escapes)
            append(sender.extracting(tag.kept.1), escapes: escapes)
            append(sender.extracting(tag.kept.2), escapes: escapes)
            if !tag.kept.0.isEmpty { cleaned.isRewritten = true }
            cleaned.rest = tag.rest
        }
        if let plus = sender.firstIndex(of: UInt8(ascii: "+"), in: cleaned.rest) {
            cleaned.rest = cleaned.rest.lowerBound..<plus
        }
        cleaned.hidesNumbers = append(numbersHidden: sender.extracting(cleaned.rest), escapes: escapes)
        return cleaned
    }

    /// Appends a local part with its whole numbers as `#`.
    ///
    /// Returns whether there was such a number.
    @discardableResult
    mutating func append(numbersHidden local: Span<UInt8>, escapes: Bool) -> Bool {
        guard local.hasNumber else {
            append(local, escapes: escapes)
            return false
        }
        var index = 0
        while index < local.count {
            let end = local.endOfWord(from: index)
            if end == index {
                append(local.extracting(index..<index + 1), escapes: escapes)
                index += 1
            } else {
                let word = local.extracting(index..<end)
                if word.isNumber { append(UInt8(ascii: "#")) } else { append(copying: word) }
                index = end
            }
        }
        return true
    }

    /// Appends a part of an address, with a backslash before each slash and each backslash where it is to be escaped.
    ///
    /// So no address holds what separates the parts of a key, and different parts never make the same key.
    mutating func append(_ part: Span<UInt8>, escapes: Bool) {
        guard escapes else { return append(copying: part) }
        for index in part.indices {
            if part[index].needsEscape { append(UInt8(ascii: "\\")) }
            append(part[index])
        }
    }
}

extension Span<UInt8> {
    /// Whether a key can't hold it as it is.
    var needsEscape: Bool {
        for index in indices where self[index].needsEscape { return true }
        return false
    }

    /// Whether one of the words is a number.
    var hasNumber: Bool {
        var (isInWord, isNumber) = (false, false)
        for index in indices {
            let byte = self[index]
            if byte.isDigit {
                if !isInWord { isNumber = true }
                isInWord = true
            } else {
                if isNumber, !byte.isWordByte { return true }
                isNumber = false
                isInWord = byte.isWordByte
            }
        }
        return isNumber
    }

    fileprivate func endOfWord(from start: Int) -> Int {
        var end = start
        while end < count, self[end].isWordByte { end += 1 }
        return end
    }

    fileprivate var isNumber: Bool {
        for index in indices where !self[index].isDigit { return false }
        return true
    }

    /// The place of the part before the last `@`; everything where there is none.
    package var localPart: Range<Int> {
        var end = count
        while end > 0, self[end - 1] != UInt8(ascii: "@") { end -= 1 }
        return 0..<(end > 0 ? end - 1 : count)
    }

    /// How long an address is without the dot that may end its domain, which then is the same (RFC 1034, section 3.1).
    package var countWithoutRootDot: Int {
        guard count > 1, self[count - 1] == UInt8(ascii: ".") else { return count }
        let domain = localPart.upperBound + 1
        return domain < count - 1 ? count - 1 : count
    }
}

extension UInt8 {
    @inline(__always)
    fileprivate var needsEscape: Bool { self == UInt8(ascii: "/") || self == UInt8(ascii: "\\") }

    /// Whether it belongs to a word, as regular expressions count words: letters (those of UTF-8 too), digits, `_`.
    @inline(__always)
    fileprivate var isWordByte: Bool {
        // A bit for each of the digits among the first 64, and for each of the letters and `_` among the next.
        let words: UInt64 = self < 64 ? 0x03ff_0000_0000_0000 : 0x07ff_fffe_87ff_fffe
        return self >= 0x80 || words &>> UInt64(self) & 1 == 1
    }
}
