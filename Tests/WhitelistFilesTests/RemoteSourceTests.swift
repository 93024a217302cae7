import Testing
import WhitelistFiles
import Whitelists

@Suite("Whitelists that are no files")
struct RemoteSourceTests {
    private static func lists(
        _ entries: [(name: String, members: [(name: String, value: String)])]
    ) -> RemoteSource.Contents {
        RemoteSource.Contents(
            lists: [RemoteSource.List(name: "alice", entries: entries)],
            messages: [("bob", nil, "the key is not a list"), ("bob", "x y", "key does not exist")])
    }

    @Test("entries are those of a file with texts for members")
    func entries() throws {
        let source = RemoteSource(name: "redis://h/0") { () throws(RemoteSource.ReadError) in
            Self.lists([
                ("home", [("type", "ipv4_net"), ("net", "192.0.2.0"), ("mask", "24"), ("name", "home")]),
                ("wide", [("type", "ipv4_net"), ("net", "0.0.0.0"), ("mask", "0")]),
                ("meant", [("type", "ipv4_net"), ("net", "0.0.0.0"), ("mask", "0"), ("allow_wide", "true")]),
                ("both", [("type", "all"), ("of", #"[{"type": "helo_name", "domain": "a.b"}]"#), ("delay", "1m")]),
                ("broken", [("type", "all"), ("of", "[")]),
            ])
        }
        let document = WhitelistDocument(.remote(source), path: source.name)
        let reading = try document.part(SourceOptions())
        #expect(reading.entries.count == 3)
        #expect(
            (0..<3).map(reading.entries.location) == [
                "redis://h/0(alice:home)", "redis://h/0(alice:meant)", "redis://h/0(alice:both)",
            ])
        #expect(
            reading.messages == [
                "redis://h/0(bob) was skipped: the key is not a list",
                "redis://h/0(bob:x y) was skipped: key does not exist",
                "redis://h/0(alice:wide) was skipped: 0.0.0.0/0 is wider than /8; \"allow_wide\": true if that is meant",
                "redis://h/0(alice:broken) was skipped: \"of\" is not JSON: expected a value, "
                    + "found the end of the text at column 2",
            ])
    }

    @Test("a change is noticed, and none where nothing but the order of members changed, or nothing can be read")
    func changes() throws {
        let readings = Readings()
        let source = RemoteSource(name: "redis://h/0") { () throws(RemoteSource.ReadError) in
            let members = [("type", "helo_name"), ("domain", "a.b")]
            switch readings.next() {
            case 1: return Self.lists([("home", members)])
            case 2: return Self.lists([("home", members.reversed())])
            case 3: throw RemoteSource.ReadError("redis://h/0: refused")
            case 4: return Self.lists([("home", members), ("office", members)])
            default: return Self.lists([("home", [("type", "helo_name"), ("domain", "a.c")])])
            }
        }
        let sources = try WhitelistSources(urls: ["redis://h/0"], options: SourceOptions()) { _ in source }
        _ = sources.read()
        #expect(!sources.haveChangedRemotely(), "another order")
        #expect(!sources.haveChangedRemotely(), "away")
        #expect(sources.haveChangedRemotely(), "one more")
        #expect(sources.haveChangedRemotely(), "another member")
        _ = sources.read()
        #expect(!sources.haveChangedRemotely(), "it was read")
        let files = try WhitelistSources(urls: ["file:///none"], options: SourceOptions())
        #expect(!files.haveChangedRemotely())
    }

    @Test("a source that could not be read at first is read once it can be")
    func late() throws {
        let readings = Readings()
        let source = RemoteSource(name: "redis://h/0") { () throws(RemoteSource.ReadError) in
            guard readings.next() > 2 else { throw RemoteSource.ReadError("redis://h/0: refused") }
            return Self.lists([("home", [("type", "helo_name"), ("domain", "a.b")])])
        }
        let sources = try WhitelistSources(urls: ["redis://h/0"], options: SourceOptions()) { _ in source }
        #expect(sources.read().whitelist.count == 0)
        #expect(!sources.haveChangedRemotely())
        #expect(sources.haveChangedRemotely())
        #expect(sources.read().whitelist.count == 1)
    }

    @Test("what can't be read keeps its last good reading")
    func lastGood() throws {
        let readings = Readings()
        let source = RemoteSource(name: "redis://h/0") { () throws(RemoteSource.ReadError) in
            guard readings.next() != 2 else { throw RemoteSource.ReadError("redis://h/0: refused") }
            return Self.lists([("home", [("type", "helo_name"), ("domain", "a.b")])])
        }
        let sources = try WhitelistSources(urls: ["redis://u:p@h/0"], options: SourceOptions()) { _ in source }
        #expect(sources.read().whitelist.count == 1)
        let failed = sources.read()
        #expect(failed.whitelist.count == 1)
        #expect(failed.warnings == ["whitelist redis://h/0: refused; its last good reading stays (entries: 1)"])
        #expect(sources.read().warnings.count == 2)
        #expect(!sources.haveChanged() && !sources.haveChanged())
    }
}
