import Bytes

/// A domain as a mail server said it, read into a text in lower case and A-labels, without a final dot.
struct DomainName: Sendable {
    /// The most bytes that a name has (RFC 1035, section 2.3.4, in text form).
    static let limit = 253

    /// What kind of domain it is.
    enum Kind: Sendable {
        /// Two labels or more.
        case qualified
        /// One label, such as `localhost`.
        case single
        /// An address literal in its brackets (RFC 5321, section 4.1.3).
        case literal
    }

    /// Its kind.
    let kind: Kind
    /// Where it lies in the text.
    let range: Range<Int>

    /// Appends a domain to a text; nil where it isn't one, and then nothing is appended.
    ///
    /// A name may hold letters, digits, `-` and `_` in ASCII, as Postfix takes them; letters beyond ASCII become A-labels.
    /// A number for a last label is no name: it would be an address without its brackets.
    init?(appending sent: Span<UInt8>, to text: inout [UInt8]) {
        let start = text.count
        let end = sent.count > 1 && sent[sent.count - 1] == UInt8(ascii: ".") ? sent.count - 1 : sent.count
        let name = sent.extracting(0..<end)
        guard let kind = Self.kind(of: name, appendingTo: &text) else {
            text.removeSubrange(start...)
            return nil
        }
        self.kind = kind
        range = start..<text.count
    }

    private static func kind(of name: Span<UInt8>, appendingTo text: inout [UInt8]) -> Kind? {
        // Four bytes of UTF-8 never make fewer of an A-label.
        guard name.count > 0, name.count <= 4 * limit else { return nil }
        let start = text.count
        if name[0] == UInt8(ascii: "[") {
            guard name.count <= limit, name.count > 2, name[name.count - 1] == UInt8(ascii: "]") else { return nil }
            text.append(lowercasing: name)
            return .literal
        }
        if name.isASCII {
            guard name.count <= limit else { return nil }
            text.append(lowercasing: name)
        } else {
            var written: [UInt8] = []
            written.append(lowercasing: name)
            guard let encoded = DomainSpellings(written)?.other, encoded.count <= limit else { return nil }
            text += encoded
        }
        return text.span.extracting(start..<text.count).kindOfName
    }
}

extension Span<UInt8> {
    fileprivate var isASCII: Bool {
        var all: UInt8 = 0
        for index in indices { all |= self[index] }
        return all < 0x80
    }

    /// Which kind of name it is; nil where it is none.
    fileprivate var kindOfName: DomainName.Kind? {
        var (labels, labelStart, hasLetter) = (1, 0, false)
        for index in indices {
            let byte = self[index]
            if byte == UInt8(ascii: ".") {
                guard (1...63).contains(index - labelStart) else { return nil }
                (labels, labelStart, hasLetter) = (labels + 1, index + 1, false)
            } else {
                guard byte.isLetterOrDigit || byte.isNamePunctuation else { return nil }
                if !byte.isDigit { hasLetter = true }
            }
        }
        guard (1...63).contains(count - labelStart), hasLetter else { return nil }
        return labels > 1 ? .qualified : .single
    }
}
