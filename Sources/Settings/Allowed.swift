import Bytes
import JSONText

/// Which values of a type a setting takes, with the sentence that manuals and messages give for it.
struct Allowed<Value: SettingValue>: Sendable {
    /// Such as `8 to 32`; empty where every value is allowed.
    let message: String
    private let accepts: @Sendable (Value) -> Bool

    init(_ message: String, _ accepts: @escaping @Sendable (Value) -> Bool) {
        self.message = message
        self.accepts = accepts
    }

    /// Refuses a value that isn't allowed.
    func check(_ value: Value) throws(ValueError) {
        guard accepts(value) else {
            let found = value is String ? shortened(value.text) : value.text
            throw ValueError("\(found) is not allowed", remedy: "\(Value.typeName), \(message)")
        }
    }

    /// Every value.
    static var any: Allowed { Allowed("") { _ in true } }
}

extension Allowed where Value: Comparable {
    /// The values from one to another, both included.
    static func range(_ range: ClosedRange<Value>) -> Allowed {
        Allowed("\(range.lowerBound.text) to \(range.upperBound.text)") { range.contains($0) }
    }

    /// A value and everything above it.
    static func atLeast(_ least: Value) -> Allowed {
        Allowed("\(least.text) or more") { $0 >= least }
    }
}

extension Allowed<String> {
    /// Any text but the empty one.
    static var notEmpty: Allowed { Allowed("not empty") { !$0.isEmpty } }

    /// A text that stays on its line.
    static var oneLine: Allowed {
        Allowed("on one line, without control characters", isOneLine)
    }

    /// A text that is not empty and stays on its line.
    static var notEmptyLine: Allowed {
        Allowed("not empty, on one line, without control characters") {
            !$0.isEmpty && isOneLine($0)
        }
    }

    /// The path of a file from the root, or nothing.
    static var absolutePathOrEmpty: Allowed {
        Allowed("an absolute path, or empty") { text in
            text.isEmpty || (text.hasPrefix("/") && !text.hasSuffix("/") && isOneLine(text))
        }
    }

    /// A header of a message, on one line.
    static var headerLine: Allowed {
        Allowed("a header on one line such as \"X-Greylist: delayed\"") { text in
            guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
            let name = text.utf8[..<colon]
            let value = trimmingBlanks(text[colon...].dropFirst())
            return !name.isEmpty && name.allSatisfy { (0x21...0x7e).contains($0) } && !value.isEmpty && isOneLine(text)
        }
    }

    /// The name of a program as a syslog daemon takes it: RFC 3164, section 5.3 parts it from the rest by `[` or `:`, and
    /// RFC 5424, section 6.2.5 lets it have 48 bytes.
    static var programName: Allowed {
        Allowed("1 to 48 characters of printable ASCII, without blanks, \"[\" and \":\"") { text in
            (1...48).contains(text.utf8.count)
                && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x5b && $0 != 0x3a }
        }
    }

    /// An action that sends mail away for the moment.
    static var temporaryRefusal: Allowed {
        Allowed(
            "DEFER_IF_PERMIT, DEFER, DEFER_IF_REJECT, or a code such as 450 or 450 4.2.0; "
                + "anything permanent would lose mail, and anything else would greylist nothing",
            isTemporaryRefusal)
    }
}

@Sendable private func isOneLine(_ text: String) -> Bool {
    !text.unicodeScalars.contains(where: breaksLine)
}

@Sendable private func isTemporaryRefusal(_ action: String) -> Bool {
    if ["DEFER_IF_PERMIT", "DEFER", "DEFER_IF_REJECT"].contains(action.uppercased()) { return true }
    let words = action.split(separator: " ", omittingEmptySubsequences: false)
    guard let code = words.first, code.utf8.count == 3, code.utf8.allSatisfy(\.isDigit), code.first == "4" else {
        return false
    }
    guard words.count == 2 else { return words.count == 1 }
    let parts = words[1].split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0] == "4"
        && parts.dropFirst().allSatisfy { (1...3).contains($0.utf8.count) && $0.utf8.allSatisfy(\.isDigit) }
}
