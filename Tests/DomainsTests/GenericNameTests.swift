import Greylist
import Testing

@testable import Domains

@Suite("Names that providers make for lines and machines")
struct GenericNameTests {
    private static func traits(_ name: String, _ client: String) throws -> NameTraits {
        let organisations = try Lists.organisations()
        let name = Array(name.utf8)
        return NameTraits(of: name.span, organisations.place(of: name.span), client: try #require(Address(client)))
    }

    @Test(
        "with the client's address in them",
        arguments: [
            ("host-192-0-2-7.dyn.isp.example", "192.0.2.7"), ("host-192-0-2-7.isp.example", "192.0.2.7"),
            ("7.2.0.192.isp.example", "192.0.2.7"), ("ip-2-7.isp.example", "192.0.2.7"),
            ("host192.000.002.007.isp.example", "192.0.2.7"), ("ip192000002007.isp.example", "192.0.2.7"),
            ("c0000207.isp.example", "192.0.2.7"), ("p5dd9a3b4.isp.example", "93.217.163.180"),
            ("x3221225991.isp.example", "192.0.2.7"),
            // The organisation's own label counts, too.
            ("192-0-2-7.example", "192.0.2.7"),
            ("ec2-192-0-2-7.eu-west-1.compute.amazonaws.com", "192.0.2.7"),
            ("192-0-2-7.github.io", "192.0.2.7"),
            ("h20010db8000000000000000000000007.isp.example", "2001:db8::7"),
            ("2001-db8-0-1.isp.example", "2001:db8:0:1::7"),
            ("ip6-2001-0db8-0000-0001-x.isp.example", "2001:db8:0:1::7"),
            ("x-00010000.isp.example", "2001:db8:0:1::7"),
        ])
    func holdsAddress(name: String, client: String) throws {
        let traits = try Self.traits(name, client)
        #expect(traits.holdsAddress)
        #expect(traits.isGeneric)
    }

    @Test(
        "not where it is another one",
        arguments: [
            ("host-198-51-100-7.isp.example", "192.0.2.7"), ("web7.isp.example", "192.0.2.7"),
            ("v192.isp.example", "192.0.2.7"), ("h002007.isp.example", "192.0.2.7"), ("a77.isp.example", "192.0.7.7"),
            ("a7.isp.example", "192.0.7.7"),
            ("c0000208.isp.example", "192.0.2.7"), ("192-0.isp.example", "192.9.2.7"),
            ("2001-db8-0.isp.example", "2001:db8:0:1::7"), ("2001-db8--0-1.isp.example", "2001:db8:0:1::7"),
            ("2001-db8-0-x-1.isp.example", "2001:db8:0:1::7"), ("2001.db8.0.1.isp.example", "2001:db8:0:1::7"),
            ("x00000000.isp.example", "2001:db8::7"), ("0-0-0-0.isp.example", "2001:db8::7"),
            // The suffix doesn't count.
            ("mx.2-7", "192.0.2.7"), ("example", "192.0.2.7"),
        ])
    func holdsNone(name: String, client: String) throws {
        let traits = try Self.traits(name, client)
        #expect(!traits.holdsAddress)
        #expect(!traits.isGeneric)
    }

    @Test(
        "a word of a mail server left of the organisation rescues it",
        arguments: [
            ("a4-17.smtp-out.eu-west-1.amazonses.com", "54.240.4.17", "smtp"),
            ("mail-192-0-2-7.isp.example", "192.0.2.7", "mail"), ("mx-2-7.isp.example", "192.0.2.7", "mx"),
            ("outbound2-7.isp.example", "192.0.2.7", "outbound"),
            ("mail-oln040092254012.outbound.protection.outlook.com", "40.92.254.12", "mail"),
            ("mail-wm1-f50.google.com", "209.85.128.50", "mail"), ("o2-7.relay.isp.example", "192.0.2.7", "relay"),
            ("mta-2-7.sparkpostmail.com", "192.0.2.7", "mta"), ("smtp01.example.org", "192.0.2.7", "smtp"),
        ])
    func rescued(name: String, client: String, word: String) throws {
        let traits = try Self.traits(name, client)
        #expect(traits.serverWord.map { String(decoding: Array(name.utf8)[$0], as: UTF8.self) } == word)
        #expect(!traits.isGeneric)
    }

    @Test(
        "words that only look so rescue nothing",
        arguments: [
            "mailing-192-0-2-7.isp.example", "xmail-2-7.isp.example", "192-0-2-7.mail.example", "m-x-2-7.isp.example",
            "192-0-2-7.smtp.example",
        ])
    func notRescued(name: String) throws {
        let traits = try Self.traits(name, "192.0.2.7")
        #expect(traits.serverWord == nil)
        #expect(traits.isGeneric)
    }

    @Test(
        "a word of a customer's line is generic, and nothing rescues it",
        arguments: [
            "x1.dhcp.isp.example", "mail.dyn.isp.example", "smtp-192-0-2-7.pool.isp.example", "dsl123.isp.example",
            "mx.cust.isp.example", "relay.rev.isp.example", "user7.isp.example", "p1.dip0.t-ipconnect.de",
            "mail.customer.isp.example", "static.clients.isp.example",
        ])
    func dialUp(name: String) throws {
        let traits = try Self.traits(name, "192.0.2.7")
        #expect(traits.dialUpWord != nil)
        #expect(traits.isGeneric)
    }

    @Test(
        "unless it is the organisation's name, or part of another word",
        arguments: ["mail.home.pl", "v1.user.example", "dyn.example", "dynamics.example.org", "homer.example.org"])
    func notDialUp(name: String) throws {
        let traits = try Self.traits(name, "192.0.2.7")
        #expect(traits.dialUpWord == nil)
        #expect(!traits.isGeneric)
    }
}
