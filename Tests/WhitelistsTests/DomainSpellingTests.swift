import Testing

@testable import Whitelists

/// Names beyond ASCII in both spellings.
struct DomainSpellingTests {
    @Test(
        "an entry matches both spellings, whichever it has",
        arguments: ["Bücher.example", "xn--bcher-kva.example", "BÜCHER.example", "bücher。example"])
    func domains(text: String) throws {
        let domain = try #require(Domain(text))
        for name in ["bücher.example", "XN--Bcher-Kva.example.", "mx.xn--bcher-kva.example"] {
            let whitelist = WhitelistTests.whitelist([("it", .senderDomain(domain))])
            #expect(try WhitelistTests.location(in: whitelist, ["sender": "u@\(name)"]) == "it", "\(name)")
        }
        let literal = try #require(AddressLiteral("u@\(text)"))
        for name in ["bücher.example", "xn--bcher-kva.example"] {
            let whitelist = WhitelistTests.whitelist([("it", .recipient(literal))])
            #expect(try WhitelistTests.location(in: whitelist, ["recipient": "u@\(name)"]) == "it", "\(name)")
            let slow = WhitelistTests.whitelist([("it", .not(.not(.recipient(literal))))])
            #expect(try WhitelistTests.location(in: slow, ["recipient": "u@\(name)"]) == "it", "\(name)")
        }
        #expect(
            try WhitelistTests.location(
                in: WhitelistTests.whitelist([("it", .clientName(domain))]), ["client_name": "xn--bcher-kva.example"])
                == "it")
        #expect(
            try WhitelistTests.location(
                in: WhitelistTests.whitelist([("it", .clientName(domain))]), ["client_name": "bcher.example"]) == nil)
    }

    @Test(
        "no name",
        arguments: [
            "bu\u{308}cher.example", "a\u{200b}b.example", "a\u{202e}b.example", "a\u{a0}b.example", "→.example",
        ])
    func refused(text: String) {
        #expect(Domain(text) == nil)
    }
}
