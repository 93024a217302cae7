import JSONText

/// The members of an entry, or of a condition inside of one; of a key that is given twice the last.
struct EntryMembers {
    let members: [JSONMember]

    subscript(_ key: String) -> JSONNode.Content? {
        members.last { $0.key == key }?.node.content
    }

    /// A string that must be there.
    func string(_ key: String) throws(EntryError) -> String {
        guard let text = try optionalString(key) else { throw EntryError("\"\(key)\" is missing") }
        return text
    }

    /// A string that may be left out.
    func optionalString(_ key: String) throws(EntryError) -> String? {
        switch self[key] {
        case nil: return nil
        case .scalar(.string(let text)): return text
        case .some(let other): throw EntryError("\"\(key)\" is \(other.found), not a string")
        }
    }

    /// `true` or `false`, also in quotes as Redis holds it; false where it is left out.
    func flag(_ key: String) throws(EntryError) -> Bool {
        switch self[key] {
        case nil, .scalar(.bool(false)), .scalar(.string("false")): return false
        case .scalar(.bool(true)), .scalar(.string("true")): return true
        case .some(let other): throw EntryError("\"\(key)\" is \(other.found), not true or false")
        }
    }
}

extension JSONNode.Content {
    /// What a complaint calls the value.
    var found: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .scalar(let value): value.found
        }
    }
}
