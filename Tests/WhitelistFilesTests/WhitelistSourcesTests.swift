import Greylist
import Testing
import WhitelistFiles
import Whitelists

@Suite("Whitelist sources")
struct WhitelistSourcesTests {
    @Test("a source that disappears or breaks keeps its last good reading until it is whole again")
    func keepsLastGood() throws {
        try withFolder { folder in
            let (first, second) = ("\(folder)/first.json", "\(folder)/second.json")
            try write(#"{"a": [{"type": "ipv4_net", "net": "192.0.2.1"}]}"#, to: first)
            try write(#"{"b": [{"type": "recipient_literal", "recipient": "user"}]}"#, to: second)
            let sources = try WhitelistSources(urls: ["file://\(first)", "file://\(second)"], terms: SourceTerms())
            func expect(_ count: Int, _ warnings: [String], _ comment: Comment) {
                let reading = sources.read()
                #expect(reading.whitelist.count == count, comment)
                #expect(reading.warnings == warnings, comment)
            }
            expect(2, [], "both good")

            try remove(first)
            let gone = "whitelist \(first): there is no such file; its last good reading stays (entries: 1)"
            expect(2, [gone], "one gone")
            expect(2, [gone], "still gone")

            try write(#"{"b": ["#, to: second)
            let broken =
                "whitelist \(second):1: not JSON: expected a value, found the end of the text at column 8; "
                + "its last good reading stays (entries: 1)"
            expect(2, [gone, broken], "one gone, one broken")

            try write(
                #"{"a": [{"type": "ipv4_net", "net": "192.0.2.1"}, 5, {"type": "ipv4_net", "net": "::1"}]}"#, to: first)
            let skipped = [
                "whitelist \(first):1(a[1]) was skipped: 5 is not an entry ({\"type\": ...})",
                "whitelist \(first):1(a[2]) was skipped: \"::1\" is an IPv6 address, for which the type is ipv6_net",
            ]
            expect(2, skipped + [broken], "one in parts, one broken")

            try write("{}", to: first)
            try write(#"{"b": [\#(#"{"type": "recipient_literal", "recipient": "user"},"#)]}"#, to: second)
            expect(1, [], "one emptied on purpose, one mended")
        }
    }

    @Test("a source that was never good counts as empty")
    func neverGood() throws {
        try withFolder { folder in
            let missing = "\(folder)/wl.json"
            let sources = try WhitelistSources(urls: ["file://\(missing)", "file://\(folder)"], terms: SourceTerms())
            let reading = sources.read()
            #expect(reading.whitelist.count == 0)
            #expect(
                reading.warnings == [
                    "whitelist \(missing): there is no such file; it counts as empty",
                    "whitelist \(folder): it is a folder; it counts as empty",
                ])
        }
    }

    @Test("no sources, no entries")
    func none() throws {
        let reading = try WhitelistSources(urls: [], terms: SourceTerms()).read()
        #expect(reading.whitelist.count == 0)
        #expect(reading.warnings.isEmpty)
    }

    @Test("a path is taken as it stands")
    func literalPath() throws {
        try withFolder { folder in
            let path = "\(folder)/white list%20é.json"
            try write(#"{"a": [{"type": "ipv4_net", "net": "192.0.2.1"}]}"#, to: path)
            #expect(try WhitelistSources(urls: ["file://\(path)"], terms: SourceTerms()).read().whitelist.count == 1)
        }
    }

    @Test(
        "what is no source is refused with a remedy, and without a password",
        arguments: [
            ("", #""" is no URL (such as file:///etc/tprt/whitelist.json)"#),
            ("/etc/wl.json", #""/etc/wl.json" is no URL (such as file:///etc/tprt/whitelist.json)"#),
            ("file:", #""file:" names no file (file:// is followed by an absolute path)"#),
            ("file:wl.json", #""file:wl.json" names no file (file:// is followed by an absolute path)"#),
            ("file://wl.json", #""file://wl.json" names no file (file:// is followed by an absolute path)"#),
            ("file:///", #""file:///" names no file (file:// is followed by an absolute path)"#),
            ("dir://x", #""dir://x" names no file (dir:// is followed by an absolute path)"#),
            ("dir:///x?y=/z", #""dir:///x?y=/z": the only option of a folder is vendor=/path"#),
            ("file:///etc/", #""file:///etc/" names no file (dir:// is for a folder of files)"#),
            (
                "redis://:secret@host/0",
                #"whitelists in "redis:" can't be read: this version reads file:///path, dir:///path, postgrey-clients:///path, postgrey-recipients:///path, redis://host/0 and the like"#
            ),
            (
                ":x",
                #"whitelists in ":" can't be read: this version reads file:///path, dir:///path, postgrey-clients:///path, postgrey-recipients:///path, redis://host/0 and the like"#
            ),
        ])
    func badURLs(url: String, complaint: String) throws {
        let fault = try #require(throws: WhitelistFault.self) {
            try WhitelistSources(urls: ["file:///wl.json", url], terms: SourceTerms())
        }
        #expect(fault.description == complaint)
    }

    @Test("a change is one once it has settled, and until it was read")
    func changes() throws {
        try withFolder { folder in
            let path = "\(folder)/wl.json"
            try write("{}", to: path)
            let sources = try WhitelistSources(
                urls: ["file://\(path)", "dir://\(folder)", "file://\(folder)/none"], terms: SourceTerms())
            _ = sources.read()
            #expect(!sources.haveChanged())
            #expect(!sources.haveChanged())
            for change in [
                { try write("{a: []}", to: path) }, { try write("{}", to: "\(folder)/other.json") },
                { try remove(path) },
                { try write("{}", to: "\(folder)/none") },
            ] {
                try change()
                #expect(!sources.haveChanged(), "it may go on")
                #expect(sources.haveChanged())
                #expect(sources.haveChanged(), "not read yet")
                _ = sources.read()
                #expect(!sources.haveChanged())
            }
        }
    }
}
