/// A value as a JSON text holds it.
public enum JSONValue: Sendable, Equatable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number that fits, however it was written.
    case int(Int)
    /// Any other number; finite.
    case double(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// An object, without the order of its members.
    case object([String: JSONValue])

    /// The value as JSON on one line, the members of an object in alphabetical order.
    public var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .double(let value): "\(value)"
        case .string(let value): quoted(value)
        case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map { "\(quoted($0.key)): \($0.value.text)" }
                .joined(separator: ", ") + "}"
        }
    }

    /// What a complaint calls the value.
    package var found: String {
        switch self {
        case .string(let value): shortened(value)
        case .array: "a list"
        case .object: "an object"
        default: text
        }
    }
}
