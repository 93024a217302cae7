import Testing

@testable import Greylist

/// What postgrey makes its digests of; `PostgreyDirectoryTests` compares them with those of the real one.
struct PostgreyTextsTests {
    private static let usual = PostgreyKeyForm.network(ipv4: 24, ipv6: 64)

    static let texts: [(client: String, sender: String, recipient: String, text: String, clientText: String)] = [
        ("192.0.2.7", "A@X.org", "U@Y.org", "192.0.2.0/a@x.org/u@y.org", "192.0.2.7"),
        (
            "2001:db8:1:2:0:a:0:abcd", "", "r@y.org", "2001:db8:1:2:0:0:0:0//r@y.org", "2001:DB8:1:2:0:A:0:ABCD"
        ),
        ("192.0.2.7", "a+b+c@x", "u+v@y", "192.0.2.0/a@x/u+v@y", "192.0.2.7"),
        ("192.0.2.7", "a-12-b34-56@x7", "u7@y", "192.0.2.0/a-#-b34-#@x7/u7@y", "192.0.2.7"),
        ("192.0.2.7", "1_2.3é4@x", "u@y", "192.0.2.0/1_2.#é#@x/u@y", "192.0.2.7"),
        // Without an `@` nothing is cleaned, and the first one counts.
        ("192.0.2.7", "prvs=a=b+5", "u@y", "192.0.2.0/prvs=a=b+5/u@y", "192.0.2.7"),
        ("192.0.2.7", "5@6@x", "u@y", "192.0.2.0/#@6@x/u@y", "192.0.2.7"),
        ("192.0.2.7", "a@", "u", "192.0.2.0/a@/u", "192.0.2.7"),
        ("192.0.2.7", "a/b@x.", "u/v@y.", "192.0.2.0/a/b@x./u/v@y.", "192.0.2.7"),
        // The tags of BATV
        ("192.0.2.7", "prvs=0123456789=bob@x", "u@y", "192.0.2.0/bob@x/u@y", "192.0.2.7"),
        ("192.0.2.7", "prvs=bob=0123456789@x", "u@y", "192.0.2.0/bob@x/u@y", "192.0.2.7"),
        ("192.0.2.7", "prvs=bob=jim@x", "u@y", "192.0.2.0/jim@x/u@y", "192.0.2.7"),
        ("192.0.2.7", "prvs=0123456789=abcdefghij@x", "u@y", "192.0.2.0/abcdefghij@x/u@y", "192.0.2.7"),
        ("192.0.2.7", "prvs=0123456789=bob==@x", "u@y", "192.0.2.0/bob@x/u@y", "192.0.2.7"),
        ("192.0.2.7", "prvs=0123456789=@x", "u@y", "192.0.2.0/prvs=#=@x/u@y", "192.0.2.7"),
        ("192.0.2.7", "prvs=a=b=c@x", "u@y", "192.0.2.0/prvs=a=b=c@x/u@y", "192.0.2.7"),
        ("192.0.2.7", "prvs=@x", "u@y", "192.0.2.0/prvs=@x/u@y", "192.0.2.7"),
    ]

    private static func texts(
        _ form: PostgreyKeyForm, _ client: String, _ sender: String, _ recipient: String
    ) -> (triplet: String, client: String) {
        var envelope = Envelope()
        envelope.fill(client, sender, recipient)
        return envelope.readPostgreyTexts(form) { (String(copying: $0), String(copying: $1)) }
    }

    @Test(arguments: texts)
    func areMadeAsPostgreyMakesThem(
        _ client: String, _ sender: String, _ recipient: String, _ text: String, _ clientText: String
    ) {
        let texts = Self.texts(Self.usual, client, sender, recipient)
        #expect(texts.triplet == text)
        #expect(texts.client == clientText)
    }

    @Test func aLongValueIsCut() {
        let (sender, recipient) = (String(repeating: "s", count: 600), String(repeating: "r", count: 600))
        let text = Self.texts(Self.usual, "192.0.2.7", sender, recipient).triplet
        #expect(text == "192.0.2.0/\(sender.prefix(512))/\(recipient.prefix(512))")
    }

    @Test func clientsAreCutAsPostgreyWasTold() {
        let wide = PostgreyKeyForm.network(ipv4: 20, ipv6: 32)
        #expect(Self.texts(wide, "192.0.47.7", "", "u").triplet == "192.0.32.0//u")
        #expect(Self.texts(wide, "2001:db8:1::1", "", "u").triplet == "2001:db8:0:0:0:0:0:0//u")
        #expect(Self.texts(.host, "192.0.2.7", "", "u").triplet == "192.0.2.7/32//u")
        #expect(Self.texts(.host, "2001:db8::ABCD", "", "u").triplet == "2001:db8:0:0:0:0:0:abcd/128//u")
    }

    @Test func theFormIsReadFromAText() throws {
        #expect(try PostgreyKeyForm.parse("") == nil)
        #expect(try PostgreyKeyForm.parse("24/64") == Self.usual)
        #expect(try PostgreyKeyForm.parse("host") == .host)
        for text in ["24", "24/64/1", "33/64", "24/129", "-1/64", "a/b", "Host"] {
            let error = #expect(throws: PostgreyKeyForm.ParseError.self) { try PostgreyKeyForm.parse(text) }
            #expect(error?.description.hasPrefix("\"\(text)\" is neither") == true)
        }
    }
}
