import Greylist
import Storage
import Testing

@Suite("Entries as lines")
struct EntryLineTests {
    private static func entry(_ key: Key, _ passes: UInt32, _ first: Int64, _ last: Int64) -> Entry {
        Entry(
            key: key,
            sighting: Sighting(passes: passes, first: Timestamp(seconds: first), last: Timestamp(seconds: last)))
    }

    @Test("an entry is read as it was written, whatever its key is")
    func roundTrip() {
        let text = Array("192.0.2.0/24/a".utf8) + [0xff, 0x20, 0x22, 0x0a] + Array("@x.org/u@y.org".utf8)
        let keys: [Key] = [
            .text(text), Key(text.span, isHashed: true), .text(Array("192.0.2.0/24".utf8)),
            .text(Array("2001:db8::/48/\(String(repeating: "a", count: 1_024))".utf8)),
        ]
        for key in keys {
            for entry in [
                Self.entry(key, 0, 1_796_000_000, 1_796_000_000), Self.entry(key, .max, 0, 1_796_000_300),
            ] {
                #expect(Entry(line: entry.line) == entry)
            }
        }
        #expect(Self.entry(.text(Array("10.0.0.0/8".utf8)), 3, 1, 2).line == "31302e302e302e302f38 3 1 2")
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "31302e302e302e302f38", "31302e302e302e302f38 3 1", "31302e302e302e302f38 3 1 2 4",
            "31302e302e302e302f3 3 1 2", "31302E302e302e302f38 3 1 2", "31302e302e302e302f38  3 1 2",
            "31302e302e302e302f38 -1 1 2", "31302e302e302e302f38 4294967296 1 2", "31302e302e302e302f38 3 2 1",
            "31302e302e302e302f38 3 -2 1", "31302e302e302e302f38 x 1 2", "6e6f7468696e67 3 1 2", " 3 1 2",
            "31302e302e302e302f38 3 1 9223372036854775808",
        ])
    func malformed(line: String) {
        #expect(Entry(line: line) == nil)
    }
}
