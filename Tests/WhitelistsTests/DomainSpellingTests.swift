import Testing

@testable import Whitelists

/// Names beyond ASCII in both spellings; the samples are those of RFC 3492, section 7.1, and of Unicode's TR 46.
struct DomainSpellingTests {
    static let labels: [(String, String)] = [
        ("bücher", "bcher-kva"), ("ü", "tda"), ("straße", "strae-oqa"), ("παράδειγμα", "hxajbheg2az3al"),
        ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"), ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
        ("なぜみんな日本語を話してくれないのか", "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"),
        ("porquénopuedensimplementehablarenespañol", "porqunopuedensimplementehablarenespaol-fmd56a"),
        ("3年b組金八先生", "3b-ww4c5e180e575a65lsy2b"), ("☃", "n3h"),
    ]

    @Test(arguments: labels)
    func bothWays(label: String, ascii: String) {
        #expect(Punycode.encode(label.unicodeScalars) == Array(ascii.utf8))
        #expect(Punycode.decode(Array(ascii.utf8)).map { String($0) } == label)
    }

    @Test(arguments: ["", "a-", "-", "99999999", "é", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "A"])
    func whatIsNoneDoesNoHarm(text: String) {
        _ = Punycode.decode(Array(text.utf8))
        #expect(Punycode.decode(Array(String(repeating: "9", count: 64).utf8)) == nil)
        #expect(Punycode.encode(String(repeating: "ü", count: 64).unicodeScalars) == nil)
    }

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
