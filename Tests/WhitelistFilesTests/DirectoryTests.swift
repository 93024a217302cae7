import Glibc
import TestSupport
import Testing
import WhitelistFiles
import Whitelists

@Suite("Directories of whitelists, and lists with a second one beside")
struct DirectoryTests {
    static let one = #"{l: [{"type": "helo_name", "domain": "one.example"}]}"#
    static let two =
        #"{l: [{"type": "helo_name", "domain": "one.example"}, {"type": "helo_name", "domain": "two.example"}]}"#

    private func documents(_ url: String) throws -> [String] {
        try WhitelistSource(url, remote: { _ in nil }).documents().map(\.path)
    }

    @Test("files come by name, the administrator's in place of the vendor's, and no others")
    func masking() throws {
        try withTemporaryDirectory { directory in
            let (own, vendor) = ("\(directory)/own", "\(directory)/vendor")
            for path in [own, vendor] { #expect(mkdir(path, 0o755) == 0) }
            for name in ["10-b.json", "30-c.clients", "20-a.recipients", ".x.json", "10-b.json~", "README", "x.bak"] {
                try write(Self.one, to: "\(vendor)/\(name)")
            }
            for name in ["10-b.json", "40.json"] { try write(Self.two, to: "\(own)/\(name)") }
            #expect(
                try documents("dir://\(own)?vendor=\(vendor)") == [
                    "\(own)/10-b.json", "\(vendor)/20-a.recipients", "\(vendor)/30-c.clients", "\(own)/40.json",
                ])
            #expect(try documents("dir://\(own)") == ["\(own)/10-b.json", "\(own)/40.json"])
            #expect(try documents("dir://\(own)?vendor=\(directory)/none") == ["\(own)/10-b.json", "\(own)/40.json"])
        }
    }

    @Test("files that come, go and break are noticed at each reading, and a directory that is gone keeps its files")
    func reading() throws {
        try withTemporaryDirectory { directory in
            let own = "\(directory)/own"
            #expect(mkdir(own, 0o755) == 0)
            let sources = try WhitelistSources(urls: ["dir://\(own)"], options: SourceOptions())
            #expect(sources.read().whitelist.count == 0)
            try write(Self.one, to: "\(own)/a.json")
            try write(Self.two, to: "\(own)/b.json")
            #expect(sources.read().whitelist.count == 3)
            try write("{", to: "\(own)/b.json")
            let broken = sources.read()
            #expect(broken.whitelist.count == 3)
            #expect(broken.warnings.count == 1)
            #expect(rename(own, "\(directory)/away") == 0)
            let gone = sources.read()
            #expect(gone.whitelist.count == 3)
            #expect(
                gone.warnings[0] == "whitelist \(own): directory does not exist; its last good reading stays (files: 2)"
            )
            #expect(rename("\(directory)/away", own) == 0)
            try remove("\(own)/a.json")
            try write(Self.two, to: "\(own)/b.json")
            let less = sources.read()
            #expect(less.whitelist.count == 2)
            #expect(less.warnings.isEmpty)
        }
    }

    @Test("a directory that is none is named")
    func noDirectory() throws {
        try withTemporaryDirectory { directory in
            try write("{}", to: "\(directory)/file")
            for (url, message) in [
                ("dir://\(directory)/none", "\(directory)/none: directory does not exist"),
                ("dir://\(directory)/file", "\(directory)/file: it is not a directory"),
            ] {
                let fault = try #require(throws: WhitelistError.self) {
                    try WhitelistSource(url, remote: { _ in nil }).documents()
                }
                #expect(fault.description == message)
            }
        }
    }

    @Test("postgrey's lists have a local one beside them, which may be missing")
    func local() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/whitelist_clients"
            let sources = try WhitelistSources(urls: ["postgrey-clients://\(path)"], options: SourceOptions())
            #expect(sources.read().warnings == ["whitelist \(path): file does not exist; it counts as empty"])
            try write("mx.example.org\n", to: path)
            #expect(sources.read().warnings.isEmpty)
            #expect(sources.read().whitelist.count == 1)
            try write("192.0.2.1\nmx.example.com\n", to: "\(path).local")
            #expect(sources.read().whitelist.count == 3)
        }
    }
}
