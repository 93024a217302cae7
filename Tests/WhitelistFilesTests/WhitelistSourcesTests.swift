import Foundation
import Greylist
import TestSupport
import Testing
import WhitelistFiles
import Whitelists

@Suite("Whitelist sources")
struct WhitelistSourcesTests {
    @Test("a source that disappears or breaks keeps its last good reading until it is whole again")
    func keepsLastGood() throws {
        try withTemporaryDirectory { directory in
            let (first, second) = ("\(directory)/first.json", "\(directory)/second.json")
            try write(#"{"a": [{"type": "ipv4_net", "net": "192.0.2.1"}]}"#, to: first)
            try write(#"{"b": [{"type": "recipient_literal", "recipient": "user"}]}"#, to: second)
            let sources = try WhitelistSources(urls: ["file://\(first)", "file://\(second)"], options: SourceOptions())
            func expect(_ count: Int, _ warnings: [String], _ comment: Comment) {
                let reading = sources.read()
                #expect(reading.whitelist.count == count, comment)
                #expect(reading.warnings == warnings, comment)
            }
            expect(2, [], "both good")

            try remove(first)
            let gone = "whitelist \(first): file does not exist; its last good reading stays (entries: 1)"
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

            try write(#"{"b": [\#(#"{"type": "recipient_literal", "recipient": "user"},"#)]}"#, to: second)
            try write(#"{"a": [{"type": "ipv4_net", "net": "192.0.2.1"}]}"#, to: first)
            expect(2, [], "both mended")
        }
    }

    @Test("when the files that were read were changed is known, directories left out")
    func times() throws {
        try withTemporaryDirectory { directory in
            let urls = ["file://\(directory)/a.json", "dir://\(directory)/d"]
            let sources = try WhitelistSources(urls: urls, options: SourceOptions())
            #expect(sources.times == nil)
            _ = sources.read()
            #expect(sources.times == nil)
            try FileManager.default.createDirectory(atPath: "\(directory)/d", withIntermediateDirectories: false)
            for (name, seconds) in [("a.json", 2_000), ("d/b.json", 1_000), ("d/c.json", 3_000)] {
                try write(#"{"a": []}"#, to: "\(directory)/\(name)")
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: Double(seconds))],
                    ofItemAtPath: "\(directory)/\(name)")
            }
            _ = sources.read()
            #expect(sources.times?.oldest == Timestamp(seconds: 1_000))
            #expect(sources.times?.newest == Timestamp(seconds: 3_000))
        }
    }

    @Test("a source that loses more than half of its entries keeps them until that is accepted")
    func shrinks() throws {
        try withTemporaryDirectory { directory in
            func entries(_ count: Int, to path: String) throws {
                let lines = (0..<count).map { #"{"type": "ipv4_net", "net": "192.0.2.\#($0)"},"# }
                try write(#"{"a": [\#(lines.joined())]}"#, to: path)
            }
            let (file, other) = ("\(directory)/a.json", "\(directory)/b.json")
            try entries(4, to: file)
            try entries(10, to: other)
            let sources = try WhitelistSources(urls: ["file://\(file)", "file://\(other)"], options: SourceOptions())
            func expect(_ count: Int, _ comment: Comment, _ warnings: [String] = [], accepting: Bool = false) {
                let reading = sources.read(acceptingShrunk: accepting)
                #expect(reading.whitelist.count == count, comment)
                #expect(reading.warnings == warnings, comment)
            }
            func message(_ now: Int, _ former: Int) -> String {
                "whitelist \(file): it has \(now) entries, and had \(former): more than half are gone; "
                    + "its last good reading stays until \"tprtctl whitelist accept\""
            }
            expect(14, "at first")
            try entries(2, to: file)
            expect(12, "half of them stay")
            try entries(0, to: file)
            try entries(9, to: other)
            expect(11, "none is left, and the other source is read all the same", [message(0, 2)])
            expect(11, "again", [message(0, 2)])
            try entries(1, to: file)
            expect(10, "half of what it had")
            try entries(0, to: file)
            expect(10, "none", [message(0, 1)])
            expect(9, "accepted", accepting: true)
            expect(9, "from now on")
            try entries(3, to: file)
            expect(12, "and it may grow")
        }
    }

    @Test("a directory is one source: a file that goes takes its entries along, unless they are most of them")
    func directoryShrinks() throws {
        try withTemporaryDirectory { directory in
            func lines(_ count: Int, _ first: Int) -> String {
                (0..<count).map { "192.0.\(first).\($0)\n" }.joined()
            }
            try write(lines(3, 1), to: "\(directory)/a.clients")
            try write(lines(4, 2), to: "\(directory)/b.clients")
            let sources = try WhitelistSources(urls: ["dir://\(directory)"], options: SourceOptions())
            #expect(sources.read().whitelist.count == 7)
            try remove("\(directory)/b.clients")
            let held = sources.read()
            #expect(held.whitelist.count == 7)
            #expect(held.warnings.map { $0.contains("it has 3 entries, and had 7") } == [true])
            try write(lines(1, 2), to: "\(directory)/b.clients")
            #expect(sources.read().whitelist.count == 4)
        }
    }

    @Test("sources that take others' place know what these had; under other options they may have less")
    func succession() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/a.clients"
            try write("192.0.2.1\n/a/\n/b/\n", to: path)
            let options = SourceOptions(allowsPatterns: true)
            let former = try WhitelistSources(urls: ["postgrey-clients://\(path)"], options: options)
            #expect(former.read().whitelist.count == 3)
            let same = try WhitelistSources(urls: ["postgrey-clients://\(path)"], options: options, after: former)
            let fewer = try WhitelistSources(
                urls: ["postgrey-clients://\(path)"], options: SourceOptions(), after: former)
            #expect(fewer.read().whitelist.count == 1)
            try remove(path)
            #expect(same.read().whitelist.count == 3)
            let other = try WhitelistSources(urls: ["file://\(path)"], options: options, after: former)
            #expect(other.read().whitelist.count == 0)
        }
    }

    @Test("a source that was never good counts as empty")
    func neverGood() throws {
        try withTemporaryDirectory { directory in
            let missing = "\(directory)/wl.json"
            let sources = try WhitelistSources(
                urls: ["file://\(missing)", "file://\(directory)"], options: SourceOptions())
            let reading = sources.read()
            #expect(reading.whitelist.count == 0)
            #expect(
                reading.warnings == [
                    "whitelist \(missing): file does not exist; it counts as empty",
                    "whitelist \(directory): it is a directory; it counts as empty",
                ])
        }
    }

    @Test("no sources, no entries")
    func none() throws {
        let reading = try WhitelistSources(urls: [], options: SourceOptions()).read()
        #expect(reading.whitelist.count == 0)
        #expect(reading.warnings.isEmpty)
    }

    @Test("a path is taken as it stands")
    func literalPath() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/white list%20é.json"
            try write(#"{"a": [{"type": "ipv4_net", "net": "192.0.2.1"}]}"#, to: path)
            #expect(
                try WhitelistSources(urls: ["file://\(path)"], options: SourceOptions()).read().whitelist.count == 1)
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
            ("dir:///x?y=/z", #""dir:///x?y=/z": the only option of a directory is vendor=/path"#),
            ("file:///etc/", #""file:///etc/" names no file (dir:// is for a directory of files)"#),
            (
                "redis://:secret@host/0",
                #"whitelists in "redis:" can't be read: this version reads file:///path, dir:///path, postgrey-clients:///path, postgrey-recipients:///path, cidr:///path, redis://host/0 and the like"#
            ),
            (
                ":x",
                #"whitelists in ":" can't be read: this version reads file:///path, dir:///path, postgrey-clients:///path, postgrey-recipients:///path, cidr:///path, redis://host/0 and the like"#
            ),
        ])
    func badURLs(url: String, message: String) throws {
        let fault = try #require(throws: WhitelistError.self) {
            try WhitelistSources(urls: ["file:///wl.json", url], options: SourceOptions())
        }
        #expect(fault.description == message)
    }

    @Test("a change is one once it has settled, and until it was read")
    func changes() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/wl.json"
            try write("{}", to: path)
            let sources = try WhitelistSources(
                urls: ["file://\(path)", "dir://\(directory)", "file://\(directory)/none"], options: SourceOptions())
            _ = sources.read()
            #expect(!sources.haveChanged())
            #expect(!sources.haveChanged())
            for change in [
                { try write("{a: []}", to: path) }, { try write("{}", to: "\(directory)/other.json") },
                { try remove(path) },
                { try write("{}", to: "\(directory)/none") },
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
