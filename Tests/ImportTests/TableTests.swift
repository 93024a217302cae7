import Greylist
import Testing

@testable import Import

/// What is read of the tables of SQL databases.
struct TableTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let kind: ImportKind
        let name: String
        let text: String
        let entries: [String]

        var testDescription: String { "\(kind.rawValue) \(name) \(text.prefix(60))" }
    }

    static let cases: [Case] = [
        // sqlgrey: each spelling of a source.
        Case(
            kind: .sqlgrey, name: "connect.tsv",
            text: "bob\tx.org\t192.0.2\tu@y.org\t\(before(9))\nbob\tx.org\t192.0.2.7\tu@y.org\t\(before(8))\n"
                + "bob\tx.org\t2001:0db8:0001:0002:0003:0004:0005:0006\tu@y.org\t\(before(7))\n"
                + "bob\tx.org\t2001:0db8:0001:0002\tu@y.org\t\(before(6))\nbob\tx.org\t2001:db8::5\tu@y.org\t\(before(5))\n"
                + "-undef-\t-undef-\t192.0.2\tu@y.org\t\(before(4))\nbob\t-undef-\t192.0.2\tu@y.org\t\(before(3))\n",
            entries: [
                "192.0.2.0/24 <bob@x.org> u@y.org 9 9 pending", "192.0.2.7/32 <bob@x.org> u@y.org 8 8 pending",
                "2001:db8:1:2:3:4:5:6/128 <bob@x.org> u@y.org 7 7 pending",
                "2001:db8:1:2::/64 <bob@x.org> u@y.org 6 6 pending", "2001:db8::5/128 <bob@x.org> u@y.org 5 5 pending",
                "192.0.2.0/24 <> u@y.org 4 4 pending", "192.0.2.0/24 <bob> u@y.org 3 3 pending",
            ]),
        // Without a name, the columns tell.
        Case(
            kind: .sqlgrey, name: "-", text: "bob\tx.org\t192.0.2\tu@y.org\t2026-11-30 00:53:00\n",
            entries: ["192.0.2.0/24 <bob@x.org> u@y.org 20 20 pending"]),
        Case(
            kind: .sqlgrey, name: "-", text: "bob\tx.org\t192.0.2\t2026-11-30 00:53:00.12\t2026-11-30T02:53:10+02\n",
            entries: ["192.0.2.0/24 +1 20 10"]),
        Case(
            kind: .sqlgrey, name: "-", text: "x.org\t192.0.2\t20261130005300\t20261130005310\n",
            entries: ["192.0.2.0/24 +1 20 10"]),
        // A heading tells, too, in any order and with more columns.
        Case(
            kind: .sqlgrey, name: "-",
            text: "\u{feff}\"src\",\"id\",\"sender_domain\",\"rcpt\",\"sender_name\",\"first_seen\"\r\n"
                + "192.0.2,1,x.org,\"\"\"u\"\"@y.org\",\"a,b\",\(before(9)).5\r\n",
            entries: ["192.0.2.0/24 <a,b@x.org> \"u\"@y.org 9 9 pending"]),
        Case(
            kind: .sqlgrey, name: "-",
            text: "sender_domain;src;first_seen;last_seen\nx.org;192.0.2;\(before(9));\(before(8))\n",
            entries: ["192.0.2.0/24 +1 9 8"]),
        Case(kind: .sqlgrey, name: "optout_email", text: "u@y.org\n", entries: ["recipient u@y.org"]),
        Case(
            kind: .sqlgrey, name: "optin_email.csv", text: "email\nu@y.org\n", entries: ["greylist recipient u@y.org"]),
        Case(kind: .sqlgrey, name: "optout_domain.txt", text: "y.org\n", entries: ["recipient @y.org"]),
        Case(kind: .sqlgrey, name: "optin_domain.txt", text: "y.org\n", entries: ["greylist recipient @y.org"]),
        // What pg_dump writes.
        Case(
            kind: .sqlgrey, name: "dump.sql",
            text: "--\n-- PostgreSQL database dump\n--\nSET x = 1;\nCREATE TABLE connect (\n    a\n);\n"
                + "COPY public.config (parameter, value) FROM stdin;\nversion\t3\n\\.\n"
                + "COPY public.connect (sender_name, sender_domain, src, rcpt, first_seen) FROM stdin;\n"
                + "b\\\\ob\tx.org\t192.0.2\tu@y.org\t2026-11-30 00:53:00\n\\.\n"
                + "COPY public.optout_domain (domain) FROM stdin;\ny.org\n\\.\n-- done\n",
            entries: [#"192.0.2.0/24 <b\ob@x.org> u@y.org 20 20 pending"#, "recipient @y.org"]),
        // gld
        Case(
            kind: .gld, name: "greylist.tsv",
            text:
                "192.0.2.7\ta@x\tu@y\t\(before(100))\t\(before(39))\t2\n192.0.2.0\t\tu@y\t\(before(100))\t\(before(40))\t2\n",
            entries: ["192.0.2.7/32 <a@x> u@y 100 39 passed", "192.0.2.0/32 <> u@y 100 100 pending"]),
        Case(
            kind: .gld, name: "whitelist.tsv",
            text: "a@x.org\tone\n@x.org\t\n192.0.2.7\t\\N\n192.0.2\tNULL\n",
            entries: ["sender a@x.org", "sender @x.org", "client 192.0.2.7/32", "client 192.0.2.0/24"]),
        // iRedAPD
        Case(
            kind: .iredapd, name: "-",
            text: "sender\trecipient\tclient_address\tsender_domain\trcpt_domain\tinit_time\tblock_expired\t"
                + "record_expired\tblocked_count\tpassed\n"
                + "a@x\tu@y\t192.0.2.7\tx\ty\t\(before(9_000))\t\(before(8_000))\t\(before(7_000 - 30 * 86_400))\t1\t1\n"
                + "a@x\tu@y\t192.0.2.7\tx\ty\t\(before(9))\t\(before(-891))\t\(before(-9_000))\t1\t0\n",
            entries: ["192.0.2.7/32 <a@x> u@y 9000 7000 passed", "192.0.2.7/32 <a@x> u@y 9 9 pending"]),
        Case(
            kind: .iredapd, name: "greylisting_whitelists.tsv",
            text: "1\t@.\t216.239.32.0/19\tGoogle\n2\t@y.org\t@x.org\t\n3\tu@y.org\ta@x.org\t\n4\t@y.org\t@.\t\n"
                + "5\t@.\t@.x.org\t\n6\t@.\t2001:db8::/32\t\n",
            entries: [
                "client 216.239.32.0/19", "recipient @y.org and sender @x.org",
                "recipient u@y.org and sender a@x.org", "recipient @y.org", "sender @x.org", "client 2001:db8::/32",
            ]),
        // cbpolicyd
        Case(
            kind: .cbpolicyd, name: "-",
            text: "SenderIP:192.0.2.0/24\ta@x\tu@y\t\(before(900))\t\(before(90))\t2\t3\n"
                + "SenderIP:192.0.2.0/24\ta@x\tu@y\t\(before(900))\t\(before(90))\t2\t0\n",
            entries: ["192.0.2.0/24 <a@x> u@y 900 90 passed", "192.0.2.0/24 <a@x> u@y 900 900 pending"]),
        Case(
            kind: .cbpolicyd, name: "greylisting_autowhitelist.csv",
            text: "ID,TrackKey,Added,LastSeen,Comment\n1,SenderIP:192.0.2.0/24,\(before(900)),\(before(90)),\n",
            entries: ["192.0.2.0/24 +1 900 90"]),
        Case(
            kind: .cbpolicyd, name: "greylisting_whitelist.csv",
            text: "ID,Source,Comment,Disabled\n1,SenderIP:192.0.2.0/24,a,0\n2,SenderIP:10.0.0.0/8,,1\n3,mail.x.org,,0\n"
                + "4,*.y.org,,0\n",
            entries: ["client 192.0.2.0/24", "name mail.x.org", "name y.org"]),
    ]

    @Test(arguments: cases)
    func aTableIsRead(_ example: Case) {
        let reading = Reading(example.kind, example.text, name: example.name)
        let entries = reading.entries.map { entry in
            // A first attempt has one time only.
            guard case .triplet(var triplet) = entry, !triplet.times.hasPassed else { return entry.short }
            triplet.times.last = triplet.times.first
            return ImportedEntry.triplet(triplet).short
        }
        #expect(entries == example.entries)
        #expect(reading.error == nil, "\(String(describing: reading.error))")
        #expect(reading.isAccounted && reading.counts.leftOutLines == 0)
    }

    static let rows: [(kind: ImportKind, row: String, reason: LeftOutReason)] = [
        (.sqlgrey, "bob\tx.org\t192.0\tu@y\t\(before(9))", .address),
        (.sqlgrey, "bob\tx.org\tunknown\tu@y\t\(before(9))", .address),
        (.sqlgrey, "bob\tx.org\t192.0.2\tu@y\tyesterday", .time),
        (.sqlgrey, "bob\tx.org\t192.0.2\tu@y\t2026-11-31 00:00:00", .time),
        (.sqlgrey, "bob\tx.org\t192.0.2\tu@y\t2026-11-30 00:00:00 CET", .time),
        (.sqlgrey, "bob\tx.org\t192.0.2\tu@y\t0", .past),
        (.sqlgrey, "bob\tx.org\t192.0.2\tu@y\t1970-01-01 00:00:00", .past),
        (.sqlgrey, "bob\tx.org\t192.0.2\tu@y\t2037-01-01 00:00:00", .future),
        (.sqlgrey, "bob\tx.org\t192.0.2\tu@y\t999999999999999999", .future),
        (.sqlgrey, "bob\tx.org\t192.0.2\tu@y", .malformed),
        (.sqlgrey, "bob\tx.org\t192.0.2\t\t\(before(9))", .mailbox),
        (.sqlgrey, "b\\0ob\tx.org\t192.0.2\tu@y\t\(before(9))", .mailbox),
        (.sqlgrey, String(repeating: "b", count: 4_096) + "\tx.org\t192.0.2\tu@y\t\(before(9))", .mailboxTooLong),
        (.sqlgrey, String(repeating: "b", count: 40_000), .lineTooLong),
        (.sqlgrey, String(repeating: "\t", count: 100), .malformed),
    ]

    @Test(arguments: rows)
    func aBadRowIsLeftOutAndTheNextIsRead(_ kind: ImportKind, _ row: String, _ reason: LeftOutReason) {
        let good = "bob\tx.org\t192.0.2\tu@y\t\(before(9))\n"
        let reading = Reading(kind, good + row + "\n" + good, name: "connect.tsv")
        #expect(reading.entries.count == 2)
        #expect(reading.counts.leftOut == [reason: 1])
        #expect(reading.counts.told.map(\.line) == [2])
        #expect(reading.isAccounted && reading.error == nil)
    }

    @Test func columnsMayHaveOtherNames() {
        var options = ImportOptions(now: now)
        options.columnNames = ["client": "src", "to": "rcpt"]
        let text = "To;Client;sender_domain;sender_name;first_seen\nu@y;192.0.2;x.org;bob;\(before(9))\n"
        let reading = Reading(.sqlgrey, text, options: options)
        #expect(reading.texts == ["192.0.2.0/24 <bob@x.org> u@y 9 9 pending"])
        #expect(Reading(.sqlgrey, text).error?.code == .otherColumns)
        // Without a heading nothing has these names.
        let bare = Reading(.sqlgrey, "bob\tx.org\t192.0.2\tu@y\t\(before(9))\n", options: options)
        #expect(bare.error?.code == .otherColumns && bare.entries.isEmpty)
    }

    static let others: [(kind: ImportKind, text: String, code: ImportError.Code, part: String)] = [
        (.sqlgrey, "a,b,c\n1,2,3\n", .otherColumns, "the columns are a, b, c; expected those of connect (sender_name"),
        (.sqlgrey, "1,2,3\n", .otherColumns, "there are 3 columns"),
        (.sqlgrey, "domain\ny.org\n", .otherColumns, "optin_domain, optout_domain: say which table"),
        (.sqlgrey, "u@y.org\n", .otherColumns, "optin_email, optout_email: say which table"),
        (.sqlgrey, "# a whitelist\n192.0.2.0/24\n", .otherFormat, "looks like a whitelist"),
        (.sqlgrey, "VERSION=3\n", .otherFormat, "import it as postgrey"),
        (.sqlgrey, "INSERT INTO `connect` VALUES ('a')\n", .otherFormat, "SQL statements"),
        (.sqlgrey, "-- MySQL dump 10.19\n", .otherFormat, "mysql --batch"),
        (.sqlgrey, "SQLite format 3\0", .otherFormat, "SQLite"),
        (.sqlgrey, "\u{1f}\n", .otherFormat, "not a table of sqlgrey"),
        (
            .sqlgrey, "COPY connect (sender_name, sender_domain, src, rcpt, first_seen) FROM stdin;\nbob\tx\t192.0.2",
            .incomplete, "cut off"
        ),
        (.gld, "ip,sender\n", .otherColumns, "expected those of greylist"),
        (.cbpolicyd, "a\tb\tc\td\te\tf\tg\n", .otherColumns, "greylisting_tracking"),
    ]

    @Test(arguments: others)
    func whatIsSomethingElseIsSaid(_ kind: ImportKind, _ text: String, _ code: ImportError.Code, _ part: String) {
        let error = Reading(kind, text).error
        #expect(error?.code == code)
        #expect(error?.description.contains(part) == true, "\(String(describing: error))")
    }
}
