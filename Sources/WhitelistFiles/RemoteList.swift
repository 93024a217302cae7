import Bytes
import JSONText
public import Whitelists

/// A list of entries that are kept as hashes, as it is and as it shall be.
public struct RemoteList: Sendable {
    /// What was done to it.
    public struct Changes: Sendable {
        /// Entries that weren't there.
        public internal(set) var added: [WhitelistEntry] = []
        /// Entries that took the place of another one with their name.
        public internal(set) var changed: [WhitelistEntry] = []
        /// The names or keys of entries that are there no longer.
        public internal(set) var removed: [String] = []
        /// How many were there already.
        public internal(set) var unchanged = 0
    }

    /// Its name.
    public let name: String
    /// Whether it has been there before.
    public let isKnown: Bool
    /// What was done to it.
    public private(set) var changes = Changes()
    private let former: [Item]
    private var items: [Item]
    /// The keys of all lists.
    private let taken: Set<String>
    private let digest: @Sendable (String) -> String

    /// An entry and where it is kept.
    fileprivate struct Item: Sendable {
        let key: String
        let members: [(name: String, value: String)]
        /// Nil where it is malformed.
        let entry: WhitelistEntry?
        /// The same for all that say the same.
        let text: String?

        /// What it is called in a report.
        var label: String { entry?.name ?? key }
    }

    /// The list of that name, or an empty one.
    ///
    /// - Parameter digest: the SHA-1 of a text, in hexadecimal digits
    public init(
        _ name: String, in contents: RemoteSource.Contents, digest: @escaping @Sendable (String) -> String
    ) throws(WhitelistError) {
        if let message = contents.messages.first(where: { $0.list == name && $0.entry == nil }) {
            throw WhitelistError("\(named(name)): \(message.message)")
        }
        guard name != "whitelists", !name.isEmpty else {
            throw WhitelistError("\(named(name)) can't be the name of a list in Redis")
        }
        let list = contents.lists.first { $0.name == name }
        // What the daemon would skip is not what is asked for.
        let options = SourceOptions(allowsPatterns: true)
        self.name = name
        isKnown = list != nil
        former = (list?.entries ?? []).enumerated().map { index, entry in
            var notes: [String] = []
            let read = try? RemoteSource.read(entry, options, index: index, notes: &notes)
            return Item(key: entry.name, members: entry.members, entry: read, text: read?.text)
        }
        items = former
        taken = Set(contents.lists.flatMap { $0.entries.map(\.name) })
        self.digest = digest
    }

    /// Whether it is another one than before.
    public var differs: Bool { !isKnown || items.map(\.key) != former.map(\.key) }

    /// The list as it shall be.
    public var list: RemoteSource.List {
        RemoteSource.List(name: name, entries: items.map { ($0.key, $0.members) })
    }

    /// Adds the entries that aren't there yet, and puts those of a known name in the place of the former ones.
    ///
    /// - Parameter replaces: whether the list is to have these entries only, in their order
    public mutating func merge(_ entries: [WhitelistEntry], replaces: Bool) throws(WhitelistError) {
        var wanted: [(entry: WhitelistEntry, text: String)] = []
        var texts: Set<String> = []
        var names: [String: String] = [:]
        for entry in entries {
            let text = entry.text
            guard texts.insert(text).inserted else { continue }
            if let name = entry.name, names.updateValue(text, forKey: name) != nil {
                throw WhitelistError(
                    "\(named(self.name)): two entries are called \(named(name)) and differ: rename one of them")
            }
            wanted.append((entry, text))
        }
        let byText = Dictionary(
            former.indices.compactMap { number in former[number].text.map { ($0, number) } },
            uniquingKeysWith: { first, _ in first })
        let byName = Dictionary(
            former.indices.compactMap { number in former[number].name.map { ($0, number) } },
            uniquingKeysWith: { first, _ in first })
        var kept: Set<Int> = []
        var (substitutes, fresh, ordered): ([Int: Item], [Item], [Item]) = ([:], [], [])
        for (entry, text) in wanted {
            if let number = byText[text] {
                changes.unchanged += 1
                kept.insert(number)
                ordered.append(former[number])
                continue
            }
            let item = item(entry, text)
            ordered.append(item)
            if let number = entry.name.flatMap({ byName[$0] }), kept.insert(number).inserted {
                changes.changed.append(entry)
                substitutes[number] = item
            } else {
                changes.added.append(entry)
                fresh.append(item)
            }
        }
        if replaces {
            changes.removed += former.indices.filter { !kept.contains($0) }.map { former[$0].label }
            items = ordered
        } else {
            changes.unchanged = former.count - substitutes.count
            items = former.indices.map { substitutes[$0] ?? former[$0] } + fresh
        }
    }

    /// Adds an entry; false where it is there already.
    public mutating func add(_ entry: WhitelistEntry, isFirst: Bool) throws(WhitelistError) -> Bool {
        do throws(EntryError) {
            guard try !candidates.holds(entry) else { return false }
        } catch {
            throw WhitelistError("\(named(name)): \(error.message)")
        }
        items.insert(item(entry, entry.text), at: isFirst ? 0 : items.count)
        changes.added.append(entry)
        return true
    }

    /// Removes an entry; false where there is none such.
    public mutating func remove(_ choice: EntryChoice) throws(WhitelistError) -> Bool {
        do throws(EntryError) {
            guard let number = try candidates.number(of: choice) else { return false }
            changes.removed.append(items.remove(at: number).label)
            return true
        } catch {
            throw WhitelistError("\(named(name)): \(error.message)")
        }
    }

    private var candidates: [EntryCandidate] {
        items.map { EntryCandidate(entry: $0.entry, name: $0.name) }
    }

    private func item(_ entry: WhitelistEntry, _ text: String) -> Item {
        var (key, salt) = (RemoteKey.key(of: text, in: name, digest: digest), 1)
        // Somebody has changed by hand what is under the key.
        while taken.contains(key) {
            salt += 1
            key = RemoteKey.key(of: "\(text)\n\(salt)", in: name, digest: digest)
        }
        return Item(key: key, members: entry.texts, entry: entry, text: text)
    }
}

extension RemoteList.Item {
    /// Its name, even where it is malformed.
    fileprivate var name: String? {
        if let entry { return entry.name }
        return RemoteKey.isOurs(key) ? members.first { $0.name == "name" }?.value : key
    }
}

extension WhitelistEntry {
    /// The members as texts; of a combination (`of`) that is JSON.
    fileprivate var texts: [(name: String, value: String)] {
        spelling.map { member in
            if case .scalar(.string(let text)) = member.node.content { return (member.key, text) }
            return (member.key, member.node.text)
        }
    }
}

/// The keys that are given to entries which are written to a Redis.
///
/// A key is made of what the entry says, and of its list: so the same entry always has the same one, and what is under
/// a key never has to change. It can't be that of a greylisting entry, which begins with a network or is a bare digest.
enum RemoteKey {
    private static let prefix = "whitelist:"
    private static let digits = 40

    /// The key of an entry of that list.
    ///
    /// - Parameter digest: the SHA-1 of a text in hexadecimal digits
    static func key(of text: String, in list: String, digest: (String) -> String) -> String {
        prefix + digest(list + "\n" + text)
    }

    /// Whether a key was made here, and so says nothing.
    static func isOurs(_ key: String) -> Bool {
        let rest = key.utf8.dropFirst(prefix.utf8.count)
        return key.hasPrefix(prefix) && rest.count == digits
            && rest.allSatisfy(\.isLowercaseHexadecimal)
    }
}
