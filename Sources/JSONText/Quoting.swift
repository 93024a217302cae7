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
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

/// A text for a complaint: quoted, and cut where it is long.
package func shortened(_ text: String) -> String {
    let limit = 80
    guard text.unicodeScalars.count > limit else { return quoted(text) }
    return quoted(String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))) + "..."
}

/// A name for a complaint: as it is where that is plain to see and short, else quoted and cut.
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

/// Whether a character has no place inside a line: a control character or a line or paragraph separator.
package func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029: true
    default: false
    }
}
