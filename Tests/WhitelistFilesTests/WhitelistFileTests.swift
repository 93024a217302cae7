import Greylist
import Testing
import WhitelistFiles

@Suite("Whitelist files")
struct WhitelistFileTests {
    @Test("lists and entries keep the order of the file, and each entry its place")
    func order() throws {
        let file = try whitelist(
            """
            // Comments, trailing commas and bare keys are fine.
            {
              zoe: [
                {"type": "recipient_literal", "recipient": "user", "name": "second"},
                {"type": "ipv4_net", "net": "192.0.2.1"}, {"type": "ipv4_net", "net": "192.0.2.2"},
              ],
              empty: [],
              /* the first
                 of all */ "adam": [{
                "name": "first",
                "type": "sender_literal", "sender": "user",
              },],
            }
            """)
        #expect(
            file.entries == [
                "/wl.json:4(zoe:second) recipient user@", "/wl.json:5(zoe[1]) client 192.0.2.1/32",
                "/wl.json:5(zoe[2]) client 192.0.2.2/32", "/wl.json:9(adam:first) sender user@",
            ])
        #expect(file.skipped.isEmpty)
    }

    @Test(
        "a name is shown on one line whatever it holds, and one that can't be shown gives way to the index",
        arguments: [
            (#""friends""#, #""a b""#, "friends:a b"), (#""friends""#, #""é""#, "friends:é"),
            (#""a\nb""#, #""c\td""#, #""a\nb":"c\td""#), (#""""#, "null", #"""[0]"#), (#"" ""#, #""""#, #"" "[0]"#),
            (#""friends""#, "5", "friends[0]"), (#""friends""#, #"["a"]"#, "friends[0]"),
            (
                #""friends""#, "\"" + String(repeating: "n", count: 81) + "\"",
                "friends:\"" + String(repeating: "n", count: 80) + "\"..."
            ),
        ])
    func names(list: String, name: String, shown: String) throws {
        let file = try whitelist(#"{\#(list): [{"type": "recipient_literal", "recipient": "user", "name": \#(name)}]}"#)
        #expect(file.entries.map { $0.prefix { $0 != ")" } + ")" } == ["/wl.json:1(\(shown))"])
    }

    @Test(
        "a list that is none is skipped as a whole",
        arguments: [
            ("5", "5 is not an array of entries"), ("null", "null is not an array of entries"),
            (#""x""#, #""x" is not an array of entries"#), ("{}", "an object is not an array of entries"),
            (#"{"type": "ipv4_net", "net": "192.0.2.1"}"#, "an object is not an array of entries"),
        ])
    func malformedList(list: String, message: String) throws {
        let file = try whitelist(
            "{\n\"bad\": \(list),\n\"good\": [{\"type\": \"recipient_literal\", \"recipient\": \"user\"}]}")
        #expect(file.entries == ["/wl.json:3(good[0]) recipient user@"])
        #expect(file.skipped == ["/wl.json:2(bad) was skipped: \(message)"])
    }

    @Test("of a list that is given twice the last stands, and that is told")
    func listTwice() throws {
        let file = try whitelist(
            """
            {"a": [{"type": "ipv4_net", "net": "192.0.2.1"}],
             "b": [{"type": "ipv4_net", "net": "192.0.2.2"}],
             "a": [{"type": "ipv4_net", "net": "192.0.2.3"}]}
            """)
        #expect(
            file.entries == [
                "/wl.json:2(b[0]) client 192.0.2.2/32", "/wl.json:3(a[0]) client 192.0.2.3/32",
            ])
        #expect(file.skipped == ["/wl.json:1(a) was skipped: a list of that name stands in line 3 again"])
    }

    @Test(
        "a file without lists has no entries and no fault",
        arguments: ["{}", "{\"a\": []}", "// none\n{ }\n", "", " \n\r\n"])
    func noLists(text: String) throws {
        #expect(try whitelist(text).entries.isEmpty)
        #expect(try whitelist(text).skipped.isEmpty)
    }

    @Test(
        "what is not an object of lists is a fault with line and column",
        arguments: [
            ("\n // x\n", "/wl.json:3: not JSON: expected a value, found the end of the text at column 1"),
            ("{\n \"a\" []}", "/wl.json:2: not JSON: expected \":\" after the key, found \"[\" at column 6"),
            ("{\"a\": [{\"type\": ", "/wl.json:1: not JSON: expected a value, found the end of the text at column 17"),
            ("{\"a\": [}]}", "/wl.json:1: not JSON: expected a value, found \"}\" at column 8"),
            (
                "{\"a\": [\n{\"type\": ipv4_net}]}",
                "/wl.json:2: not JSON: expected a value, found \"ipv4_net\" at column 10 (a text needs quotes)"
            ),
            ("{} {}", "/wl.json:1: not JSON: expected the end of the text, found \"{\" at column 4"),
            ("[]", "/wl.json:1: an array at column 1 is not an object of lists ({\"friends\": []})"),
            ("\n  5", "/wl.json:2: 5 at column 3 is not an object of lists ({\"friends\": []})"),
            ("null", "/wl.json:1: null at column 1 is not an object of lists ({\"friends\": []})"),
        ])
    func faults(text: String, message: String) throws {
        let fault = try #require(throws: WhitelistError.self) { try whitelist(text) }
        #expect(fault.description == message)
    }

    @Test("a hundred thousand entries")
    func many() throws {
        let entries = (0..<100_000).map { number in
            "{\"type\": \"ipv4_net\", \"net\": \"10.\(number >> 16).\(number >> 8 & 255).\(number & 255)\", \"mask\": 32}"
        }
        let file = try whitelist("{\"many\": [\n\(entries.joined(separator: ",\n"))\n]}")
        #expect(file.skipped.isEmpty)
        #expect(file.entries.count == 100_000)
        #expect(file.entries.last == "/wl.json:100001(many[99999]) client 10.1.134.159/32")
    }

    @Test("complaints have an end, and what is no good counts towards the entries there may be")
    func manyComplaints() throws {
        let read = try whitelist("{a: [" + String(repeating: "1,", count: 3_000) + "]}")
        #expect(read.skipped.count == 1_001)
        #expect(read.skipped.last == "and 2000 more")
        let lines = try whitelist(String(repeating: "a b\n", count: 1_500), .postgreyClients)
        #expect(lines.skipped.count == 1_001)
        #expect(lines.skipped.last == "and 500 more")
    }
}
