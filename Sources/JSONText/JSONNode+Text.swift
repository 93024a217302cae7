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
