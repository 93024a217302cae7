import Bytes
import JSONText

/// The permissions of a socket in the file system.
public struct SocketMode: Sendable, Equatable {
    /// The bits as `chmod` takes them, 0 to 0o777.
    public let bits: UInt32

    /// Permissions from bits; bits above 0o777 are dropped.
    public init(_ bits: UInt32) {
        self.bits = bits & 0o777
    }
}

extension SocketMode: SettingValue {
    static var typeName: String { "octal mode" }

    private static let remedy = "octal digits such as \"0660\""

    /// Reads `0660`, `660` or `0o660`.
    init(text: String) throws(ValueError) {
        let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
        guard digits.utf8.allSatisfy(\.isDigit), let bits = UInt32(digits, radix: 8) else {
            throw ValueError("\(shortened(text)) is not a mode", remedy: Self.remedy)
        }
        guard bits <= 0o777 else { throw ValueError("\(shortened(text)) is not allowed", remedy: "0 to 0777") }
        self.init(bits)
    }

    init(json: JSONValue) throws(ValueError) {
        switch json {
        case .string(let text): try self.init(text: text)
        case .int, .double:
            throw ValueError(
                "the number \(json.found) could be octal or decimal",
                remedy: "write the mode in quotes, such as \"0660\"")
        default: throw ValueError("\(json.found) is not a mode", remedy: Self.remedy)
        }
    }

    /// Four octal digits.
    var text: String {
        let digits = String(bits, radix: 8)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    var json: JSONValue { .string(text) }
}

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

extension Duration: SettingValue {
    static var typeName: String { "duration" }

    private static let units: [(name: String, milliseconds: Int)] = [
        ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    private static func refusal(of found: String) -> ValueError {
        ValueError("\(found) is not a duration", remedy: "a number of seconds, or 5m, 36h, 35d")
    }

    /// A number of days.
    static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }

    /// Reads `300`, `1.5`, `500ms`, `5m`, `36h`, `35d` or `2w`; a number without a unit means seconds.
    init(text: String) throws(ValueError) {
        try self.init(text, called: shortened(text))
    }

    init(json: JSONValue) throws(ValueError) {
        switch json {
        case .string(let text): try self.init(text: text)
        case .int(let seconds): try self.init(String(seconds), called: json.found)
        case .double(let seconds):
            try self.init(Int(exactly: seconds).map { String($0) } ?? "\(seconds)", called: json.found)
        default: throw Self.refusal(of: json.found)
        }
    }

    private init(_ text: String, called found: String) throws(ValueError) {
        let isNegative = text.hasPrefix("-")
        let number = text.dropFirst(isNegative ? 1 : 0).prefix { $0.isASCII && $0.isNumber || $0 == "." }
        let unitName = text.dropFirst((isNegative ? 1 : 0) + number.count)
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let unit = Self.units.first(where: { $0.name == unitName || $0.name == "s" && unitName.isEmpty }),
            let whole = parts.first.flatMap({ Int($0) }),
            let fraction = parts.count == 1 ? 0 : Int(parts[1])
        else { throw Self.refusal(of: found) }
        if isNegative { throw ValueError("\(found) is negative", remedy: "a duration is zero or more") }

        // The fraction in milliseconds is fraction * unit / 10^digits, and must be whole.
        let digits = parts.count == 1 ? 0 : parts[1].count
        guard digits <= 9 else { throw ValueError("\(found) is finer than a millisecond") }
        let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
        let (scaled, tooFine) = (fraction * unit.milliseconds).quotientAndRemainder(dividingBy: scale)
        guard tooFine == 0 else { throw ValueError("\(found) is finer than a millisecond") }
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit.milliseconds)
        let (sum, carry) = product.addingReportingOverflow(scaled)
        guard !overflow, !carry else { throw ValueError("\(found) is too long for a duration") }
        self = .milliseconds(sum)
    }

    /// The length in milliseconds, finer parts cut off.
    private var wholeMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }

    /// The duration in the largest unit that gives a whole number, such as `5m`; zero is `0s`.
    var text: String {
        let length = wholeMilliseconds
        guard length != 0, let unit = Self.units.first(where: { length % $0.milliseconds == 0 }) else { return "0s" }
        return "\(length / unit.milliseconds)\(unit.name)"
    }

    /// A number of seconds where that is whole, else a text such as `"500ms"`.
    var json: JSONValue {
        wholeMilliseconds % 1000 == 0 ? .int(wholeMilliseconds / 1000) : .string(text)
    }
}
