import Bytes

/// What the macros of an evaluation stand for.
struct MacroValues: Sendable {
    /// Whom the evaluation is about.
    let identity: SPFIdentity
    /// The domain of the record that the macros are in.
    let domain: [UInt8]
    /// A name of the client that has its address (`%{p}`), `unknown` where there is none; nil where no macro asks for it.
    let clientName: [UInt8]?

    func value(of letter: MacroLetter) -> [UInt8] {
        switch letter {
        case .sender: identity.localPart + "@".utf8 + identity.domain
        case .localPart: identity.localPart
        case .senderDomain: identity.domain
        case .domain: domain
        case .address: identity.client.dotted
        case .clientName: clientName ?? []
        case .helo: identity.helo
        case .family: Array(identity.client.reverseZone.utf8)
        }
    }
}

extension MacroString {
    /// The name that it stands for, cut to what the DNS can ask: labels too many are left out on the left (RFC 7208,
    /// section 7.3).
    ///
    /// It is made from the right and no further than needed, so a long record full of macros costs little more than a
    /// short one.
    func expanded(with values: MacroValues) -> [UInt8] {
        let enough = DNSQuestion.longestName + 2
        var pieces: [[UInt8]] = []
        var count = 0
        for part in parts.reversed() where count < enough {
            let piece =
                switch part {
                case .literal(let bytes): Array(bytes)
                case .expansion(let expansion): expansion.transformed(values.value(of: expansion.letter))
                }
            pieces.append(piece)
            count += piece.count
        }
        var name = Array(pieces.reversed().joined())[...]
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        while name.count > DNSQuestion.longestName, let dot = name.firstIndex(of: UInt8(ascii: ".")) {
            name = name[(dot + 1)...]
        }
        return Array(name)
    }
}

extension MacroString.Expansion {
    /// A value split, reversed, shortened and joined by dots, as the macro says.
    func transformed(_ value: [UInt8]) -> [UInt8] {
        let separators = delimiters.isEmpty ? [UInt8(ascii: ".")] : delimiters
        var parts = value.split(omittingEmptySubsequences: false) { separators.contains($0) }
        if isReversed { parts.reverse() }
        if let count { parts = parts.suffix(count) }
        let joined = Array(parts.joined(separator: [UInt8(ascii: ".")]))
        guard isEscaped else { return joined }
        var escaped: [UInt8] = []
        for byte in joined {
            // What RFC 3986, section 2.3, calls unreserved.
            if byte.isLetterOrDigit || "-._~".utf8.contains(byte) {
                escaped.append(byte)
            } else {
                escaped.append(UInt8(ascii: "%"))
                escaped.append(UInt8(hexadecimalDigitOf: byte >> 4))
                escaped.append(UInt8(hexadecimalDigitOf: byte & 0xf))
            }
        }
        return escaped
    }
}
