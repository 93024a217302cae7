import Greylist
import Storage
import Testing

/// Keys and records as TPRT 0.9.3 wrote them, and keys as they lie in LMDB.
struct SpellingTests {
    private static func key(_ text: String, isHashed: Bool) -> Key { Key(Array(text.utf8).span, isHashed: isHashed) }

    private static func spelling(_ key: Key) -> String {
        var bytes: [UInt8] = []
        key.spell { bytes.append($0) }
        #expect(bytes.count == key.spellingCount)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func aKeyIsSpeltAsBefore() {
        let text = "192.0.2.0/24/a@example.org/u@example.com"
        #expect(Self.spelling(Self.key(text, isHashed: false)) == text)
        #expect(Self.spelling(Self.key(text, isHashed: true)) == "4b390c079120ab146dd214a56880eb0c99d60a3a")
    }

    @Test(arguments: [
        "192.0.2.0/24/a@b/c@d", "192.0.2.0/24", "2001:db8::/48/a@b/cd", "x", "",
        // Of the length of a digest.
        "day:mail.example.org", "ptr:example.net/a@b/", "out:user@example/x@y", "lane:www.example.org",
    ])
    func aKeyComesBackFromBothForms(_ text: String) {
        for key in [Self.key(text, isHashed: true), Self.key(text, isHashed: false)] {
            #expect(key.bytes.withUnsafeBytes { Key(bytes: $0) } == key)
            #expect(Array(Self.spelling(key).utf8).withUnsafeBytes { Key(spelling: $0) } == key)
        }
    }

    @Test func nearlyADigestIsAText() {
        for text in ["4B390C079120AB146DD214A56880EB0C99D60A3A", "4b390c079120ab146dd214a56880eb0c99d60a3", "zz"] {
            #expect(Array(text.utf8).withUnsafeBytes { Key(spelling: $0) } == Self.key(text, isHashed: false))
        }
    }

    @Test(arguments: [
        ("192.0.2.0/24/a@b/c@d", true), ("ptr:example.net/a@b/c@d", true), ("org:example.org/c@d", true),
        ("day:example.org", true), ("rcp:example.org", true), ("out:@example.org", true), ("lane:example.org", true),
        ("awl:192.0.2.0/24", false), ("id:day:example.org", false), ("tprt-maintenance", false), ("", false),
    ])
    func aTextThatBeginsAsOursHasTheForm(_ text: String, _ hasForm: Bool) {
        #expect(Self.key(text, isHashed: false).hasForm == hasForm)
    }

    static let records: [(String, UInt32, Int64)] = [
        ("0,1555000000", 0, 1_555_000_000), ("1,0", 1, 0), ("42,99", 42, 99), ("007,08", 7, 8),
        ("99999999999,5", .max, 5),
    ]

    @Test(arguments: records)
    func aRecordIsRead(_ text: String, _ passes: UInt32, _ seconds: Int64) {
        let time = Timestamp(seconds: seconds)
        let sighting = LegacyRecord.sighting(Array(text.utf8).span)
        #expect(sighting == Sighting(passes: passes, first: time, last: time))
    }

    @Test(arguments: [
        "", ",", "1", "1,", ",1", "1,2,3", "-1,5", "1,-5", "1, 5", "a,b", "1,5\n", "1.5,2", "1,9999999999999999999",
    ])
    func whatIsNoRecordIsNone(_ text: String) {
        let sighting = LegacyRecord.sighting(Array(text.utf8).span)
        #expect(sighting == nil)
    }

    @Test func aRecordIsWrittenAsBefore() {
        var bytes: [UInt8] = []
        LegacyRecord.append(Sighting(firstAt: Timestamp(seconds: 1_555_000_000)), to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "0,1555000000")
        bytes = []
        let passed = Sighting(passes: 3, first: Timestamp(seconds: 1), last: Timestamp(seconds: 9))
        LegacyRecord.append(passed, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "3,9")
    }

    static let merges: [(String, String, String)] = [
        ("0,5", "0,9", "0,5"), ("0,5", "3,2", "3,2"), ("4,8", "3,9", "4,9"), ("1,7", "1,7", "1,7"),
    ]

    @Test(arguments: merges)
    func whatTwoKnowIsMerged(_ left: String, _ right: String, _ merged: String) throws {
        func sighting(_ text: String) throws -> Sighting {
            let sighting = LegacyRecord.sighting(Array(text.utf8).span)
            return try #require(sighting)
        }
        let (first, second) = (try sighting(left), try sighting(right))
        var bytes: [UInt8] = []
        LegacyRecord.append(first.merged(with: second), to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == merged)
        #expect(first.merged(with: second) == second.merged(with: first))
        #expect(first.merged(with: second).merged(with: second) == first.merged(with: second))
    }
}
