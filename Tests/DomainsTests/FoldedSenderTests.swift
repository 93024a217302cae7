import Testing

@testable import Domains

@Suite("Senders of shared identities, folded")
struct FoldedSenderTests {
    private static let recipient = "user@example.com"

    private func folded(_ sender: String, _ recipient: String = recipient) throws -> String {
        var identity = NamedIdentity()
        try identity.find("192.0.2.7", name: "", helo: "", sender: sender, in: try Lists.organisations())
        return identity.folded(sender, recipient: recipient)
    }

    @Test(
        "two mails of one sender have one key",
        arguments: [
            // SES: https://docs.aws.amazon.com/ses, headers archived on lore.kernel.org
            (
                "0101018b90a225ab-60f4ccc1-3418-4179-94fc-465cacb614ba-000000@us-west-2.amazonses.com",
                "0101018aad4aeac9-979372cc-4285-4ace-8325-1abf1880235d-000000@us-west-2.amazonses.com",
                "#-#-#-#-#-#-#@us-west-#.amazonses.com"
            ),
            // Mailchimp: a log of postfix-users
            (
                "bounce-mc.us9_36270041.733397-user=example.com@mail209.atl81.rsgsv.net",
                "bounce-mc.us9_36270041.812345-user=example.com@mail7.suw13.rsgsv.net",
                nil
            ),
            (
                "bounce-mc.us9_36270041.733397-user=example.com@mail209.atl81.rsgsv.net",
                "bounce-mc.us9_36270041.812345-user=example.com@mail7.atl16.rsgsv.net",
                "bounce-mc.us9_#.#-RCPT@mail#.atl#.rsgsv.net"
            ),
            // Mandrill: headers archived on lore.kernel.org, postgrey's pull request 64
            (
                "bounce-md_31050260.5b3c67ff.v1-e1824fccfcec43ccb1262cb199269b92@mandrillapp.com",
                "bounce-md_31050260.5cd06cee.v1-f8d245da4ae841b3af7ef1de2104dc03@mandrillapp.com",
                "bounce-md_#.#.v1-#@mandrillapp.com"
            ),
            // Mailjet: headers archived on lore.kernel.org
            (
                "4b5c6132.AVMAACV-6GkAAckX6tYAAM5Eez0AAYCsxc8AndYRABIoIQBlCbSN@a1189921.bnc3.mailjet.com",
                "e2cffb1f.AVQAAGONVc8AAAAAAAAAA9cBm3sAAYKJZwAAAAAAAC5ATwBnwHd4@a3031119.bnc3.mailjet.com",
                "#@a#.bnc#.mailjet.com"
            ),
            // Constant Contact: headers in public test data
            (
                "AigXeKlyIRLG+DvWkRMsGUA==_1133104752381_sUQcUKVBEeynm/oWPlvDBA==@in.constantcontact.com",
                "A1vDek4EQTvi/Ni3KEd62sg==_1103304917473_t+iblfa0Ee+fkPowPMT8pw==@in.constantcontact.com",
                "#@in.constantcontact.com"
            ),
            // SendGrid: https://support.sendgrid.kke.co.jp
            (
                "bounces+1234567-ab12-user=example.com@sendgrid.net",
                "bounces+7654321-cd34-user=example.com@sendgrid.net",
                "bounces@sendgrid.net"
            ),
            // Google: headers archived on lore.kernel.org
            (
                "3nhx8XgYKAMEzh05h0nvvnsl.jvt@flex--satyat.bounces.google.com",
                "3opM6YQgKCsM53qjx21qpxxpun.lxvznv3-mn4nuwxwpw3.x0p@flex--satyat.bounces.google.com",
                "#@flex--satyat.bounces.google.com"
            ),
            // Google Groups: Return-Path headers archived on lore.kernel.org
            (
                "kasan-dev+bncBC447XVYUEMRB5XBX6BQMGQED43SS2I@googlegroups.com",
                "kasan-dev+bncBDW2JDUY5AORBN7BZDEQMGQEPTPAUVA@googlegroups.com", "kasan-dev@googlegroups.com"
            ),
            // Salesforce puts the sender there: https://help.salesforce.com/articleView?id=000250391
            (
                "bob=firm.example__0-1a2b3c4d5e6f7a8b@x.bnc.salesforce.com",
                "bob=firm.example__0-9b8a7f6e5d4c3b2a@x.bnc.salesforce.com",
                "bob=firm.example__#-#@x.bnc.salesforce.com"
            ),
            // A UUID with a group of letters only.
            (
                "b-01234567-abcd-4bad-8fee-0123456789ab@sendgrid.net",
                "b-76543210-beef-4fed-8abe-ba9876543210@sendgrid.net",
                "b-#-#-#-#-#@sendgrid.net"
            ),
            // BATV, SRS
            ("prvs=1234abcdef=bob@gmail.com", "prvs=5678fedcba=bob@gmail.com", "bob@gmail.com"),
            (
                "SRS0=abcd=xy=example.org=bob@gmail.com", "SRS0=EfGh=zw=example.org=bob@gmail.com",
                "example.org=bob@gmail.com"
            ),
            (
                "SRS1=abcd=fwd.example==efgh=xy=example.org=bob@gmail.com", "SRS0=efgh=xy=example.org=bob@gmail.com",
                "example.org=bob@gmail.com"
            ),
            ("bob+newsletter@gmail.com", "Bob@Gmail.com", "bob@gmail.com"),
        ])
    func same(one: String, other: String, key: String?) throws {
        let first = try folded(one)
        if let key {
            #expect(first == key)
            #expect(try folded(other) == key)
        } else {
            #expect(try folded(other) != first)
        }
    }

    @Test(
        "people stay apart",
        arguments: [
            "abe@gmail.com", "ed2@gmail.com", "decade@gmail.com", "f16.bad@gmail.com", "deadbeef@gmail.com",
            "123456789@qq.com", "+491701234567@gmx.net", "13800138000@139.com", "user2@gmail.com",
            "johnsmithsupplies2024@gmail.com", "a-b-c@gmail.com", "jean-luc.picard@orange.fr", "user_example@gmail.com",
            "bücher@gmail.com", "cafe-bar@gmail.com", "a.b-beef@gmail.com",
        ])
    func people(sender: String) throws {
        #expect(try folded(sender) == (sender.hasPrefix("+") ? "@gmx.net" : sender))
    }

    @Test(
        "the recipient is found in all forms",
        arguments: [
            ("b-user=example.com@sendgrid.net", "b-RCPT@sendgrid.net"),
            ("user=example.com@sendgrid.net", "RCPT@sendgrid.net"),
            ("b.user=example.com.x@sendgrid.net", "b.RCPT.x@sendgrid.net"),
            ("b-user==example.com@sendgrid.net", "b-RCPT@sendgrid.net"),
            // X: postgrey's issue 107
            ("n01361f1607-0fe582ccfc934393-user===example.com@sendgrid.net", "n01361f1607-#-RCPT@sendgrid.net"),
            // Brevo: headers archived by SourceForge
            ("bounces-7d623-user=example.com@hs.d.sender-sib.com", "bounces-7d623-RCPT@hs.d.sender-sib.com"),
            ("1234.user=example.com.99@sendgrid.net", "#.RCPT.#@sendgrid.net"),
            // Others are no recipient.
            ("b-xuser=example.com@sendgrid.net", "b-xuser=example.com@sendgrid.net"),
            ("b-user=example.community@sendgrid.net", "b-user=example.community@sendgrid.net"),
            ("b-user=example.org@sendgrid.net", "b-user=example.org@sendgrid.net"),
            ("b-user-example.com@sendgrid.net", "b-user-example.com@sendgrid.net"),
            ("b-user====example.com@sendgrid.net", "b-user====example.com@sendgrid.net"),
            ("b-userexample.com@sendgrid.net", "b-userexample.com@sendgrid.net"),
            ("b-user=@sendgrid.net", "b-user=@sendgrid.net"), ("user@sendgrid.net", "user@sendgrid.net"),
        ])
    func recipients(sender: String, key: String) throws {
        #expect(try folded(sender) == key)
    }

    @Test("a recipient with numbers is found before these are folded, and one without a domain nowhere")
    func oddRecipients() throws {
        #expect(try folded("b-2024.info=example.com@sendgrid.net", "2024.info@example.com") == "b-RCPT@sendgrid.net")
        #expect(try folded("b-user@sendgrid.net", "user") == "b-user@sendgrid.net")
        #expect(try folded("b@sendgrid.net", "@example.com") == "b@sendgrid.net")
        #expect(try folded("b-a@b=example.com@sendgrid.net", "a@b@example.com") == "b-RCPT@sendgrid.net")
        #expect(try folded("@sendgrid.net") == "@sendgrid.net")
    }

    @Test("the null sender is known by the HELO name")
    func nullSender() throws {
        var identity = NamedIdentity()
        try identity.find(
            "192.0.2.7", name: "", helo: "mail-ej1-f49.google.com", sender: "", in: try Lists.organisations())
        #expect(identity.folded("", recipient: "") == "@mail-ej#-f#.google.com")
    }
}
