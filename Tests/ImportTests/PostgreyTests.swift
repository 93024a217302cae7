import Greylist
import SampleOptions
import Storage
import Testing

@testable import Import

/// What is read of dumps of postgrey's databases.
struct PostgreyTests {
    private static func dump(_ lines: [String], format: String = "print") -> String {
        "VERSION=3\nformat=\(format)\ntype=btree\ndb_pagesize=4096\nHEADER=END\n"
            + lines.map { " \($0)\n" }.joined() + "DATA=END\n"
    }

    static let entries: [(key: String, value: String, entry: String)] = [
        ("192.0.2.0/a@x.org/u@y.org", "\(before(900)),\(before(500))", "192.0.2.0/24 <a@x.org> u@y.org 900 500 passed"),
        ("192.0.2.0/a@x.org/u@y.org", "\(before(900)),\(before(600))", "192.0.2.0/24 <a@x.org> u@y.org 900 600 passed"),
        (
            "192.0.2.0/a@x.org/u@y.org", "\(before(900)),\(before(601))",
            "192.0.2.0/24 <a@x.org> u@y.org 900 601 pending"
        ),
        ("192.0.2.0//u@y.org", "\(before(9)),\(before(9))", "192.0.2.0/24 <> u@y.org 9 9 pending"),
        // With --lookup-by-host, or a longer mask.
        ("192.0.2.7/a@x/u@y", "\(before(9)),\(before(9))", "192.0.2.7/32 <a@x> u@y 9 9 pending"),
        ("192.0.2.7/a@x/u@y", "\(before(9)),\(before(9)),192.0.2.7", "192.0.2.7/32 <a@x> u@y 9 9 pending"),
        (
            "2001:db8:1:2:0:0:0:0/a@x/u@y", "\(before(9)),\(before(9))",
            "2001:db8:1:2::/64 <a@x> u@y 9 9 pending"
        ),
        ("2001:db8:1:2:0:0:0:5/a@x/u@y", "\(before(9)),\(before(9))", "2001:db8:1:2::5/128 <a@x> u@y 9 9 pending"),
        // Slashes in local parts.
        ("192.0.2.0/a/b@x/u/v@y", "\(before(9)),\(before(9))", "192.0.2.0/24 <a/b@x> u/v@y 9 9 pending"),
        ("192.0.2.0//u/v@y", "\(before(9)),\(before(9))", "192.0.2.0/24 <> u/v@y 9 9 pending"),
        ("192.0.2.0/a/b@x/postmaster", "\(before(9)),\(before(9))", "192.0.2.0/24 <a/b@x> postmaster 9 9 pending"),
        ("192.0.2.0/a/postmaster", "\(before(9)),\(before(9))", "192.0.2.0/24 <a> postmaster 9 9 pending"),
        ("192.0.2.0/mailer/u@y", "\(before(9)),\(before(9))", "192.0.2.0/24 <mailer> u@y 9 9 pending"),
        (#"192.0.2.0/\5cx@x/u@y"#, "\(before(9)),\(before(9))", #"192.0.2.0/24 <\x@x> u@y 9 9 pending"#),
        (#"192.0.2.0/j\c3\b6rg@x/u\\@y"#, "\(before(9)),\(before(9))", #"192.0.2.0/24 <jörg@x> u\@y 9 9 pending"#),
        // Clients.
        ("192.0.2.7", "12,\(before(70))", "192.0.2.7/32 12 70 70"),
        ("2001:DB8:1:2:0:0:0:ABCD", "5,\(before(70))", "2001:db8:1:2::abcd/128 5 70 70"),
        // A digest of a triplet.
        (
            "0123456789abcdef0123456789abcdef01234567", "\(before(900)),\(before(500))",
            "0123456789abcdef0123456789abcdef01234567 900 500 passed"
        ),
        // A digest of a client.
        (
            "0123456789abcdef0123456789abcdef01234567", "5,\(before(9))", "0123456789abcdef0123456789abcdef01234567 5 9"
        ),
        // With --lookup-by-host.
        ("192.0.2.7/32/a@x/u@y", "\(before(900)),\(before(9))", "192.0.2.7/32 <a@x> u@y 900 9 passed"),
        (
            "2001:db8:0:0:0:0:0:abcd/128//u@y", "\(before(9)),\(before(9))", "2001:db8::abcd/128 <> u@y 9 9 pending"
        ),
        // A sender without a domain that looks like it.
        ("192.0.2.0/32/u@y", "\(before(9)),\(before(9))", "192.0.2.0/24 <32> u@y 9 9 pending"),
        // A clock that is a little ahead.
        ("192.0.2.0/a@x/u@y", "\(before(-60)),\(before(-60))", "192.0.2.0/24 <a@x> u@y 0 0 pending"),
    ]

    @Test(arguments: entries)
    func anEntryIsRead(_ key: String, _ value: String, _ entry: String) {
        let reading = Reading(.postgrey, Self.dump([key, value]))
        #expect(reading.texts == [entry])
        #expect(reading.error == nil && reading.isAccounted)
    }

    @Test func theOtherEncodingSaysTheSame() {
        for (key, value, entry) in Self.entries where !key.contains("\\") {
            let lines = [key, value].map { text in
                text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            }
            #expect(Reading(.postgrey, Self.dump(lines, format: "bytevalue")).texts == [entry])
        }
    }

    static let faults: [(key: String, value: String, reason: LeftOutReason)] = [
        ("192.0.2.0/a@x/u@y", "", .malformed),
        ("192.0.2.0/a@x/u@y", "12", .malformed),
        ("192.0.2.0/a@x/u@y", "x,y", .malformed),
        ("192.0.2.0/a@x/u@y", "\(before(9)),99999999999999999999", .malformed),
        ("192.0.2.0/a@x", "\(before(9)),\(before(9))", .malformed),
        ("192.0.2.0/a@x/", "\(before(9)),\(before(9))", .mailbox),
        (#"192.0.2.0/a\0a@x/u@y"#, "\(before(9)),\(before(9))", .mailbox),
        ("unknown/a@x/u@y", "\(before(9)),\(before(9))", .address),
        ("192.0.2.300/a@x/u@y", "\(before(9)),\(before(9))", .address),
        ("elsewhere", "\(before(9)),\(before(9))", .address),
        ("192.0.2.0/a@x/u@y", "0,0", .past),
        ("192.0.2.0/a@x/u@y", "1,\(before(9))", .past),
        ("192.0.2.0/a@x/u@y", "\(before(9)),\(before(-90_000))", .future),
        ("192.0.2.0/\(String(repeating: "s", count: 4_096))@x/u@y", "\(before(9)),\(before(9))", .mailboxTooLong),
        (String(repeating: "s", count: 40_000), "\(before(9)),\(before(9))", .lineTooLong),
        ("192.0.2.0/a@x/u@y", String(repeating: "1", count: 40_000), .lineTooLong),
        (#"192.0.2.0/a\zz@x/u@y"#, "\(before(9)),\(before(9))", .malformed),
        ("192.0.2.7", "\(before(9)),\(before(9))", .malformed),
        ("192.0.2.7", "-5,\(before(9))", .malformed),
    ]

    @Test(arguments: faults)
    func aBadEntryIsLeftOutAndTheNextIsRead(_ key: String, _ value: String, _ reason: LeftOutReason) {
        let good = ["192.0.2.7", "3,\(before(70))"]
        let reading = Reading(.postgrey, Self.dump([key, value] + good))
        #expect(reading.texts == ["192.0.2.7/32 3 70 70"])
        #expect(reading.counts.leftOut == [reason: 1])
        #expect(reading.counts.told.map(\.line) == [6])
        #expect(reading.error == nil && reading.isAccounted)
    }

    @Test(arguments: ["", "\n\n"])
    func anEmptyFileIsNoDump(_ text: String) {
        let error = Reading(.postgrey, text).error
        #expect(error?.code == .incomplete && error?.description.contains("the file is empty") == true)
    }

    @Test func dumpsMayFollowEachOther() {
        let one = Self.dump(["192.0.2.7", "3,\(before(70))"])
        let other = Self.dump(["3139322e302e322e38", "342c31373935303030303030"], format: "bytevalue")
        let reading = Reading(.postgrey, one + other)
        #expect(reading.texts.map { $0.prefix(14) } == ["192.0.2.7/32 3", "192.0.2.8/32 4"])
        #expect(reading.isAccounted)
    }

    @Test func delayAndMasksAreTold() {
        let text = Self.dump(["10.1.0.0/a@x/u@y", "\(before(90)),\(before(20))"])
        let options = ImportOptions(now: now, delay: 60, postgreyMasks: PrefixLengths.sample(ipv4: 16, ipv6: 64))
        #expect(Reading(.postgrey, text, options: options).texts == ["10.1.0.0/16 <a@x> u@y 90 20 passed"])
    }

    static let others: [(text: String, code: ImportError.Code, part: String)] = [
        ("# a list\n192.0.2.0/24\n", .otherFormat, "file:1: not a db_dump"),
        ("/^mail/\n", .otherFormat, "tprtctl whitelist import"),
        ("{\"a\": []}\n", .otherFormat, "it is JSON"),
        ("<html>\n", .otherFormat, "web page"),
        ("VERSION=2\n", .otherVersion, "db5.3_dump"),
        ("VERSION=3\nformat=print\ntype=queue\nHEADER=END\n", .otherFormat, "type=queue"),
        ("VERSION=3\nformat=base64\n", .otherFormat, "unknown encoding"),
        ("VERSION=3\n 1\n 2\n", .otherFormat, "file:2: malformed header"),
        ("SQLite format 3\0 and more\n", .otherFormat, "SQLite"),
        ("VERSION=3\nHEADER=END\n 31\n", .incomplete, "DATA=END"),
        ("VERSION=3\nHEADER=END\n 3139322e302e322e37\n 332c31373935303030303030\n", .incomplete, "cut off"),
        ("VERSION=3\nHEADER=END\n aa\n bb\nDATA=END\n", .otherFormat, "none of 2 lines"),
    ]

    @Test(arguments: others)
    func whatIsSomethingElseIsSaid(_ text: String, _ code: ImportError.Code, _ part: String) {
        let error = Reading(.postgrey, text).error
        #expect(error?.code == code)
        #expect(error?.description.contains(part) == true, "\(String(describing: error))")
    }

    @Test func whatCameBeforeACutIsHandedOver() {
        let text = "VERSION=3\nHEADER=END\n 3139322e302e322e37\n 332c31373935303030303030\n"
        #expect(Reading(.postgrey, text).entries.count == 1)
    }
}
