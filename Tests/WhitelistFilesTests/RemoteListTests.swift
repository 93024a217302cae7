import Testing
import WhitelistFiles
import Whitelists

@Suite("Lists in Redis that are changed")
struct RemoteListTests {
    private static func lists(_ text: String) throws -> [EntryLists.List] {
        try withFile(text) {
            let reading = try WhitelistDocument(.json, path: $0).lists(SourceOptions(allowsPatterns: true))
            #expect(reading.messages.isEmpty)
            return reading.entries.lists
        }
    }

    private static func entries(_ text: String) throws -> [WhitelistEntry] {
        try #require(try lists("{l: [\(text)]}").first).entries
    }

    private func merged(
        _ text: String, into contents: RemoteSource.Contents = .none, replaces: Bool = false
    ) throws -> RemoteList {
        var list = try RemoteList("l", in: contents, digest: digestStandIn)
        try list.merge(try Self.entries(text), replaces: replaces)
        return list
    }

    private func contents(_ list: RemoteList) -> RemoteSource.Contents {
        RemoteSource.Contents(lists: [list.list], messages: [])
    }

    private static let three = """
        {"type": "helo_name", "domain": "a.b", "name": "one"}, {"type": "ipv4_net", "net": "192.0.2.0/24"},
        {"type": "remote_name", "domain": "c.d", "name": "three", "comment": "c"}
        """

    @Test("once more changes nothing")
    func idempotent() throws {
        let first = try merged(Self.three)
        #expect(first.differs && !first.isKnown && first.changes.added.count == 3)
        #expect(Set(first.list.entries.map(\.name)).count == 3)
        for replaces in [false, true] {
            let again = try merged(Self.three, into: contents(first), replaces: replaces)
            #expect(!again.differs && again.isKnown && again.changes.unchanged == 3)
            #expect(again.list.entries.map(\.name) == first.list.entries.map(\.name))
        }
        let twice = try merged(Self.three + "," + Self.three)
        #expect(twice.list.entries.count == 3)
    }

    @Test("what has a known name takes its place, what is new comes behind, and nothing goes")
    func merging() throws {
        let first = try merged(Self.three)
        let text = """
            {"type": "ipv4_net", "net": "192.0.2.0/24", "comment": "new"},
            {"type": "helo_name", "domain": "x.y", "name": "one"}
            """
        let list = try merged(text, into: contents(first))
        #expect(list.changes.added.map(\.comment) == ["new"])
        #expect(list.changes.changed.map(\.name) == ["one"])
        #expect(list.changes.removed.isEmpty && list.changes.unchanged == 2)
        let (old, new) = (first.list.entries.map(\.name), list.list.entries.map(\.name))
        #expect(new.count == 4 && new[0] != old[0] && new[1] == old[1] && new[2] == old[2])
        // What is under a key never changes.
        #expect(list.list.entries[0].members.contains { $0.name == "domain" && $0.value == "x.y" })
    }

    @Test("replaced, a list has the new entries only, in their order")
    func replacing() throws {
        let first = try merged(Self.three)
        let text = """
            {"type": "remote_name", "domain": "c.d", "name": "three", "comment": "c"},
            {"type": "helo_name", "domain": "x.y", "name": "one"}
            """
        let list = try merged(text, into: contents(first), replaces: true)
        #expect(list.changes.changed.map(\.name) == ["one"])
        #expect(list.changes.removed == [first.list.entries[1].name] && list.changes.unchanged == 1)
        #expect(list.list.entries.count == 2 && list.list.entries[0].name == first.list.entries[2].name)
        #expect(try merged("", into: contents(first), replaces: true).list.entries.isEmpty)
    }

    @Test("the entries of wl_importer.py are known by their names and by what they say")
    func original() throws {
        let original = RemoteSource.Contents(
            lists: [
                RemoteSource.List(
                    name: "l",
                    entries: [
                        ("office", [("type", "ipv4_net"), ("net", "192.0.2.0"), ("mask", "255.255.255.0")]),
                        ("5d2c-uuid", [("type", "helo_name"), ("domain", "a.b"), ("name", "hello")]),
                        ("broken", [("type", "x")]), ("wide", [("type", "remote_name"), ("domain", "com")]),
                    ])
            ], messages: [])
        let text = """
            {"type": "ipv4_net", "net": "192.0.2.0/24", "name": "office"},
            {"type": "helo_name", "domain": "a.b", "name": "hello"},
            {"type": "helo_name", "domain": "c.d", "name": "broken"},
            {"type": "remote_name", "domain": "com", "name": "wide", "allow_wide": true}
            """
        let list = try merged(text, into: original)
        #expect(list.changes.unchanged == 2 && list.changes.changed.map(\.name) == ["broken", "wide"])
        #expect(list.list.entries.map(\.name).prefix(2) == ["office", "5d2c-uuid"])
        #expect(list.changes.added.isEmpty && list.list.entries.count == 4)
    }

    @Test("a key that was changed by hand is not written over")
    func changedByHand() throws {
        let first = try merged(Self.three)
        let key = first.list.entries[0].name
        let altered = RemoteSource.Contents(
            lists: [
                RemoteSource.List(name: "l", entries: [(key, [("type", "helo_name"), ("domain", "by.hand")])])
            ], messages: [])
        let list = try merged(Self.three, into: altered)
        #expect(list.list.entries.map(\.name).first == key && list.list.entries.count == 4)
        #expect(Set(list.list.entries.map(\.name)).count == 4)
        let again = try merged(Self.three, into: contents(list))
        #expect(!again.differs)
    }

    @Test("two lists never share a key, whatever they say")
    func apart() throws {
        var other = try RemoteList("m", in: .none, digest: digestStandIn)
        try other.merge(try Self.entries(Self.three), replaces: false)
        let keys = Set(try merged(Self.three).list.entries.map(\.name) + other.list.entries.map(\.name))
        #expect(keys.count == 6)
    }

    @Test("what can't be kept is a fault")
    func faults() throws {
        let twice = #expect(throws: WhitelistError.self) {
            try merged(
                #"{"type": "helo_name", "domain": "a.b", "name": "n"}, {"type": "helo_name", "domain": "c.d", "name": "n"}"#
            )
        }
        #expect(twice?.description == "l: two entries are called n and differ: rename one of them")
        for name in ["whitelists", ""] {
            #expect(throws: WhitelistError.self) { try RemoteList(name, in: .none, digest: digestStandIn) }
        }
        let text = RemoteSource.Contents(lists: [], messages: [("l", nil, "the key is not a list")])
        let fault = #expect(throws: WhitelistError.self) { try merged(Self.three, into: text) }
        #expect(fault?.description == "l: the key is not a list")
    }

    @Test("an entry comes, first or last, and goes by its name, its number or what it matches")
    func single() throws {
        var list = try merged(Self.three)
        let new = try #require(try Self.entries(#"{"type": "helo_name", "domain": "n.e", "name": "new"}"#).first)
        #expect(try list.add(new, isFirst: true))
        #expect(try !list.add(new, isFirst: false))
        #expect(list.list.entries[0].members.contains { $0.value == "n.e" })
        #expect(try list.remove(.name("three")))
        #expect(try !list.remove(.name("three")))
        #expect(try list.remove(.number(2)))
        #expect(try list.remove(.condition(new.condition)))
        #expect(try !list.remove(.number(1)))
        #expect(list.list.entries.count == 1)
    }
}
