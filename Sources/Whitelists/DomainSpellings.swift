/// A domain name as it is written and as the DNS has it.
///
/// What Postfix says of a client is ASCII (`xn--bcher-kva.example`); the domain of an address may be either
/// (RFC 6531). Beyond ASCII, letters are made lower case as Unicode has it without regard to language; nothing else is
/// mapped, and a letter with a mark must be one character.
struct DomainSpellings {
    /// As it was written, in lower case.
    let written: [UInt8]
    /// The other spelling, where there are two.
    let other: [UInt8]?

    private static let dot = UInt8(ascii: ".")
    private static let prefix = Array("xn--".utf8)

    /// Both spellings of a name; nil where it isn't one.
    ///
    /// - Parameter text: in lower case as far as it is ASCII
    init?(_ text: [UInt8]) {
        let isASCII = text.allSatisfy { $0 < 0x80 }
        if isASCII {
            written = text
            other = Self.decoded(text)
        } else {
            guard let name = Self.normalized(text), let encoded = Self.encoded(name) else { return nil }
            written = Array(String(name).utf8)
            other = encoded
        }
    }

    /// The name beyond ASCII that labels such as `xn--bcher-kva` stand for; nil where there is none such.
    private static func decoded(_ text: [UInt8]) -> [UInt8]? {
        // Nearly all names end here.
        guard text.count > prefix.count, text.firstRange(of: prefix) != nil else { return nil }
        var (labels, isOther): ([[UInt8]], Bool) = ([], false)
        for label in text.split(separator: dot, omittingEmptySubsequences: false) {
            guard label.starts(with: prefix), let plain = Punycode.decode(label.dropFirst(prefix.count)) else {
                labels.append(Array(label))
                continue
            }
            // What isn't in lower case is a spelling that nobody can send.
            let name = String(plain)
            guard name == name.lowercased() else { return nil }
            labels.append(Array(name.utf8))
            isOther = true
        }
        return isOther ? Array(labels.joined(separator: [dot])) : nil
    }

    /// In lower case, with plain dots; nil where a character can't be in a name.
    private static func normalized(_ text: [UInt8]) -> String.UnicodeScalarView? {
        guard let text = String(validating: text, as: UTF8.self) else { return nil }
        var name = String.UnicodeScalarView()
        for scalar in text.lowercased().unicodeScalars {
            switch scalar.value {
            case 0x3002, 0xff0e, 0xff61: name.append(".")
            // A mark by itself: the composed letter is another name.
            case 0x300...0x36f: return nil
            case ..<0x80: name.append(scalar)
            default:
                guard scalar.canBeInName else { return nil }
                name.append(scalar)
            }
        }
        return name
    }

    private static func encoded(_ name: String.UnicodeScalarView) -> [UInt8]? {
        var labels: [[UInt8]] = []
        for label in name.split(separator: ".", omittingEmptySubsequences: false) {
            if label.allSatisfy(\.isASCII) {
                labels.append(label.map { UInt8(truncatingIfNeeded: $0.value) })
                continue
            }
            guard let encoded = Punycode.encode(String.UnicodeScalarView(label)) else { return nil }
            labels.append(prefix + encoded)
        }
        return Array(labels.joined(separator: [dot]))
    }
}

extension Unicode.Scalar {
    /// Whether a label beyond ASCII may have it: letters, marks, digits and pictures, but nothing invisible.
    fileprivate var canBeInName: Bool {
        switch properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .titlecaseLetter, .nonspacingMark, .spacingMark,
            .decimalNumber, .letterNumber, .otherSymbol:
            !properties.isDefaultIgnorableCodePoint
        // A joiner has its place between letters of some scripts.
        default: value == 0xb7 || value == 0x30fb
        }
    }
}
