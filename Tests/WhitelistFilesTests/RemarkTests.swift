import Greylist
import JSONText
import TestSupport
import Testing

@testable import WhitelistFiles
@testable import Whitelists

@Suite("What is said of entries")
struct RemarkTests {
    @Test("a kind of fault that comes often has one line, with its number and its first location")
    func digest() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/clients"
            let expressions = (1...34).map { "/^mx\($0)\\.example/" }.joined(separator: "\n")
            try write("mx.example.org\n\(expressions)\n192.0.2.300\n*.a.example\n*.b.example\n", to: path)
            let reading = try WhitelistSources(urls: ["postgrey-clients://\(path)"], options: SourceOptions()).read()
            #expect(
                reading.warnings == [
                    "whitelist \(path):2 and 33 more entries were skipped: regular expressions are off "
                        + "(service.allow_wl_regex turns them on) (\"tprtctl whitelist check\" names each)",
                    "whitelist \(path):36 was skipped: \"192.0.2.300\" is not an address or network",
                ])
            #expect(
                reading.notes == [
                    "whitelist \(path):37 and 1 more entry: \"*.a.example\" was taken as a.example, which is the domain "
                        + "and all names below it (\"tprtctl whitelist check\" names each)"
                ])
            // The check still names all of them.
            let all = try WhitelistDocument(.postgreyClients, path: path).entries(SourceOptions())
            #expect(all.messages.count == 35)
            #expect(all.notes.count == 2)
        }
    }

    @Test("all files of a directory are one source")
    func directory() throws {
        try withTemporaryDirectory { directory in
            try write("a..b\n", to: "\(directory)/1.clients")
            try write("c..d\n/x/\n", to: "\(directory)/2.clients")
            let reading = try WhitelistSources(urls: ["dir://\(directory)"], options: SourceOptions()).read()
            #expect(reading.warnings.count == 2)
            #expect(reading.warnings.first?.contains("/1.clients:1 and 1 more entry were skipped: ") == true)
        }
    }

    @Test("more kinds than are told")
    func bound() {
        var digest = RemarkDigest()
        for number in 0..<1_010 {
            let kind = String(repeating: "x", count: number)
            digest.add(EntryRemark(location: "p", message: kind, isFault: true))
        }
        #expect(digest.messages(ofFaults: true).count == 1_001)
        #expect(digest.messages(ofFaults: true).last == "and 10 more")
    }

    @Test(
        "an identity below an organisation is taken with a word, where suffixes are known",
        arguments: [
            ("example.org", nil), ("example.co.uk", nil), ("co.uk", nil), ("x.test", nil),
            ("mail.example.org", "example.org"), ("a.b.example.co.uk", "example.co.uk"),
        ])
    func identities(name: String, organisation: String?) throws {
        var options = SourceOptions()
        options.suffixes = PublicSuffixes(text: Array("org\nco.uk\n".utf8))
        let text = "{l: [{type: \"not\", of: {type: \"identity\", domain: \"\(name)\"}, greylist: true}]}"
        let read = try whitelist(text, .json, options)
        #expect(read.entries.count == 1)
        let note = organisation.map { "\(name) is a name of \($0): write that, unless it is a tenant there" }
        #expect(read.notes == note.map { ["/wl.json:1(l[0]): \($0)"] } ?? [])
    }

    @Test("public suffixes are taken with a word, where they are known")
    func suffixes() throws {
        var options = SourceOptions()
        let list = "// list\n\ncom\nco.uk\ngithub.io\n*.ck\n!www.ck\nmuseum  # no\n公司.cn\n"
        options.suffixes = PublicSuffixes(text: Array(list.utf8))
        for (name, isSuffix) in [
            ("co.uk", true), ("CO.uk.", true), ("*.co.uk", true), ("github.io", true), ("x.ck", true),
            ("www.ck", false),
            ("公司.cn", true), ("xn--55qx5d.cn", true), ("example.co.uk", false), ("uk.co", false),
        ] {
            let read = try whitelist("{l: [{\"type\": \"remote_name\", \"domain\": \"\(name)\"}]}", .json, options)
            #expect(read.entries.count == 1)
            #expect(read.notes.contains { $0.contains("is a public suffix") } == isSuffix, "\(name)")
            let line = try whitelist("\(name)\n", .postgreyClients, options)
            #expect(line.entries.count == 1)
            #expect(line.notes.contains { $0.contains("is a public suffix") } == isSuffix, "\(name)")
        }
        let meant = #"{l: [{"type": "remote_name", "domain": "co.uk", "allow_wide": true}]}"#
        #expect(try whitelist(meant, .json, options).notes == [])
        #expect(try whitelist("co.uk\n", .postgreyClients).notes == [])
    }
}

@Suite("How many regular expressions there may be")
struct ExpressionLimitTests {
    private static let options = SourceOptions(allowsPatterns: true)

    @Test("those that are tried on every request: 200 in all")
    func unfiltered() throws {
        let list = (0..<WhitelistLimits.unfilteredExpressions + 2).map { "/^[a-z]\($0 % 10)[0-9]{\($0 % 20)}[a-f]$/" }
        let read = try whitelist(list.joined(separator: "\n") + "\n/^mail[0-9]/\n", .postgreyClients, Self.options)
        #expect(read.entries.count == WhitelistLimits.unfilteredExpressions + 1)
        #expect(read.skipped.count == 2)
        #expect(
            read.skipped.first?.contains("/wl:201 was skipped: there are more than 200 regular expressions") == true)
    }

    @Test("20,000 in all sources together")
    func all() throws {
        var builder = ConditionCount()
        let condition = Condition.pattern(.clientName, try TextPattern("mail", isAnchored: false))
        for _ in 0..<WhitelistLimits.expressions - 1 { builder.add(condition) }
        let collector = EntryCollector([WhitelistEntry](), beside: builder)
        for number in 0..<3 { collector.add(WhitelistEntry(condition), at: "p:\(number)") }
        collector.add(WhitelistEntry(Condition.attribute(name: "a", value: "b")), at: "p:3")
        #expect(collector.sink.count == 2)
        #expect(collector.messages.count == 2)
        #expect(collector.messages.first?.contains("p:1 was skipped: there are more than 20000 regular") == true)
    }

    @Test("and these may not be too large together")
    func size() throws {
        let list = (0..<60).map { "/^\($0 % 10)([a-z].?[0-9]?){90}$/" }
        let read = try whitelist(list.joined(separator: "\n"), .postgreyClients, Self.options)
        #expect(read.entries.count < 60)
        #expect(read.entries.count > 5)
        #expect(read.skipped.last?.contains("are too large together") == true)
    }

    @Test("what a source kept from its last good reading counts, too")
    func severalSources() throws {
        try withTemporaryDirectory { directory in
            let urls = try (0..<2).map { number in
                let lines = (0..<150).map { "/^[a-z]\(number)[0-9]{\($0 % 20)}[a-f]$/\n" }.joined()
                try write(lines, to: "\(directory)/\(number)")
                return "postgrey-clients://\(directory)/\(number)"
            }
            let reading = try WhitelistSources(urls: urls, options: Self.options).read()
            #expect(reading.whitelist.count == WhitelistLimits.unfilteredExpressions)
            #expect(reading.warnings.count == 1)
            #expect(reading.warnings.first?.contains("/1:51 and 99 more entries were skipped") == true)
        }
    }
}
