/// A JSON value with the place where it begins.
package struct JSONNode: Sendable, Equatable {
    /// What a value is made of.
    package enum Content: Sendable, Equatable {
        /// The members of an object as they stand, those of a key that is given twice too.
        case object([JSONMember])
        /// The elements of a list.
        case array([JSONNode])
        /// A value that holds no others.
        case scalar(JSONValue)
    }

    /// The line, counted from 1.
    package var line: Int
    /// The character in that line, counted from 1.
    package var column: Int
    /// The value.
    package var content: Content

    /// A value that stands there.
    package init(line: Int, column: Int, content: Content) {
        self.line = line
        self.column = column
        self.content = content
    }

    /// The value without its places.
    package var value: JSONValue {
        switch content {
        case .object(let members):
            .object(Dictionary(members.map { ($0.key, $0.node.value) }, uniquingKeysWith: { $1 }))
        case .array(let nodes): .array(nodes.map(\.value))
        case .scalar(let value): value
        }
    }
}

/// A member of an object.
package struct JSONMember: Sendable, Equatable {
    /// Its key.
    package var key: String
    /// The line of the key.
    package var line: Int
    /// Its value.
    package var node: JSONNode

    /// A member of that key.
    package init(key: String, line: Int, node: JSONNode) {
        self.key = key
        self.line = line
        self.node = node
    }
}

extension [JSONMember] {
    /// The index of the member that stands for each key: of a key that is given twice, the last.
    package var standing: [String: Int] {
        Dictionary(indices.map { (self[$0].key, $0) }, uniquingKeysWith: { $1 })
    }
}

extension JSONNode {
    /// A value that stands nowhere: it is to be written.
    package init(_ content: Content) {
        self.init(line: 1, column: 1, content: content)
    }

    /// The value as JSON on one line, the members of an object in their order.
    package var text: String {
        switch content {
        case .object(let members): members.text
        case .array(let nodes): "[" + nodes.map(\.text).joined(separator: ", ") + "]"
        case .scalar(let value): value.text
        }
    }
}

extension JSONMember {
    /// A member that stands nowhere: it is to be written.
    package init(_ key: String, _ value: JSONValue) {
        self.init(key: key, line: 1, node: JSONNode(.scalar(value)))
    }
}

extension [JSONMember] {
    /// An object of these members, on one line and in their order.
    package var text: String {
        "{" + map { "\(quoted($0.key)): \($0.node.text)" }.joined(separator: ", ") + "}"
    }
}

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

    /// What a message calls the value.
    package var found: String {
        switch self {
        case .string(let value): shortened(value)
        case .array: "a list"
        case .object: "an object"
        default: text
        }
    }
}
