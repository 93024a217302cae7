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
    init(text: String) throws(Complaint) {
        let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
        guard digits.utf8.allSatisfy(isDigit), let bits = UInt32(digits, radix: 8) else {
            throw Complaint("\(shortened(text)) is not a mode", remedy: Self.remedy)
        }
        guard bits <= 0o777 else { throw Complaint("\(shortened(text)) is not allowed", remedy: "0 to 0777") }
        self.init(bits)
    }

    init(json: JSONValue) throws(Complaint) {
        switch json {
        case .string(let text): try self.init(text: text)
        case .int, .double:
            throw Complaint(
                "the number \(json.found) could be octal or decimal",
                remedy: "write the mode in quotes, such as \"0660\"")
        default: throw Complaint("\(json.found) is not a mode", remedy: Self.remedy)
        }
    }

    /// Four octal digits.
    var text: String {
        let digits = String(bits, radix: 8)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    var json: JSONValue { .string(text) }
}
