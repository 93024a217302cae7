import JSONText
public import Whitelists

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
