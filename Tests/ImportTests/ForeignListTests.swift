import Greylist
import Testing
import Whitelists

@testable import Import

/// What is read of the whitelists of other programs.
struct ForeignListTests {
    static let lists: [(kind: ForeignListKind, text: String, entries: [String], leftOut: [String])] = [
        (
            .sqlgreyNames,
            """
            # names
            mail.x.org      # one
            *.y.org
            /^ms-smtp.*\\.rr\\.com$/

            192.0.2.7
            /(/
            a b
            192.0.2
            *.192.0.2.1-9
            \(String(repeating: "x", count: 64)).y.org
            """,
            ["name mail.x.org", "name y.org", #"name /^ms-smtp.*\.rr\.com$/"#],
            ["6 condition", "7 condition", "8 condition", "9 condition", "10 condition", "11 condition"]
        ),
        (
            .sqlgreyAddresses,
            "12.5.136.141    # Southwest\n64.12.137\t# AOL\n192.0.2.0/25\n2001:db8::/32\n2001:db8::1\nmail.x.org\n1.2\n",
            [
                "client 12.5.136.141/32", "client 64.12.137.0/24", "client 192.0.2.0/25", "client 2001:db8::/32",
                "client 2001:db8::1/128",
            ], ["6 condition", "7 condition"]
        ),
        (
            .milterGreylist,
            """
            # greylist.conf
            pidfile "/var/run/x.pid"
            list "my network" addr { 127.0.0.1/8 10.0.0.0/8
                192.0.2.0/24 }
            list "odd" addr { 10.0.0.1 elsewhere }
            list "users" rcpt { \\
                u@y.org /^v/ }
            racl whitelist list "my network"
            acl whitelist addr 198.51.100.0/24 rcpt u@y.org nolog
            racl "named" whitelist domain x.org
            racl whitelist from /.*@x y/ autowhite 3d
            racl whitelist list "users" # all
            racl whitelist helo mx.x.org
            racl whitelist list "odd"
            racl whitelist spf
            racl whitelist dnsrbl "SORBS"
            racl whitelist list "unknown"
            racl whitelist not addr 10.0.0.1
            racl whitelist default
            racl greylist default delay 10m
            """,
            [
                "client 127.0.0.0/8 or client 10.0.0.0/8 or client 192.0.2.0/24",
                "client 198.51.100.0/24 and recipient u@y.org", "name x.org", "sender /.*@x y/",
                "recipient u@y.org or recipient /^v/", "helo mx.x.org",
            ],
            [
                "14 noEquivalent", "15 noEquivalent", "16 noEquivalent", "17 noEquivalent", "18 noEquivalent",
                "19 noEquivalent",
            ]
        ),
        (
            .iredapd, "id,account,sender,comment\n1,@.,192.0.2.0/24,a\n2,@.,@.,b\n3,,a@x.org,c\n4,@.,nonsense,d\n",
            ["client 192.0.2.0/24"], ["3 noEquivalent", "4 condition", "5 condition"]
        ),
    ]

    @Test(arguments: lists)
    func aListIsRead(_ kind: ForeignListKind, _ text: String, _ entries: [String], _ leftOut: [String]) {
        let reading = Reading(.whitelist(kind), text)
        #expect(reading.texts == entries)
        #expect(reading.leftOut == leftOut)
        #expect(reading.error == nil && reading.isAccounted)
    }

    @Test func anEntryKnowsItsLineAndComment() {
        let reading = Reading(.whitelist(.sqlgreyAddresses), "# a\n\n192.0.2.7 # Groupwise\n")
        guard case .whitelist(let entry)? = reading.entries.first else {
            Issue.record("no entry")
            return
        }
        #expect(entry.line == 3 && entry.comment == "Groupwise" && entry.effect == .pass)
    }

    static let others: [(kind: ForeignListKind, text: String)] = [
        (.sqlgreyAddresses, "VERSION=3\nformat=print\n"), (.sqlgreyNames, "VERSION=3\nHEADER=END\n"),
        (.sqlgreyNames, "a b\nc d\n"), (.iredapd, "a,b\n"), (.sqlgreyAddresses, "SQLite format 3\0\n"),
    ]

    @Test(arguments: others)
    func somethingElseIsSaid(_ kind: ForeignListKind, _ text: String) {
        #expect(Reading(.whitelist(kind), text).error != nil)
    }
}
