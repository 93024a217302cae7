import Bytes

/// What is known of a tag that a mail system puts around a sender: what of it stays, and where the sender itself is.
///
/// All places lie in the local part, in lower case.
package struct SenderTag {
    /// What is kept of a rewriting forwarder, in this order: its word, the forwarder before it, the sender's domain.
    package var kept = (0..<0, 0..<0, 0..<0)
    /// The sender inside, never empty.
    package var rest: Range<Int>
}

/// The tags that change from day to day or from mail to mail, so that they would make one sender many.
///
/// | form | who writes it | what says so |
/// | --- | --- | --- |
/// | `prvs=TAG=user` | BATV: Exim, batv-milter, Proofpoint, FortiMail, Sophos, MDaemon | draft-levine-smtp-batv-01; Exim's specification, "prvs" |
/// | `prvs=user=TAG` | Cisco (IronPort) and others that swap the two | seen by users of postgrey (mavetju.org, 2008) |
/// | `prvs=TAG/user`, `prvs=user/TAG` | early implementations of BATV | by report only; a name has no such slash and tag |
/// | `prvs1=…` | the same with a number behind the word | the draft's `tag-type` is any word |
/// | `user-prvs=TAG` | batv-tools, with `-` for extensions (with `+` it is one) | its README |
/// | `btv1==TAG==user` | Barracuda | rspamd's rule ENVFROM_PRVS; mail of lists.gnu.org |
/// | `msprvs1=TAG=user` | SparkPost, Momentum | rspamd's rule ENVFROM_PRVS |
/// | `SRS0=HASH=TT=domain=user` | SRS: Mail::SRS, libsrs2, postsrsd, Exim | libsrs2.net, "Sender Rewriting Scheme"; Exim's specification, "srs_encode" |
/// | `SRS1=HASH=forwarder==HASH=TT=domain=user` | SRS, at the second forwarder | the same |
/// | `user-dated-TIME.MAC` | TMDA | its document CRYPTO |
///
/// Each of SRS' words may be followed by `=`, `-` or `+`. What changes is told by its alphabet and shape, so that no name is
/// taken for it:
///
/// - a BATV tag is a day of three digits and six to eight hexadecimal digits: `DDDSSSSSS` (Cisco), `KDDDSSSSSS` with
///   the number of the key (the draft; its day then is the second to fourth digit), `DDDSSSSSSSS` (Barracuda);
/// - SparkPost's is a day of five digits and at least six of Base64;
/// - SRS' hash is Base64, its time two digits of Base32.
///
/// What looks nearly so is left as it is. Other forms need no rule here: what follows a `+` is cut in any case (Google's `+caf_=`,
/// Outlook's `+SRS=`, VERP of Mailman and Sympa), and numbers of mails are hidden.
extension Span<UInt8> {
    /// The tag around a local part, the outermost one; nil where there is none that is known.
    package func senderTag(in local: Range<Int>) -> SenderTag? {
        guard !local.isEmpty else { return nil }
        let tag: SenderTag? =
            switch self[local.lowerBound] {
            case UInt8(ascii: "p"): prvs(local)
            case UInt8(ascii: "b"): tag(local, word: "btv", separator: "==", isBATV: true)
            case UInt8(ascii: "m"): tag(local, word: "msprvs", separator: "=", isBATV: false)
            case UInt8(ascii: "s"): srs(local)
            default: nil
            }
        return tag ?? suffixed(local)
    }

    // MARK: BATV

    private func prvs(_ local: Range<Int>) -> SenderTag? {
        guard let wordEnd = end(of: "prvs", in: local), let start = end(of: "=", in: afterDigit(wordEnd, local)) else {
            return nil
        }
        let body = start..<local.upperBound
        let last = lastIndex(in: body, where: \.separatesTag)
        let isSwapped = last.map { endOfBATVTag($0 + 1..<body.upperBound) == body.upperBound } ?? false
        if let end = endOfBATVTag(body), end < body.upperBound, self[end].separatesTag {
            // Where both look like a tag, a mere number is rather the name.
            let isName =
                isSwapped && last == end && isNumber(body.lowerBound..<end) && !isNumber(end + 1..<body.upperBound)
            if !isName { return rest(end + 1..<body.upperBound) }
        }
        guard isSwapped, let last else { return nil }
        return rest(body.lowerBound..<last)
    }

    private func isNumber(_ range: Range<Int>) -> Bool {
        run(range, atMost: range.count, where: \.isDigit) == range.upperBound
    }

    /// A word, which a digit may follow, then a tag between separators: BATV's or SparkPost's.
    private func tag(
        _ local: Range<Int>, word: StaticString, separator: StaticString, isBATV: Bool
    ) -> SenderTag? {
        guard let wordEnd = end(of: word, in: local),
            let start = end(of: separator, in: afterDigit(wordEnd, local)),
            let tagEnd = isBATV ? endOfBATVTag(start..<local.upperBound) : endOfMomentumTag(start..<local.upperBound),
            let restStart = end(of: separator, in: tagEnd..<local.upperBound)
        else { return nil }
        return rest(restStart..<local.upperBound)
    }

    private func endOfBATVTag(_ range: Range<Int>) -> Int? {
        let digits = run(range, atMost: 3, where: \.isDigit)
        let end = run(digits..<range.upperBound, atMost: 9, where: \.isLowercaseHexadecimal)
        return digits - range.lowerBound == 3 && (6...8).contains(end - digits) ? end : nil
    }

    private func endOfMomentumTag(_ range: Range<Int>) -> Int? {
        let digits = run(range, atMost: 5, where: \.isDigit)
        let end = run(digits..<range.upperBound, atMost: 17, where: \.isBase64)
        return digits - range.lowerBound == 5 && (6...16).contains(end - digits) ? end : nil
    }

    // MARK: SRS

    private func srs(_ local: Range<Int>) -> SenderTag? {
        guard let digit = end(of: "srs", in: local), digit + 1 < local.upperBound, self[digit + 1].separatesSRS else {
            return nil
        }
        let word = local.lowerBound..<digit + 2
        let body = word.upperBound..<local.upperBound
        switch self[digit] {
        case UInt8(ascii: "0"):
            guard var tag = rewritten(body) else { return nil }
            tag.kept.0 = word
            return tag
        case UInt8(ascii: "1"):
            guard let hashEnd = endOfField(body, where: \.isBase64), hashEnd - body.lowerBound <= 32,
                let forwarderEnd = endOfField(hashEnd + 1..<body.upperBound, where: \.isInDomain),
                forwarderEnd + 1 < body.upperBound, self[forwarderEnd + 1].separatesSRS,
                var tag = rewritten(forwarderEnd + 2..<body.upperBound)
            else { return nil }
            tag.kept.0 = word
            tag.kept.1 = hashEnd + 1..<forwarderEnd + 2
            return tag
        default: return nil
        }
    }

    /// `HASH=TT=domain=user`.
    private func rewritten(_ body: Range<Int>) -> SenderTag? {
        guard let hashEnd = endOfField(body, where: \.isBase64), (2...32).contains(hashEnd - body.lowerBound),
            let timeEnd = endOfField(hashEnd + 1..<body.upperBound, where: \.isBase32), timeEnd - hashEnd == 3,
            let domainEnd = endOfField(timeEnd + 1..<body.upperBound, where: \.isInDomain),
            var tag = rest(domainEnd + 1..<body.upperBound)
        else { return nil }
        tag.kept.2 = timeEnd + 1..<domainEnd + 1
        return tag
    }

    /// Where a field of these bytes ends, at a `=`; nil where it is empty or has others.
    private func endOfField(_ range: Range<Int>, where belongs: (UInt8) -> Bool) -> Int? {
        let end = run(range, atMost: range.count, where: belongs)
        return end > range.lowerBound && end < range.upperBound && self[end] == UInt8(ascii: "=") ? end : nil
    }

    // MARK: Behind the name

    private func suffixed(_ local: Range<Int>) -> SenderTag? {
        guard let dash = lastIndex(in: local, where: { $0 == UInt8(ascii: "-") }) else { return nil }
        let suffix = dash + 1..<local.upperBound
        if let start = end(of: "prvs=", in: suffix), endOfBATVTag(start..<suffix.upperBound) == suffix.upperBound {
            return rest(local.lowerBound..<dash)
        }
        // TIME.MAC, and `-dated` before it.
        let time = run(suffix, atMost: 12, where: \.isDigit)
        guard (9...11).contains(time - suffix.lowerBound), let mac = end(of: ".", in: time..<suffix.upperBound) else {
            return nil
        }
        let macEnd = run(mac..<suffix.upperBound, atMost: 41, where: \.isLowercaseHexadecimal)
        guard macEnd == suffix.upperBound, macEnd - mac >= 6, dash - 6 > local.lowerBound,
            end(of: "-dated", in: dash - 6..<dash) == dash
        else { return nil }
        return rest(local.lowerBound..<dash - 6)
    }

    // MARK: Pieces

    private func rest(_ range: Range<Int>) -> SenderTag? {
        range.isEmpty ? nil : SenderTag(rest: range)
    }

    /// The range behind one digit, where there is one.
    private func afterDigit(_ start: Int, _ local: Range<Int>) -> Range<Int> {
        (start < local.upperBound && self[start].isDigit ? start + 1 : start)..<local.upperBound
    }

    /// Where a word ends with which the range begins.
    private func end(of word: StaticString, in range: Range<Int>) -> Int? {
        let end = range.lowerBound + word.utf8CodeUnitCount
        return end <= range.upperBound && extracting(range.lowerBound..<end).equals(word) ? end : nil
    }

    /// Where the bytes end that belong together, after so many at the latest.
    @inline(__always)
    private func run(_ range: Range<Int>, atMost limit: Int, where belongs: (UInt8) -> Bool) -> Int {
        var index = range.lowerBound
        while index < range.upperBound, index - range.lowerBound < limit, belongs(self[index]) { index += 1 }
        return index
    }

    @inline(__always)
    private func lastIndex(in range: Range<Int>, where belongs: (UInt8) -> Bool) -> Int? {
        var index = range.upperBound
        while index > range.lowerBound {
            index -= 1
            if belongs(self[index]) { return index }
        }
        return nil
    }
}

extension UInt8 {
    fileprivate var separatesTag: Bool { self == UInt8(ascii: "=") || self == UInt8(ascii: "/") }

    fileprivate var separatesSRS: Bool {
        self == UInt8(ascii: "=") || self == UInt8(ascii: "-") || self == UInt8(ascii: "+")
    }

    /// Base64 or its form for URLs (RFC 4648), in lower case.
    fileprivate var isBase64: Bool {
        isLetterOrDigit || self == UInt8(ascii: "+") || self == UInt8(ascii: "/") || self == UInt8(ascii: "-")
            || self == UInt8(ascii: "_")
    }

    /// Base32 (RFC 4648), in lower case.
    fileprivate var isBase32: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || (UInt8(ascii: "2")...UInt8(ascii: "7")).contains(self)
    }

    /// What domain names have, those beyond ASCII, too.
    fileprivate var isInDomain: Bool {
        isLetterOrDigit || self == UInt8(ascii: ".") || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
            || self >= 0x80
    }
}
