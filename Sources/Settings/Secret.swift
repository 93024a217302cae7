import JSONText

/// What is printed in place of a password.
let hiddenPassword = "***"

/// A text with the password of a URL in it replaced: all from the first colon behind `//` to the last `@`.
func hidingPasswords(_ text: String) -> String {
    guard let range = passwordRange(in: text) else { return text }
    return text[..<range.lowerBound] + hiddenPassword + text[range.upperBound...]
}

/// A value with the password of each URL in it replaced.
func hidingPasswords(_ json: JSONValue) -> JSONValue {
    switch json {
    case .string(let text): .string(hidingPasswords(text))
    case .array(let values): .array(values.map { hidingPasswords($0) })
    default: json
    }
}

extension Assignment.Input {
    /// Whether a URL in it has `***` for a password.
    var holdsHiddenPassword: Bool {
        switch self {
        case .json(.string(let text)), .text(let text): text.contains(":\(hiddenPassword)@")
        case .json(.array(let values)): values.contains { Assignment.Input.json($0).holdsHiddenPassword }
        case .json: false
        }
    }
}

private func passwordRange(in text: String) -> Range<String.Index>? {
    guard let slash = text.indices.first(where: { text[$0...].hasPrefix("://") }),
        let end = text.lastIndex(of: "@")
    else { return nil }
    let start = text.index(slash, offsetBy: 3)
    guard start <= end, let colon = text[start..<end].firstIndex(of: ":") else { return nil }
    return text.index(after: colon)..<end
}
