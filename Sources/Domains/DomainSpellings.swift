/// A domain name as it is written and as the DNS has it.
///
/// What Postfix says of a client is ASCII (`xn--bcher-kva.example`); the domain of an address may be either
/// (RFC 6531). Beyond ASCII, letters are made lower case as Unicode has it without regard to language; nothing else is
/// mapped, and a letter with a mark must be one character.
package struct DomainSpellings {
    /// As it was written, in lower case.
    package let written: [UInt8]
    /// The other spelling, where there are two.
    package let other: [UInt8]?

    private static let dot = UInt8(ascii: ".")
    private static let prefix = Array("xn--".utf8)

    /// Both spellings of a name; nil where it isn't one.
    ///
    /// - Parameter text: in lower case as far as it is ASCII
    package init?(_ text: [UInt8]) {
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

/// Labels of internationalized names as the DNS has them (RFC 3492), without the prefix `xn--`.
enum Punycode {
    private static let (base, shortest, longest) = (36, 1, 26)
    /// No label of the DNS is longer, and none of these sums overflows below it.
    private static let limit = 63

    /// The ASCII form of a label; nil where that is longer than a label may be.
    static func encode(_ label: String.UnicodeScalarView) -> [UInt8]? {
        let values = label.map { Int($0.value) }
        guard values.count <= limit else { return nil }
        var output = values.filter { $0 < 0x80 }.map { UInt8($0) }
        let basic = output.count
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        var (next, delta, bias, done) = (0x80, 0, 72, basic)
        while done < values.count {
            guard let least = values.filter({ $0 >= next }).min() else { return nil }
            delta += (least - next) * (done + 1)
            next = least
            for value in values {
                if value < next { delta += 1 }
                guard value == next else { continue }
                appendNumber(delta, bias: bias, to: &output)
                bias = adapted(delta, count: done + 1, isFirst: done == basic)
                (delta, done) = (0, done + 1)
            }
            delta += 1
            next += 1
        }
        return output.count <= limit ? output : nil
    }

    /// The label that an ASCII form stands for; nil where it is none.
    static func decode(_ text: some BidirectionalCollection<UInt8>) -> String.UnicodeScalarView? {
        guard text.count <= limit else { return nil }
        var (values, rest): ([Int], ArraySlice<UInt8>) = ([], ArraySlice(text))
        if let hyphen = rest.lastIndex(of: UInt8(ascii: "-")) {
            values = rest[..<hyphen].map(Int.init)
            rest = rest[(hyphen + 1)...]
        }
        var (next, index, bias, isFirst) = (0x80, 0, 72, true)
        while !rest.isEmpty {
            let (before, count) = (index, values.count + 1)
            var (weight, position) = (1, base)
            while true {
                guard let digit = rest.popFirst().flatMap(value), index < 1 << 30, weight < 1 << 30 else { return nil }
                index += digit * weight
                let threshold = threshold(position, bias)
                if digit < threshold { break }
                weight *= base - threshold
                position += base
            }
            bias = adapted(index - before, count: count, isFirst: isFirst)
            isFirst = false
            next += index / count
            index %= count
            guard next <= 0x10ffff else { return nil }
            values.insert(next, at: index)
            index += 1
        }
        var label = String.UnicodeScalarView()
        for value in values {
            guard let scalar = Unicode.Scalar(UInt32(value)) else { return nil }
            label.append(scalar)
        }
        return label
    }

    private static func appendNumber(_ number: Int, bias: Int, to output: inout [UInt8]) {
        var (rest, position) = (number, base)
        while true {
            let threshold = threshold(position, bias)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (base - threshold)))
            rest = (rest - threshold) / (base - threshold)
            position += base
        }
        output.append(digit(rest))
    }

    private static func threshold(_ position: Int, _ bias: Int) -> Int {
        min(max(position - bias, shortest), longest)
    }

    /// RFC 3492, section 6.1.
    private static func adapted(_ delta: Int, count: Int, isFirst: Bool) -> Int {
        var (delta, bias) = (isFirst ? delta / 700 : delta / 2, 0)
        delta += delta / count
        while delta > (base - shortest) * longest / 2 {
            delta /= base - shortest
            bias += base
        }
        return bias + (base - shortest + 1) * delta / (delta + 38)
    }

    private static func digit(_ value: Int) -> UInt8 {
        UInt8(value < 26 ? value + Int(UInt8(ascii: "a")) : value - 26 + Int(UInt8(ascii: "0")))
    }

    private static func value(_ digit: UInt8) -> Int? {
        switch digit {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(digit - UInt8(ascii: "a"))
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(digit - UInt8(ascii: "0")) + 26
        default: nil
        }
    }
}
