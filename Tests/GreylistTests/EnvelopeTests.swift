import Greylist
import SampleOptions
import Testing

/// Under which text a triplet is kept.
struct EnvelopeTests {
    static let triplets: [(client: String, sender: String, recipient: String, text: String)] = [
        ("192.0.2.7", "a@example.org", "u@example.com", "192.0.2.0/24/a@example.org/u@example.com"),
        ("2001:db8:1:2::3", "a@b", "u@c", "2001:db8:1::/48/a@b/u@c"),
        ("::ffff:192.0.2.7", "a@b", "u@c", "192.0.2.0/24/a@b/u@c"),
        ("192.0.2.7", "", "R@X.org", "192.0.2.0/24//r@x.org"),
        ("192.0.2.7", "A@EXAMPLE.Org", "U+Ext@C", "192.0.2.0/24/a@example.org/u+ext@c"),
        // Extensions
        ("192.0.2.7", "user+ext@b", "u@c", "192.0.2.0/24/user@b/u@c"),
        ("192.0.2.7", "user+a+b@b", "u@c", "192.0.2.0/24/user@b/u@c"),
        ("192.0.2.7", "+ext@b", "u@c", "192.0.2.0/24/@b/u@c"),
        // BATV
        ("192.0.2.7", "prvs=0123abcdef=user@b", "u@c", "192.0.2.0/24/user@b/u@c"),
        ("192.0.2.7", "PRVS=0123ABCDEF=User@b", "u@c", "192.0.2.0/24/user@b/u@c"),
        ("192.0.2.7", "prvs=user=0123abcdef@b", "u@c", "192.0.2.0/24/user@b/u@c"),
        ("192.0.2.7", "prvs=0123abcdef=user+ext@b", "u@c", "192.0.2.0/24/user@b/u@c"),
        ("192.0.2.7", "prvs=0123abcdef@b", "u@c", "192.0.2.0/24/prvs=0123abcdef@b/u@c"),
        ("192.0.2.7", "prvs=0123abcdef=@b", "u@c", "192.0.2.0/24/prvs=0123abcdef=@b/u@c"),
        ("192.0.2.7", "prvs==x@b", "u@c", "192.0.2.0/24/prvs==x@b/u@c"),
        ("192.0.2.7", "prvs=@b", "u@c", "192.0.2.0/24/prvs=@b/u@c"),
        ("192.0.2.7", "prv@b", "u@c", "192.0.2.0/24/prv@b/u@c"),
        ("[192.0.2.7]", "a@b", "u@c", "192.0.2.0/24/a@b/u@c"),
        ("[IPv6:2001:db8:1:2::3]", "a@b", "u@c", "2001:db8:1::/48/a@b/u@c"),
        // Final dots
        ("192.0.2.7", "a@s.example.", "bob@Example.Org.", "192.0.2.0/24/a@s.example/bob@example.org"),
        ("192.0.2.7", "a@b..", "u@c.d", "192.0.2.0/24/a@b./u@c.d"),
        ("192.0.2.7", "a.@.", "u.", "192.0.2.0/24/a.@./u."),
        // Numbers
        ("192.0.2.7", "list-12345-owner@b", "u@c", "192.0.2.0/24/list-#-owner@b/u@c"),
        ("192.0.2.7", "bounce-1-22.333@b4.net", "u@c", "192.0.2.0/24/bounce-#-#.#@b4.net/u@c"),
        ("192.0.2.7", "user123@b", "u@c", "192.0.2.0/24/user123@b/u@c"),
        ("192.0.2.7", "a_123@b", "u@c", "192.0.2.0/24/a_123@b/u@c"),
        ("192.0.2.7", "42@b", "u@c", "192.0.2.0/24/#@b/u@c"),
        ("192.0.2.7", "x-5=y@b", "u@c", "192.0.2.0/24/x-#=y@b/u@c"),
        ("192.0.2.7", "ü42-7@b", "u@c", "192.0.2.0/24/ü42-#@b/u@c"),
        // No domain, or more than one @
        ("192.0.2.7", "daemon", "u@c", "192.0.2.0/24/daemon/u@c"),
        ("192.0.2.7", "a@b@c+d", "u@c", "192.0.2.0/24/a@b@c+d/u@c"),
        ("192.0.2.7", "a+x@b@c", "u@c", "192.0.2.0/24/a@c/u@c"),
        ("192.0.2.7", "@", "u", "192.0.2.0/24/@/u"),
    ]

    @Test(arguments: triplets)
    func isKeptUnder(_ client: String, _ sender: String, _ recipient: String, _ text: String) {
        var envelope = Envelope()
        envelope.fill(client, sender, recipient)
        #expect(envelope.triplet == text)
    }

    @Test func isUsedAgainWithoutTraces() {
        var envelope = Envelope()
        envelope.fill("2001:db8::1", "a-long-sender@example.org", "a-long-recipient@example.com")
        envelope.fill("192.0.2.7", "a@b", "u@c")
        #expect(envelope.triplet == "192.0.2.0/24/a@b/u@c")
        #expect(envelope.networkText == "192.0.2.0/24")
    }

    @Test(arguments: ["", "unknown", "192.0.2", "[192.0.2.7"])
    func needsAnAddress(_ client: String) {
        var envelope = Envelope()
        let empty: [UInt8] = []
        let isAddressed = envelope.address(
            client: Array(client.utf8).span, sender: empty.span, recipient: empty.span, masks: PrefixLengths.sample())
        #expect(!isAddressed)
    }

    @Test func followsTheMasks() {
        var envelope = Envelope()
        envelope.fill("192.0.2.7", "a@b", "u@c", PrefixLengths.sample(ipv4: 32, ipv6: 64))
        #expect(envelope.networkText == "192.0.2.7/32")
        envelope.fill("2001:db8:1:2:3::4", "a@b", "u@c", PrefixLengths.sample(ipv4: 32, ipv6: 64))
        #expect(envelope.networkText == "2001:db8:1:2::/64")
    }
}

extension Envelope {
    var triplet: String {
        mutating get { readKeys { triplet, _, _, _ in String(copying: triplet) } }
    }

    var networkText: String {
        mutating get { readKeys { _, _, _, network in String(copying: network) } }
    }

    mutating func fill(
        _ client: String, _ sender: String, _ recipient: String, _ masks: PrefixLengths = PrefixLengths.sample(),
        foldsRecipient: Bool = false
    ) {
        let isAddressed = address(
            client: Array(client.utf8).span, sender: Array(sender.utf8).span, recipient: Array(recipient.utf8).span,
            masks: masks, foldsRecipient: foldsRecipient)
        #expect(isAddressed)
    }
}

extension String {
    init(copying bytes: Span<UInt8>) {
        self.init(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }
}
