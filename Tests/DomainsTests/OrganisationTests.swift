import Testing

@testable import Domains

@Suite("The organisation of a domain")
struct OrganisationTests {
    @Test(
        "by the public suffix list",
        arguments: [
            ("example.org", "example.org"), ("mx.example.org", "example.org"), ("a.b.c.example.co.uk", "example.co.uk"),
            ("MX.Example.ORG.", "example.org"), ("co.uk", "co.uk"), ("uk", "uk"), ("localhost", "localhost"),
            // The private section: a name for each customer.
            ("mail.alice.github.io", "alice.github.io"), ("github.io", "github.io"),
            // A wildcard, and its exception.
            ("mx.shop.x.ck", "shop.x.ck"), ("www.ck", "www.ck"), ("mx.www.ck", "www.ck"),
            ("ec2-192-0-2-7.eu-west-1.compute.amazonaws.com", "ec2-192-0-2-7.eu-west-1.compute.amazonaws.com"),
            // No rule: the last label.
            ("mx.host.nosuchtld", "host.nosuchtld"),
            // Beyond ASCII, as the DNS has it.
            ("mx.bücher.example", "xn--bcher-kva.example"), ("mx.例.公司.cn", "xn--fsq.xn--55qx5d.cn"),
            ("mx.xn--fsq.xn--55qx5d.cn", "xn--fsq.xn--55qx5d.cn"),
            ("_dmarc.example.org", "example.org"),
            // Address literals are their own.
            ("[192.0.2.1]", "[192.0.2.1]"), ("[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"),
        ])
    func suffixes(domain: String, organisation: String) throws {
        let organisations = try Lists.organisations("")
        #expect(organisations.name(of: domain) == organisation)
    }

    @Test(
        "what is not a domain has none",
        arguments: [
            "", ".", "..", "a..b", ".example.org", "exam ple.org", "a@b.example", "192.0.2.1", "example.1", "[]", "[x",
            "a\u{0}b.example", "b\u{202e}d.example", "x/y.example", String(repeating: "a", count: 64) + ".example",
            String(repeating: "a.", count: 130) + "example", String(repeating: "é", count: 2_000) + ".example",
        ])
    func malformed(domain: String) throws {
        #expect(try Lists.organisations("").organisation(of: Array(domain.utf8)) == nil)
    }

    @Test("bytes that are not UTF-8 are no domain")
    func invalidText() throws {
        #expect(try Lists.organisations("").organisation(of: [0xff, 0x2e, 0x63, 0x6f, 0x6d]) == nil)
    }

    @Test("of a name with very many labels the last ones count")
    func manyLabels() throws {
        let name = String(repeating: "a.", count: 118) + "example.co.uk"
        #expect(name.utf8.count == 249)
        #expect(try Lists.organisations("").organisation(of: Array(name.utf8)) == Array("example.co.uk".utf8))
    }

    @Test(
        "tenant suffixes count like public ones, and the longest counts",
        arguments: [
            ("contoso.onmicrosoft.com", "contoso.onmicrosoft.com"),
            ("a.contoso.onmicrosoft.com", "contoso.onmicrosoft.com"),
            ("onmicrosoft.com", "onmicrosoft.com"), ("mail.onmicrosoft.com", "mail.onmicrosoft.com"),
            ("contoso.mail.onmicrosoft.com", "contoso.mail.onmicrosoft.com"),
            ("a.b.x.y.example.net", "b.x.y.example.net"), ("x.y.example.net", "x.y.example.net"),
            ("y.example.net", "example.net"), ("a.z.example.net", "example.net"),
            ("notonmicrosoft.com", "notonmicrosoft.com"),
            // A public suffix below a tenant suffix.
            ("a.alice.github.io", "alice.github.io"),
        ])
    func tenants(domain: String, organisation: String) throws {
        let organisations = try Lists.organisations(
            "tenant onmicrosoft.com\ntenant mail.onmicrosoft.com\ntenant x.y.example.net\ntenant github.io\n")
        #expect(organisations.name(of: domain) == organisation)
    }

    @Test("an organisation is its own, whichever rule made it one")
    func own() throws {
        let organisations = try Lists.organisations()
        let rules = try Lists.installedText().split(separator: 10).filter { $0.first != UInt8(ascii: "/") }
        let suffixes = rules.map { String(decoding: $0, as: UTF8.self).drop { "*!.".contains($0) } }
        for suffix in suffixes + organisations.shared.entries.map({ Substring($0.domain) }) {
            for name in [String(suffix), "b.\(suffix)", "a.b.\(suffix)", "x.a.b.\(suffix)"] {
                let organisation = try #require(organisations.name(of: name))
                #expect(organisations.name(of: organisation) == organisation)
            }
        }
    }

    @Test("an organisation is shared where the list says so, and only as a whole")
    func shared() throws {
        let organisations = try Lists.organisations(
            "shared gmail.com\ntenant shop.example\nshared alice.shop.example\n")
        for (name, isShared) in [
            ("gmail.com", true), ("mx.gmail.com", true), ("gmail.com.example", false), ("xgmail.com", false),
            ("alice.shop.example", true), ("bob.shop.example", false),
        ] {
            #expect(organisations.place(of: Array(name.utf8).span).isShared == isShared, "\(name)")
        }
    }
}
