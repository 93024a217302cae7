import Greylist
import Testing
import WhitelistFiles
import Whitelists

/// Lines as people write them: what is taken can match, and what can't is refused with what to write.
@Suite("Entries as people write them")
struct WrittenFormsTests {
    @Test(
        "one meaning: taken, with a note",
        arguments: [
            (
                #""type": "remote_name", "domain": "*.example.org""#, "name example.org",
                "the domain and all names below it"
            ),
            (#""type": "sender_domain", "domain": "*.example.org""#, "sender in example.org", "all names below it"),
            (
                #""type": "recipient_domain", "domain": "@example.org""#, "recipient in example.org",
                "taken as example.org"
            ),
            (#""type": "remote_name", "domain": "http://www.example.org/x?y""#, "name www.example.org", "taken as"),
            (#""type": "remote_name", "domain": "mx.example.org:25""#, "name mx.example.org", "taken as"),
            (#""type": "remote_name", "domain": "mx.example.org # ours""#, "name mx.example.org", "taken as"),
            (#""type": "remote_name", "domain": "mx.example.org // ours""#, "name mx.example.org", "taken as"),
            (#""type": "remote_name", "domain": "'mx.example.org',""#, "name mx.example.org", "taken as"),
            (#""type": "helo_name", "domain": "[mx.example.org]""#, "helo mx.example.org", "taken as"),
            (#""type": "sender_literal", "sender": "<a@b.example>""#, "sender a@b.example", "taken as a@b.example"),
            (#""type": "sender_literal", "sender": "Ann <a@b.example>""#, "sender a@b.example", "taken as"),
            (#""type": "sender_literal", "sender": "mailto:a@b.example""#, "sender a@b.example", "taken as"),
            (#""type": "sender_literal", "sender": "*@b.example""#, "sender @b.example", "taken as @b.example"),
            (#""type": "recipient_literal", "recipient": "abuse@*""#, "recipient abuse@", "taken as abuse@"),
            (#""type": "recipient_literal", "recipient": "\"u@b.example\"""#, "recipient u@b.example", "taken as"),
            (#""type": "ipv4_net", "net": "192.0.2.*""#, "client 192.0.2.0/24", "taken as 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.*.*""#, "client 192.0.0.0/16", "taken as 192.0.0.0/16"),
            (#""type": "ipv4_net", "net": "192.0.2.""#, "client 192.0.2.0/24", "taken as 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2.0 255.255.255.0""#, "client 192.0.2.0/24", "taken as"),
            (#""type": "ipv4_net", "net": "[192.0.2.1]""#, "client 192.0.2.1/32", "taken as"),
            (#""type": "ipv4_net", "net": "192.0.2.1:25""#, "client 192.0.2.1/32", "taken as"),
            (#""type": "ipv4_net", "net": "ip4:192.0.2.0/24""#, "client 192.0.2.0/24", "taken as"),
            (#""type": "ipv4_net", "net": "192.0.2.0/24;""#, "client 192.0.2.0/24", "taken as"),
            (#""type": "ipv6_net", "net": "[2001:db8::]/32""#, "client 2001:db8::/32", "taken as"),
            (#""type": "ipv6_net", "net": "IPv6:2001:db8::1""#, "client 2001:db8::1/128", "taken as"),
            (#""type": "ipv6_net", "net": "2001:db8:1:2::215/32""#, "client 2001:db8::/32", "has host bits set"),
            (#""type": "ipv4_net", "net": "192.0.2.77", "mask": 24"#, "client 192.0.2.0/24", "has host bits set"),
            (#""type": "ipv4_net", "net": "224.0.0.5""#, "client 224.0.0.5/32", "no client can have an address in"),
            (
                #""type": "sender_literal", "sender": "example.org""#, "sender example.org@",
                "the user of that name in any domain"
            ),
        ])
    func taken(members: String, entry: String, note: String) throws {
        let read = try whitelist("{l: [{\(members)}]}")
        #expect(read.skipped.isEmpty)
        #expect(read.entries == ["/wl.json:1(l[0]) \(entry)"])
        #expect(read.notes.count == 1)
        #expect(read.notes.first?.hasPrefix("/wl.json:1(l[0]): ") == true)
        #expect(read.notes.first?.contains(note) == true, "\(read.notes)")
    }

    @Test(
        "no note where nothing is to be said",
        arguments: [
            #""type": "remote_name", "domain": ".Example.org.""#,
            #""type": "remote_name", "domain": " mx.example.org ""#,
            #""type": "sender_literal", "sender": "A@Example.org.""#, #""type": "sender_literal", "sender": "j.doe""#,
            #""type": "sender_literal", "sender": "o'neil@example.org""#,
            #""type": "helo_name", "domain": "192.0.2.1""#,
            #""type": "sender_literal", "sender": "u@[192.0.2.1]""#,
            #""type": "ipv4_net", "net": "192.0.2.0/255.255.255.0""#,
            #""type": "sender_literal", "sender": "u@[IPv6:2001:db8::1]""#,
        ])
    func plain(members: String) throws {
        let read = try whitelist("{l: [{\(members)}]}")
        #expect(read.entries.count == 1)
        #expect(read.notes + read.skipped == [])
    }

    @Test(
        "what could never match is refused with what to write",
        arguments: [
            (
                #""type": "ipv4_net", "net": "192.0.2.1-192.0.2.9""#,
                "write its networks, an entry each: 192.0.2.1/32, 192.0.2.2/31, 192.0.2.4/30, 192.0.2.8/31"
            ),
            (#""type": "ipv4_net", "net": "192.0.2.0 - 192.0.2.255""#, "an entry each: 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2.4-7""#, "an entry each: 192.0.2.4/30"),
            (#""type": "ipv6_net", "net": "2001:db8::-2001:db8::f""#, "an entry each: 2001:db8::/124"),
            (#""type": "ipv4_net", "net": "192.0.2.1, 192.0.2.2""#, "write an entry each: 192.0.2.1, 192.0.2.2"),
            (#""type": "ipv4_net", "net": "192.0.2.0/0.0.0.255""#, "inverted one: write 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.0.2""#, "write 192.0.2.0/24"),
            (#""type": "ipv4_net", "net": "192.000.002.001""#, "an octet has no leading zeros"),
            (#""type": "ipv4_net", "net": "mx.example.org""#, "for which the type is remote_name"),
            (#""type": "ipv4_net", "net": "a@b.example""#, "for which the type is sender_literal or recipient_literal"),
            (#""type": "remote_name", "domain": "192.0.2.0/24""#, "for which the type is ipv4_net or ipv6_net"),
            (#""type": "remote_name", "domain": "2001:db8::1""#, "for which the type is ipv4_net or ipv6_net"),
            (#""type": "remote_name", "domain": "192.0.2.1""#, "for which the type is ipv4_net or ipv6_net"),
            (#""type": "remote_name", "domain": "a@b.example""#, "is a mail address, for which the type is"),
            (#""type": "remote_name", "domain": "@b.example""#, "is a mail address, for which the type is"),
            (#""type": "sender_domain", "domain": "a@b.example""#, "for which the type is sender_literal"),
            (#""type": "recipient_domain", "domain": "192.0.2.1""#, "for which the type is ipv4_net"),
            (#""type": "recipient_domain", "domain": ".192.0.2.0-24""#, "for which the type is ipv4_net"),
            (#""type": "sender_domain", "domain": "*.192.0.2.1""#, "for which the type is ipv4_net"),
            (#""type": "remote_name", "domain": "mx*.example.org""#, #"write "example.org""#),
            (#""type": "remote_name", "domain": "mx*.example.org""#, "(type remote_regex)"),
            (#""type": "remote_name", "domain": "example.*""#, "a * stands for nothing here"),
            (#""type": "remote_name", "domain": "^mx\\.example\\.org$""#, "(type remote_regex)"),
            (#""type": "remote_name", "domain": "/mx/""#, "(type remote_regex)"),
            (#""type": "remote_name", "domain": "a.example b.example""#, "write an entry each: a.example, b.example"),
            (#""type": "remote_name", "domain": "a.example;b.example""#, "write an entry each: a.example, b.example"),
            (#""type": "remote_name", "domain": "!a.example""#, "a ! means nothing here"),
            (#""type": "remote_name", "domain": "mx.example.1""#, "no client's name ends in a number"),
            (#""type": "remote_name", "domain": "a\u00a0b.example""#, "is not a domain name"),
            (#""type": "remote_name", "domain": "a\u202eb.example""#, "is not a domain name"),
            (#""type": "sender_literal", "sender": "a@b.example,c@d.example""#, "write an entry each"),
            (#""type": "sender_literal", "sender": "192.0.2.1""#, "address or network, for which the type is"),
            (#""type": "sender_literal", "sender": "192.0.2.0/24""#, "for which the type is ipv4_net"),
            (#""type": "sender_literal", "sender": "*""#, "is every address"),
            (#""type": "sender_literal", "sender": "<>""#, #"{"type": "attribute", "name": "sender", "matches": ""}"#),
            (#""type": "sender_literal", "sender": "@.example.org""#, "for which the type is sender_domain"),
            (#""type": "sender_literal", "sender": "*@*.example.org""#, "for which the type is sender_domain"),
            (#""type": "recipient_literal", "recipient": ".example.org""#, "for which the type is recipient_domain"),
            (#""type": "recipient_literal", "recipient": "u*@example.org""#, "(type recipient_regex)"),
            (#""type": "recipient_literal", "recipient": "u@a..b""#, "what follows the @ is not a domain"),
        ])
    func refused(members: String, remedy: String) throws {
        let read = try whitelist("{l: [{\(members)}]}")
        #expect(read.entries == [])
        #expect(read.skipped.count == 1)
        #expect(read.skipped.first?.contains(remedy) == true, "\(read.skipped)")
    }

    @Test("names that hide something are taken, with a note in which they don't")
    func hiddenNames() throws {
        let entry = #"{"type": "helo_name", "domain": "a.b", "name": "x\u202ey", "comment": "\u200b"}"#
        let read = try whitelist(#"{"l\u2066": [\#(entry)]}"#)
        #expect(read.entries.count == 1 && read.notes.count == 3)
        #expect(read.notes.contains { $0.contains(#"the name "x\u202ey" has characters that can't be seen"#) })
        #expect(read.notes.contains { $0.contains(#"the name of the list "l\u2066" has"#) })
        #expect(read.notes.allSatisfy { !$0.unicodeScalars.contains("\u{202e}") })
    }

    @Test("a label has at most 63 bytes")
    func longLabel() throws {
        let label = String(repeating: "a", count: 64)
        let read = try whitelist(#"{l: [{"type": "remote_name", "domain": "\#(label).example"}]}"#)
        #expect(read.skipped.first?.contains("longer than 63 bytes") == true, "\(read)")
        let fits = try whitelist(#"{l: [{"type": "remote_name", "domain": "\#(label.dropLast()).example"}]}"#)
        #expect(fits.entries.count == 1)
    }

    @Test(
        "lines of postgrey's lists",
        arguments: [
            (WhitelistDocument.Form.postgreyClients, "*.example.org", "name example.org", "all names below it"),
            (.postgreyClients, "192.0.2.*", "client 192.0.2.0/24", "taken as 192.0.2.0/24"),
            (.postgreyClients, "10.1.*", "client 10.1.0.0/16", "taken as 10.1.0.0/16"),
            (.postgreyClients, "192.0.2.0 255.255.255.0", "client 192.0.2.0/24", "taken as"),
            (.postgreyClients, "2001:db8:1:2::215/32", "client 2001:db8::/32", "has host bits set"),
            (.postgreyClients, "::ffff:192.0.2.0/120", "client 192.0.2.0/24", "taken as"),
            (.postgreyClients, "[192.0.2.1]", "client 192.0.2.1/32", "taken as"),
            (.postgreyRecipients, "<a@b.example>", "recipient a@b.example", "taken as"),
            (.postgreyRecipients, "*@b.example", "recipient @b.example", "taken as"),
            (.postgreyRecipients, "*.b.example", "recipient in b.example", "all names below it"),
            (.postgreyRecipients, "mailto:a@b.example", "recipient a@b.example", "taken as"),
        ])
    func takenLines(form: WhitelistDocument.Form, line: String, entry: String, note: String) throws {
        let read = try whitelist("\(line)\n", form)
        #expect(read.skipped.isEmpty)
        #expect(read.entries == ["/wl:1 \(entry)"])
        #expect(read.notes.count == 1 && read.notes[0].contains(note), "\(read.notes)")
    }

    @Test(
        "lines of postgrey's lists that can't be taken",
        arguments: [
            (WhitelistDocument.Form.postgreyClients, "192.0.2.1-192.0.2.2", "192.0.2.1/32, 192.0.2.2/32"),
            (.postgreyClients, "192.0.2.1 - 192.0.2.2", "192.0.2.1/32, 192.0.2.2/32"),
            (.postgreyClients, "192.0.2.0/24 permit", "write only 192.0.2.0/24 (a comment begins with #)"),
            (.postgreyClients, "mx.example.org OK", "write only mx.example.org"),
            (.postgreyClients, "mx.example.org // ours", "write only mx.example.org"),
            (.postgreyClients, "192.0.2.1, 192.0.2.2", "write a line each: 192.0.2.1, 192.0.2.2"),
            (.postgreyClients, "postmaster@example.org", "belongs in a list of recipients"),
            (.postgreyClients, "mx*.example.org", "between slashes (/.../)"),
            (.postgreyRecipients, "192.0.2.1", "belongs in a list of clients"),
            (.postgreyRecipients, "192.0.2.0/24", "belongs in a list of clients"),
            (.postgreyRecipients, "whitelist_from *@example.org", "write only *@example.org"),
            (.postgreyRecipients, "a@b.example, c@d.example", "write a line each: a@b.example, c@d.example"),
            (.postgreyRecipients, "a@b.example;c@d.example", "write an entry each: a@b.example, c@d.example"),
            (.postgreyRecipients, "@.b.example", #"write "b.example""#),
        ])
    func refusedLines(form: WhitelistDocument.Form, line: String, remedy: String) throws {
        let read = try whitelist("\(line)\n", form)
        #expect(read.entries == [])
        #expect(read.skipped.count == 1)
        #expect(read.skipped.first?.contains(remedy) == true, "\(read.skipped)")
    }

    @Test("one of postgrey's lists given as the other is noticed as a whole")
    func wrongList() throws {
        let clients = (1...200).map { "192.0.2.\($0)\nmx\($0).example.org\n/^out\($0)/\n" }.joined()
        let asRecipients = try whitelist(clients, .postgreyRecipients)
        #expect(asRecipients.entries == [])
        #expect(asRecipients.skipped.count == 1)
        #expect(asRecipients.skipped.first?.contains("name it as postgrey-clients://") == true)

        let asClients = try whitelist("postmaster@\nabuse@\nexample.org\n", .postgreyClients)
        #expect(asClients.entries == [])
        #expect(asClients.skipped.count == 1)
        #expect(asClients.skipped.first?.contains("name it as postgrey-recipients://") == true)

        let json = try whitelist("\n{\"l\": []}\n", .postgreyClients)
        #expect(json.skipped == ["/wl was skipped: it is JSON: name it as file:// (in a directory: NAME.json)"])
        #expect(throws: WhitelistError.self) { try whitelist("mx.example.org\n192.0.2.1\n") }
        // A list with lines of its own is the right one.
        #expect(try whitelist("192.0.2.1\n192.0.2.2\na@b.example\n", .postgreyRecipients).entries.count == 1)
    }
}
