import Testing

@testable import Domains

@Suite("Shared and tenant identities")
struct SharedIdentityTests {
    private static func file(_ text: String, path: String = "list") -> SharedIdentityFile {
        SharedIdentityFile(path: path, text: Array(text.utf8))
    }

    private static func words(_ identities: SharedIdentities) -> [String] {
        identities.entries.map { "\($0.kind.rawValue) \($0.domain)" }
    }

    @Test("a file has an entry a line, with a comment")
    func lines() throws {
        let file = Self.file(
            "\u{feff}# head\n\nshared Gmail.COM.   # 2026-11-29 free mail: https://example.com \r\n\ttenant\tonmicrosoft.com#x\n"
                + "shared bücher.example")
        #expect(file.faults == [])
        let identities = SharedIdentities([file])
        #expect(
            Self.words(identities) == ["shared gmail.com", "tenant onmicrosoft.com", "shared xn--bcher-kva.example"])
        #expect(identities.entries.map(\.comment) == ["2026-11-29 free mail: https://example.com", "x", ""])
        #expect(identities.entries.map(\.location) == ["list:3", "list:4", "list:5"])
    }

    @Test(
        "a line that can't be read is named with its number, and the others hold",
        arguments: [
            (
                "share gmail.com",
                "unknown word \"share\" (expected \"shared DOMAIN\", \"tenant SUFFIX\" or \"!DOMAIN\")"
            ),
            (
                "gmail.com",
                "unknown word \"gmail.com\" (expected \"shared DOMAIN\", \"tenant SUFFIX\" or \"!DOMAIN\")"
            ),
            ("shared", "the domain is missing (expected \"shared DOMAIN\", \"tenant SUFFIX\" or \"!DOMAIN\")"),
            ("! # x", "the domain is missing (expected \"shared DOMAIN\", \"tenant SUFFIX\" or \"!DOMAIN\")"),
            (
                "shared a.example free mail",
                "there is more than one domain (expected \"shared DOMAIN\", \"tenant SUFFIX\" or \"!DOMAIN\", and # before a comment)"
            ),
            ("tenant com", "\"com\" is a top-level domain, which is not an organisation"),
            ("shared user@gmail.com", "\"user@gmail.com\" is not a domain (letters, digits, - and dots)"),
            ("shared *.gmail.com", "\"*.gmail.com\" is not a domain (letters, digits, - and dots)"),
            ("shared [192.0.2.1]", "\"[192.0.2.1]\" is not a domain (letters, digits, - and dots)"),
            ("shared \u{7f}[31m.example", "\"?[31m.example\" is not a domain (letters, digits, - and dots)"),
            ("tenant b.EXAMPLE", "b.example is named twice, in line 1 first (remove one of them)"),
        ])
    func faults(line: String, message: String) {
        let file = Self.file("shared b.example\n\(line)\nshared c.example\n")
        #expect(file.faults == ["list:2: \(message)"])
        #expect(Self.words(SharedIdentities([file])) == ["shared b.example", "shared c.example"])
    }

    @Test("a long word is cut, and no more than a hundred faults are told")
    func bounds() {
        let long = Self.file("shared \(String(repeating: "é", count: 1_000))")
        #expect(long.faults.first?.count == 119)
        let many = Self.file(String(repeating: "x\n", count: 150))
        #expect(many.faults.count == 101)
        #expect(many.faults.last == "list: and 50 more")
    }

    @Test("the administrator's file takes entries out, adds some and changes others")
    func merging() {
        let vendor = Self.file("shared a.example\ntenant b.example\nshared c.example\n", path: "vendor")
        let local = Self.file(
            "!a.example\n! B.example\ntenant c.example\nshared d.example\n!e.example\n", path: "local")
        let identities = SharedIdentities([vendor, local])
        #expect(Self.words(identities) == ["tenant c.example", "shared d.example"])
        #expect(identities.entries.map(\.location) == ["local:3", "local:4"])
        #expect(identities.faults == ["local:5: no file before has e.example, so there is nothing to take out"])
        for (name, location) in [("a.example", nil), ("c.example", "local:3"), ("example", nil), ("x", nil)] {
            #expect(identities.entry(for: Array(name.utf8).span)?.location == location, "\(name)")
        }
    }

    @Test("each of many names is found, and no other")
    func table() {
        let names = (0..<2_000).map { Array("d\($0).example".utf8) }
        let table = NameTable(names)
        for (number, name) in names.enumerated() { #expect(table[name.span] == number) }
        for number in 2_000..<4_000 { #expect(table[Array("d\(number).example".utf8).span] == nil) }
        let nothing: [UInt8] = []
        #expect(NameTable([])[nothing.span] == nil)
    }

    @Test(
        "a file that can't be read, is HTML or has lost more than half changes nothing",
        arguments: [
            (nil, "file is missing or can't be read"),
            (
                " <html>",
                "file is HTML, not a list of identities (expected \"shared DOMAIN\", \"tenant SUFFIX\" or \"!DOMAIN\")"
            ),
            ("", "it has 0 entries, and had 3: more than half are gone"),
            ("shared a.example", "it has 1 entries, and had 3: more than half are gone"),
        ])
    func kept(text: String?, reason: String) {
        let file = Self.file("shared a.example\nshared b.example\nshared c.example\n", path: "/l")
        guard case .kept(let sentence) = file.reloaded(from: text.map { Array($0.utf8) }) else {
            Issue.record("it was replaced")
            return
        }
        #expect(sentence == "identities /l: \(reason); its last good reading stays (3 entries)")
    }

    @Test("a file that never could be read counts as empty")
    func empty() {
        guard case .kept(let sentence) = SharedIdentityFile(path: "/l").reloaded(from: nil) else {
            Issue.record("it was replaced")
            return
        }
        #expect(sentence == "identities /l: file is missing or can't be read; it counts as empty")
    }

    @Test("half of the entries are enough, and fewer where that is accepted")
    func replaced() {
        let file = Self.file("shared a.example\nshared b.example\nshared c.example\nshared d.example\n")
        for (text, accepts) in [("shared a.example\n!b.example", false), ("", true)] {
            guard case .replaced(let other) = file.reloaded(from: Array(text.utf8), acceptingShrunk: accepts) else {
                Issue.record("it was kept")
                continue
            }
            #expect(other.count == (accepts ? 0 : 2))
        }
    }

    @Test("shared domains that are not organisations are told")
    func remarks() throws {
        let identities = Lists.identities("shared bounce.example.com\nshared example.com\ntenant a.b.example.com\n")
        #expect(
            identities.remarks(by: try Lists.installed()) == [
                "list:1: bounce.example.com never matches, its organisation is example.com (write shared example.com)"
            ])
    }

    @Test("the file that comes with the program: entries that can match, each with its date, reason and source")
    func vendor() throws {
        let file = SharedIdentityFile(path: "list", text: try Lists.vendorText())
        let identities = SharedIdentities([file])
        #expect(identities.faults == [])
        #expect(identities.remarks(by: try Lists.installed()) == [])
        #expect(identities.entries.count >= 80)
        #expect(identities.entries.count == file.count)
        for entry in identities.entries {
            let form = try Regex("20[0-9]{2}-[01][0-9]-[0-3][0-9] [^:]+: (?:.* )?https://[^ ]+(?: \\(.*\\))?")
            #expect(try form.wholeMatch(in: entry.comment) != nil, "\(entry.domain): \(entry.comment)")
        }
    }
}
