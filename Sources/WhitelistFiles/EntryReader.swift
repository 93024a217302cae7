import Bytes
import Greylist
package import JSONText
public import Whitelists

extension EntryMembers {
    /// The longest delay that an entry may give, in seconds: a day.
    private static let delayLimit: Int64 = 86_400

    /// The entry that the members spell.
    func entry(_ options: SourceOptions, index: Int, line: Int?) throws(EntryError) -> WhitelistEntry {
        var notes: [String] = []
        return try entry(options, index: index, line: line, notes: &notes)
    }

    /// The entry that the members spell, and what is to be said of it though it is taken.
    func entry(
        _ options: SourceOptions, index: Int, line: Int?, notes: inout [String]
    ) throws(EntryError) -> WhitelistEntry {
        var reader = ConditionReader(allowsPatterns: options.allowsPatterns)
        let condition = try reader.condition(self)
        notes += reader.notes
        let effect = try effect()
        if effect == .pass, !options.allowsWide, !(try flag("allow_wide")), let width = condition.tooWide {
            throw EntryError("\(width); \"allow_wide\": true if that is meant")
        }
        if effect == .pass, !options.allowsWide, !(try flag("allow_wide")),
            let suffix = condition.publicSuffix(among: options.suffixes)
        {
            notes.append("\(suffix); \"allow_wide\": true if that is meant")
        }
        if let remark = condition.hiddenIdentity(among: options.suffixes) { notes.append(remark) }
        for key in ["name", "comment"] {
            guard case .scalar(.string(let text))? = self[key], let remark = hiddenText(text) else { continue }
            notes.append("the \(key) \(remark)")
        }
        return WhitelistEntry(
            condition, effect: effect, expires: try expiry(), comment: try optionalString("comment"), name: ownName,
            index: index, line: line)
    }

    /// Its name, where it has one.
    ///
    /// The name in an entry about an attribute is the attribute's.
    var ownName: String? {
        if case .scalar(.string("attribute"))? = self["type"] { return nil }
        guard case .scalar(.string(let name))? = self["name"], !name.isEmpty else { return nil }
        return name
    }

    private func effect() throws(EntryError) -> WhitelistEntry.Effect {
        let isGreylisted = try flag("greylist")
        guard let content = self["delay"] else { return isGreylisted ? .greylist : .pass }
        guard case .scalar(let value) = content, let seconds = value.seconds, (1...Self.delayLimit).contains(seconds)
        else {
            throw EntryError("\"delay\" is \(content.found), not a time from \"1s\" to \"1d\"")
        }
        return .delay(seconds)
    }

    private func expiry() throws(EntryError) -> Timestamp? {
        guard let text = try optionalString("expires") else { return nil }
        guard let moment = Timestamp(expiry: text) else {
            throw EntryError(
                "\"expires\" is \(shortened(text)), not a date (2027-01-31, or 2027-01-31T12:00:00Z)")
        }
        return moment
    }
}

/// What is said of a text with characters that can't be seen, or that turn the direction of writing; nil of any other.
func hiddenText(_ text: String) -> String? {
    guard text.unicodeScalars.contains(where: breaksLine) else { return nil }
    return "\(shortened(text)) has characters that can't be seen, or that make it look like another text"
}

extension JSONValue {
    /// The time in seconds that a number, or text such as `90`, `90s`, `5m`, `2h` or `1d`, says.
    fileprivate var seconds: Int64? {
        switch self {
        case .int(let seconds): return Int64(seconds)
        case .string(let text):
            let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
            let unit = text.last.flatMap { units[$0] }
            let digits = unit == nil ? text[...] : text.dropLast()
            guard !digits.isEmpty, digits.utf8.count <= 9, digits.utf8.allSatisfy(\.isDigit) else { return nil }
            return Int64(digits).map { $0 * (unit ?? 1) }
        default: return nil
        }
    }
}

extension WhitelistEntry {
    /// The entry that members spell, as if they stood in a file.
    package init(members: [JSONMember], _ options: SourceOptions) throws(WhitelistError) {
        var notes: [String] = []
        try self.init(members: members, options, notes: &notes)
    }

    /// The entry that members spell, and what is to be said of it though it is taken.
    package init(members: [JSONMember], _ options: SourceOptions, notes: inout [String]) throws(WhitelistError) {
        do throws(EntryError) {
            self = try EntryMembers(members: members).entry(options, index: 0, line: nil, notes: &notes)
        } catch {
            throw WhitelistError(error.message)
        }
    }
}

/// Entries by the lists they stand in.
public struct EntryLists: Sendable {
    /// A list.
    public struct List: Sendable {
        /// Its name, as it is written.
        public let name: String
        /// Its entries, in their order.
        public internal(set) var entries: [WhitelistEntry] = []
    }

    /// The lists, in the order in which they begin; one may be empty.
    public private(set) var lists: [List] = []
    private var numbers: [String: Int] = [:]
    private let unlisted: String

    /// No lists yet.
    ///
    /// - Parameter unlisted: the list of entries that stand in none
    public init(unlisted: String = "") {
        self.unlisted = unlisted
    }

    /// How many entries there are.
    public var count: Int { lists.reduce(0) { $0 + $1.entries.count } }

    /// Appends the entries of another reading; lists of the same name are joined.
    public mutating func append(_ other: EntryLists) {
        for list in other.lists {
            let number = number(of: list.name)
            lists[number].entries += list.entries
        }
    }

    /// Appends entries to the list of those that stand in none.
    public mutating func append(_ entries: [WhitelistEntry]) {
        lists[number(of: unlisted)].entries += entries
    }

    /// All entries in one list, in their order.
    public func joined(as name: String) -> EntryLists {
        var joined = EntryLists(unlisted: unlisted)
        let number = joined.number(of: name)
        joined.lists[number].entries = lists.flatMap(\.entries)
        return joined
    }

    private mutating func number(of name: String) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = lists.count
        lists.append(List(name: name))
        return lists.count - 1
    }
}

extension EntryLists: EntrySink {
    mutating func begin(_ list: ListName) {
        _ = number(of: list.name)
    }

    mutating func take(_ entry: WhitelistEntry, list: ListName?) {
        lists[number(of: list?.name ?? unlisted)].entries.append(entry)
    }
}

extension EntryLists {
    /// All of it as a JSON file, an entry a line, always the same for the same entries.
    public var text: String {
        guard !lists.isEmpty else { return "{}\n" }
        let texts = lists.map { list in
            guard !list.entries.isEmpty else { return "  \(quoted(list.name)): []" }
            let entries = list.entries.map { "    \($0.text)" }.joined(separator: ",\n")
            return "  \(quoted(list.name)): [\n\(entries)\n  ]"
        }
        return "{\n" + texts.joined(separator: ",\n") + "\n}\n"
    }
}

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
    /// What a message calls the value.
    var found: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .scalar(let value): value.found
        }
    }
}
