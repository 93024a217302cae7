import Greylist
import JSONText
import NIOConcurrencyHelpers
import Whitelists

/// A whitelist that isn't a file: lists of entries whose members are all texts.
public struct RemoteSource: Sendable {
    /// A list.
    public struct List: Sendable {
        /// Its name.
        public let name: String
        /// Its entries, each with its own name and its members.
        public let entries: [(name: String, members: [(name: String, value: String)])]

        /// A list of that name.
        public init(name: String, entries: [(name: String, members: [(name: String, value: String)])]) {
            self.name = name
            self.entries = entries
        }
    }

    /// What was read.
    public struct Contents: Sendable {
        /// The lists, in their order.
        public let lists: [List]
        /// What could not be read: the list, the entry's name or nil, and a sentence.
        public let messages: [(list: String, entry: String?, message: String)]

        /// Lists, and what is wrong with others.
        public init(lists: [List], messages: [(list: String, entry: String?, message: String)]) {
            self.lists = lists
            self.messages = messages
        }
    }

    /// Why it can't be read.
    public struct ReadError: Error {
        let message: String

        /// A message that names the source.
        public init(_ message: String) {
            self.message = message
        }
    }

    /// What it is called in messages and locations: no password.
    public let name: String
    private let contents: @Sendable () throws(ReadError) -> Contents
    /// Stands for what was read last; shared by all copies.
    private let lastRead = NIOLockedValueBox<Int?>(nil)

    /// A source; `contents` reads it, and may block.
    public init(name: String, contents: @escaping @Sendable () throws(ReadError) -> Contents) {
        self.name = name
        self.contents = contents
    }

    /// Reads the entries; those that are no good are reported.
    func read<Sink>(_ options: SourceOptions, into collector: EntryCollector<Sink>) throws(WhitelistError) {
        let contents: Contents
        do throws(ReadError) {
            contents = try self.contents()
        } catch {
            throw WhitelistError(error.message)
        }
        lastRead.withLockedValue { $0 = contents.hash }
        for message in contents.messages {
            let entry = message.entry.map { ":\(named($0))" } ?? ""
            collector.report(of: "\(name)(\(named(message.list))\(entry))", message.message)
        }
        for list in contents.lists {
            let listName = ListName(list.name)
            collector.begin(listName)
            for (index, entry) in list.entries.enumerated() where collector.hasRoom {
                func location() -> String { "\(name)(\(listName.shown):\(named(entry.name)))" }
                var notes: [String] = []
                do throws(EntryError) {
                    let read = try Self.read(entry, options, index: index, notes: &notes)
                    for note in notes { collector.note(at: location(), note) }
                    collector.add(read, list: listName, at: location())
                } catch {
                    collector.report(of: location(), error.message)
                }
            }
        }
    }

    /// The entry under a key.
    ///
    /// Its name is its own, else the key, unless that was made by us.
    static func read(
        _ entry: (name: String, members: [(name: String, value: String)]), _ options: SourceOptions, index: Int,
        notes: inout [String]
    ) throws(EntryError) -> WhitelistEntry {
        var read = try EntryMembers(texts: entry.members).entry(options, index: index, line: nil, notes: &notes)
        if read.name == nil, !RemoteKey.isOurs(entry.name) { read.name = entry.name }
        return read
    }
}

extension RemoteSource {
    /// Whether it holds something else than what was read last; not where it can't be read now.
    ///
    /// Reads it, and blocks meanwhile.
    func hasChanged() -> Bool {
        guard let contents = try? contents() else { return false }
        return lastRead.withLockedValue { $0 != contents.hash }
    }
}

extension RemoteSource.Contents {
    /// The same for the same contents, messages included, in this process.
    fileprivate var hash: Int {
        var hasher = Hasher()
        for list in lists {
            hasher.combine(list.name)
            for entry in list.entries {
                hasher.combine(entry.name)
                // The order of a hash's fields is Redis' own affair.
                hasher.combine(Dictionary(entry.members, uniquingKeysWith: { $1 }))
            }
        }
        for message in messages {
            hasher.combine("\(message.list) \(message.entry ?? "") \(message.message)")
        }
        return hasher.finalize()
    }
}

extension EntryMembers {
    /// Members that are all texts; that of a combination (`of`) is JSON.
    fileprivate init(texts: [(name: String, value: String)]) throws(EntryError) {
        var members: [JSONMember] = []
        for (name, value) in texts {
            var node = JSONNode(line: 1, column: 1, content: .scalar(.string(value)))
            if name == "of" {
                do throws(JSONError) {
                    node = try JSONParser.parse(Array(value.utf8))
                } catch {
                    throw EntryError("\"of\" is \(error)")
                }
            }
            members.append(JSONMember(key: name, line: 1, node: node))
        }
        self.init(members: members)
    }
}

extension RemoteSource: Hashable {
    /// Whether both have the same name.
    public static func == (one: Self, other: Self) -> Bool { one.name == other.name }

    /// Hashes the name.
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
