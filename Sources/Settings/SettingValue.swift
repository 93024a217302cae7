import JSONText

/// What is wrong with a value, without saying whose value it is.
public struct ValueError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A clause such as `"abc" is not a duration`.
    public var message: String
    /// What would be right, if that can be said.
    public var remedy: String?

    /// A message with or without a remedy.
    public init(_ message: String, remedy: String? = nil) {
        self.message = message
        self.remedy = remedy
    }

    /// The sentence, and the remedy in parentheses.
    public var description: String { message + (remedy.map { " (\($0))" } ?? "") }
}

/// A type that a setting may have.
protocol SettingValue: Sendable, Equatable {
    /// What manuals call the type, without an article.
    static var typeName: String { get }
    /// The words that are values, where there are but a few.
    static var choices: [String] { get }
    /// Reads what a flag, the environment or an injection gives.
    init(text: String) throws(ValueError)
    /// Reads what a file gives.
    init(json: JSONValue) throws(ValueError)
    /// The value as `init(text:)` takes it.
    var text: String { get }
    /// The value as `init(json:)` takes it.
    var json: JSONValue { get }
}

extension SettingValue {
    static var choices: [String] { [] }
}

extension Bool: SettingValue {
    static var typeName: String { "true or false" }

    init(text: String) throws(ValueError) {
        switch text.lowercased() {
        case "true", "yes", "on", "1": self = true
        case "false", "no", "off", "0": self = false
        default: throw ValueError("\(shortened(text)) is not true or false")
        }
    }

    init(json: JSONValue) throws(ValueError) {
        guard case .bool(let value) = json else {
            // The words of the command line; a file has JSON's two.
            let meant: Bool? =
                switch json {
                case .string(let text): try? Bool(text: text)
                case .int(let number): try? Bool(text: String(number))
                default: nil
                }
            throw ValueError(
                "\(json.found) is not true or false", remedy: meant.map { "write \($0), without quotes" })
        }
        self = value
    }

    var text: String { self ? "true" : "false" }
    var json: JSONValue { .bool(self) }
}

extension Int: SettingValue {
    static var typeName: String { "whole number" }

    init(text: String) throws(ValueError) {
        guard let value = Int(text) else { throw ValueError("\(shortened(text)) is not a whole number") }
        self = value
    }

    init(json: JSONValue) throws(ValueError) {
        switch json {
        case .int(let value): self = value
        case .double(let number):
            guard let value = Int(exactly: number) else { fallthrough }
            self = value
        default:
            let isQuoted = if case .string(let text) = json { Int(text) != nil } else { false }
            throw ValueError("\(json.found) is not a whole number", remedy: isQuoted ? "write it without quotes" : nil)
        }
    }

    var text: String { String(self) }
    var json: JSONValue { .int(self) }
}

extension String: SettingValue {
    static var typeName: String { "text" }

    init(text: String) throws(ValueError) { self = text }

    init(json: JSONValue) throws(ValueError) {
        guard case .string(let value) = json else {
            throw ValueError("\(json.found) is not a text", remedy: "a text needs quotes")
        }
        self = value
    }

    var text: String { self }
    var json: JSONValue { .string(self) }
}

extension [String]: SettingValue {
    static var typeName: String { "list of texts" }

    /// Reads texts between commas, blanks around them dropped, or a JSON list if it begins with `[`.
    init(text: String) throws(ValueError) {
        let trimmed = trimmingBlanks(text[...])
        guard trimmed.first == "[" else {
            self = trimmed.isEmpty ? [] : trimmed.split(separator: ",").map { String(trimmingBlanks($0)) }
            guard !contains("") else {
                throw ValueError("\(shortened(text)) has an empty element", remedy: "texts with a comma between two")
            }
            return
        }
        try self.init(json: .reading(text))
    }

    init(json: JSONValue) throws(ValueError) {
        guard case .array(let values) = json else {
            throw ValueError("\(json.found) is not a list of texts", remedy: "a list is written [\"one\", \"two\"]")
        }
        self = []
        for value in values {
            guard case .string(let text) = value else {
                throw ValueError("\(value.found) in a list of texts is not a text", remedy: "a text needs quotes")
            }
            append(text)
        }
    }

    var text: String { json.text }
    var json: JSONValue { .array(map { .string($0) }) }
}

/// A text without the blanks at its ends.
func trimmingBlanks(_ text: Substring) -> Substring {
    var rest = text.drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
}

extension JSONValue: SettingValue {
    static var typeName: String { "object" }

    /// Reads an object, written as JSON.
    init(text: String) throws(ValueError) {
        try self.init(json: .reading(text))
    }

    init(json: JSONValue) throws(ValueError) {
        guard case .object = json else {
            throw ValueError("\(json.found) is not an object", remedy: "an object is written {\"key\": \"value\"}")
        }
        self = json
    }

    var json: JSONValue { self }

    /// Reads JSON of any kind that is itself inside a value.
    static func reading(_ text: String) throws(ValueError) -> JSONValue {
        do {
            return try JSONParser.parse(Array(text.utf8)).value
        } catch {
            throw ValueError(error.description, remedy: error.remedy)
        }
    }
}
