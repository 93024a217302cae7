/// A text as a JSON string, on one line whatever it holds.
package func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where breaksLine(scalar):
            result += escaped(scalar)
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

/// A text for a message: quoted, and cut where it is long.
package func shortened(_ text: String) -> String {
    let limit = 80
    guard text.unicodeScalars.count > limit else { return quoted(text) }
    return quoted(String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))) + "..."
}

/// A name for a message: as it is where that is plain to see and short, else quoted and cut.
package func named(_ name: String) -> String {
    let shown = shortened(name)
    return shown == quoted(name) ? bareOrQuoted(name) : shown
}

/// A text as it is where that is plain to see, else quoted.
package func bareOrQuoted(_ text: String) -> String {
    let isPlain =
        text.first != " " && text.last != " " && !text.isEmpty && !text.unicodeScalars.contains(where: breaksLine)
    return isPlain ? text : quoted(text)
}

/// Whether a character has no place inside a line: a control character, a line or paragraph separator, or one that is
/// invisible or turns the direction of what follows, so that a line would seem to say something else.
package func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20..<0x7f: false
    case 0..<0x20, 0x7f..<0xa0: true
    case ..<0x300: scalar.value == 0xad
    // Joiners, signs for writing from right to left, and others that have no width; tags and variants far behind.
    case 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b...0x180f, 0x200b...0x200f, 0x2028...0x202e,
        0x2060...0x206f,
        0x3164, 0xfe00...0xfe0f, 0xfeff, 0xffa0, 0xfff0...0xfffb, 0x1bca0...0x1bca3, 0x1d173...0x1d17a,
        0xe0000...0xe0fff:
        true
    default: false
    }
}

/// A character as JSON escapes it, in two halves where it takes that.
private func escaped(_ scalar: Unicode.Scalar) -> String {
    UTF16.encode(scalar).map { unit in
        unit.map { half in
            let digits = String(half, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    } ?? "\\ufffd"
}

/// A text of several lines as it may be shown on a terminal: what would steer that, or hide something, is escaped.
package func printable(_ text: String) -> String {
    // Nearly all texts are plain.
    guard text.unicodeScalars.contains(where: { breaksLine($0) && $0 != "\n" }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if scalar == "\n" || !breaksLine(scalar) {
            result.unicodeScalars.append(scalar)
        } else {
            result += escaped(scalar)
        }
    }
    return result
}

/// A number with its noun, which is in the singular for one.
package func counted(_ number: Int, _ one: String, _ many: String) -> String {
    "\(number) \(number == 1 ? one : many)"
}
