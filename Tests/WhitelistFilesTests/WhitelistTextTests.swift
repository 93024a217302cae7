import Testing
import WhitelistFiles
import Whitelists

@Suite("JSON whitelists that are edited")
struct WhitelistTextTests {
    private static let added = #"{"type": "helo_name", "domain": "new.example"}"#

    private func entry(_ json: String = added) throws -> WhitelistEntry {
        let reading = try WhitelistDocument(.json, path: "/wl.json").entries(
            text: "{l: [\(json)]}", SourceOptions(allowsPatterns: true))
        return try #require(reading.entries.first)
    }

    private func edited(_ text: String, _ edit: (inout WhitelistText) throws -> Bool) throws -> String {
        var whitelist = try WhitelistText(path: "/wl.json", bytes: Array(text.utf8))
        #expect(try edit(&whitelist))
        return String(decoding: whitelist.bytes, as: UTF8.self)
    }

    /// `A`, `B` and `C` stand for entries that are there, `NEW` for the one that comes.
    private func spelt(_ text: String) -> String {
        var text = text
        for name in ["A", "B", "C"] {
            text.replace(name, with: #"{"type": "helo_name", "domain": "\#(name.lowercased()).example"}"#)
        }
        text.replace("NEW", with: Self.added)
        return text
    }

    @Test(
        "an entry comes last",
        arguments: [
            ("", "{\n  \"l\": [\n    NEW\n  ]\n}\n"),
            (" \n", "{\n  \"l\": [\n    NEW\n  ]\n}\n"),
            ("{}", "{\n  \"l\": [\n    NEW\n  ]\n}"),
            ("{\"l\": []}", "{\"l\": [\n  NEW\n]}"),
            ("{\n  \"l\": []\n}\n", "{\n  \"l\": [\n    NEW\n  ]\n}\n"),
            ("{\n\t\"l\": [\n\t]\n}\n", "{\n\t\"l\": [\n\t\tNEW\n\t]\n}\n"),
            ("{\n  l: [ // why\n  ]\n}", "{\n  l: [ // why\n    NEW\n  ]\n}"),
            ("{\n  l: [ /* why */ ]\n}", "{\n  l: [ /* why */\n    NEW\n  ]\n}"),
            ("{l: [A]}", "{l: [A, NEW]}"),
            ("{l: [A,]}", "{l: [A, NEW,]}"),
            ("{l: [A, B ]}", "{l: [A, B, NEW ]}"),
            ("{\n  l: [\n    A\n  ]\n}\n", "{\n  l: [\n    A,\n    NEW\n  ]\n}\n"),
            ("{\n  l: [\n    A,\n  ]\n}\n", "{\n  l: [\n    A,\n    NEW,\n  ]\n}\n"),
            ("{\r\n l: [\r\n   A\r\n ]\r\n}\r\n", "{\r\n l: [\r\n   A,\r\n   NEW\r\n ]\r\n}\r\n"),
            (
                "{\n  l: [\n    A, // one\n    B // two\n    // the end\n  ],\n  m: [C]\n}\n",
                "{\n  l: [\n    A, // one\n    B, // two\n    // the end\n    NEW\n  ],\n  m: [C]\n}\n"
            ),
            ("{l: [A], /* m */ l: [B]}", "{l: [A], /* m */ l: [B, NEW]}"),
            ("{m: [A]}", "{m: [A], \"l\": [\n  NEW\n]}"),
            ("{\n  m: [A] // m\n}\n", "{\n  m: [A], // m\n  \"l\": [\n    NEW\n  ]\n}\n"),
            ("{\n  m: [A],\n}\n", "{\n  m: [A],\n  \"l\": [\n    NEW\n  ],\n}\n"),
            ("\u{feff}{\n    m: 5\n}", "\u{feff}{\n    m: 5,\n    \"l\": [\n        NEW\n    ]\n}"),
        ])
    func last(before: String, after: String) throws {
        let entry = try entry()
        let result = try edited(spelt(before)) { try $0.add(entry, to: "l", isFirst: false) }
        #expect(result == spelt(after))
    }

    @Test(
        "an entry comes first",
        arguments: [
            ("{l: []}", "{l: [\n  NEW\n]}"), ("{l: [A]}", "{l: [NEW, A]}"),
            ("{\n  l: [\n    A,\n    B\n  ]\n}", "{\n  l: [\n    NEW,\n    A,\n    B\n  ]\n}"),
            (
                "{\n  l: [ // the list\n    // the first\n    A\n  ]\n}",
                "{\n  l: [ // the list\n    NEW,\n    // the first\n    A\n  ]\n}"
            ),
            ("{\n  l: [ /* x\n y */\n    A\n  ]\n}", "{\n  l: [ /* x\n y */\n    NEW,\n    A\n  ]\n}"),
        ])
    func first(before: String, after: String) throws {
        let entry = try entry()
        let result = try edited(spelt(before)) { try $0.add(entry, to: "l", isFirst: true) }
        #expect(result == spelt(after))
    }

    @Test(
        "an entry goes, and comments stay",
        arguments: [
            ("{l: [A]}", 0, "{l: []}"), ("{l: [A,]}", 0, "{l: []}"), ("{\n  l: [\n    A\n  ]\n}", 0, "{\n  l: []\n}"),
            ("{l: [A, B, C]}", 0, "{l: [B, C]}"), ("{l: [A, B, C]}", 1, "{l: [A, C]}"),
            ("{l: [A, B, C]}", 2, "{l: [A, B]}"), ("{l: [A, B,]}", 1, "{l: [A, ]}"),
            ("{\n  l: [\n    A,\n    B\n  ]\n}", 0, "{\n  l: [\n    B\n  ]\n}"),
            ("{\n  l: [\n    A,\n    B\n  ]\n}", 1, "{\n  l: [\n    A\n  ]\n}"),
            ("{\n  l: [\n    A,\n    B,\n  ]\n}", 1, "{\n  l: [\n    A,\n  ]\n}"),
            (
                "{\n  l: [\n    // one\n    A, // first\n    B // last\n  ]\n}", 0,
                "{\n  l: [\n    // one\n    // first\n    B // last\n  ]\n}"
            ),
            (
                "{\n  l: [\n    A, // first\n    B // last\n  ]\n}", 1,
                "{\n  l: [\n    A // first\n    // last\n  ]\n}"
            ),
            ("{l: [A /* a */ , B]}", 0, "{l: [ /* a */  B]}"),
            ("{\n  l: [ // why\n    A\n  ]\n}", 0, "{\n  l: [ // why\n  ]\n}"),
            ("{l: [A, 5, {}]}", 2, "{l: [A, 5]}"), ("{l: [A, 5, {}]}", 1, "{l: [A, {}]}"),
        ])
    func goes(before: String, number: Int, after: String) throws {
        let result = try edited(spelt(before)) { try $0.remove(.number(number), from: "l") }
        #expect(result == spelt(after))
    }

    @Test("it is found by its name, or by all of what it matches, whatever its spelling")
    func choices() throws {
        let text = """
            {l: [{"type": "ipv4_net", "net": "192.0.2.9/24", "delay": "1m"}, {"name": "bad", "type": "x"},
             {"type": "attribute", "name": "size", "matches": "1"}]}
            """
        let network = try entry(#"{"type": "ipv4_net", "net": "192.0.2.0", "mask": 24}"#)
        #expect(try edited(text) { try $0.remove(.condition(network.condition), from: "l") }.contains("192") == false)
        #expect(try edited(text) { try $0.remove(.name("bad"), from: "l") }.contains("bad") == false)
        var whitelist = try WhitelistText(path: "/wl.json", bytes: Array(text.utf8))
        for choice in [EntryChoice.name("size"), .number(3), .number(-1), .condition(try entry().condition)] {
            #expect(try !whitelist.remove(choice, from: "l"))
        }
        #expect(try !whitelist.remove(.number(0), from: "m"))
        #expect(whitelist.bytes == Array(text.utf8))
    }

    @Test("what is there already is not added, and a name that is taken is a fault")
    func known() throws {
        let text = #"{l: [{"type": "ipv4_net", "net": "192.0.2.9/24", "name": "office"}]}"#
        var whitelist = try WhitelistText(path: "/wl.json", bytes: Array(text.utf8))
        let same = try entry(#"{"type": "ipv4_net", "net": "192.0.2.0", "mask": 24, "comment": "why"}"#)
        #expect(try !whitelist.add(same, to: "l", isFirst: true))
        let other = try entry(#"{"type": "helo_name", "domain": "a.b", "name": "office"}"#)
        let fault = #expect(throws: WhitelistError.self) { try whitelist.add(other, to: "l", isFirst: true) }
        #expect(
            fault?.description
                == "/wl.json(l): another entry is called office: remove it first, or choose another name")
        let milder = try entry(#"{"type": "ipv4_net", "net": "192.0.2.0", "mask": 24, "delay": "1m"}"#)
        #expect(try whitelist.add(milder, to: "l", isFirst: false))
        let several = #expect(throws: WhitelistError.self) {
            try whitelist.remove(.condition(milder.condition), from: "l")
        }
        #expect(several?.description == "/wl.json(l): several entries are meant (0, 1): name one by --number")
    }

    @Test(
        "what is not an object of lists is left alone",
        arguments: [
            ("[]", "/wl.json:1: not JSON: it is not an object of lists at column 1"),
            ("{l: {}}", "/wl.json(l): it is not an array of entries"),
            ("{l: [}", "/wl.json:1: not JSON: expected a value, found \"}\" at column 6"),
        ])
    func faults(text: String, message: String) throws {
        let entry = try entry()
        let fault = #expect(throws: WhitelistError.self) {
            var whitelist = try WhitelistText(path: "/wl.json", bytes: Array(text.utf8))
            _ = try whitelist.add(entry, to: "l", isFirst: false)
        }
        #expect(fault?.description == message)
    }
}
