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
