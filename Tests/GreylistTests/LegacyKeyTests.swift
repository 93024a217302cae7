import Greylist
import Testing

/// Under which keys an earlier version may know what comes.
///
/// The legacy texts were written by the version that first hid numbers, and are not to be changed.
struct LegacyKeyTests {
    static let triplets: [(client: String, sender: String, recipient: String, text: String, legacy: [String])] = [
        ("192.0.2.7", "a@example.org", "u@example.com", "192.0.2.0/24/a@example.org/u@example.com", []),
        (
            "192.0.2.7", "list-42-owner@example.org", "u@example.com",
            "192.0.2.0/24/list-#-owner@example.org/u@example.com",
            ["192.0.2.0/24/list-42-owner@example.org/u@example.com"]
        ),
        // Tags
        ("192.0.2.7", "PRVS=0123ABCDEF=User+x@b", "u@c", "192.0.2.0/24/user@b/u@c", []),
        ("192.0.2.7", "prvs=joe=0123abcdef@b", "u@c", "192.0.2.0/24/joe@b/u@c", []),
        (
            "192.0.2.7", "prvs=christopher=0123abcdef@b", "u@c", "192.0.2.0/24/christopher@b/u@c",
            ["192.0.2.0/24/0123abcdef@b/u@c"]
        ),
        (
            "192.0.2.7", "prvs=4451fe355=jane.doe@b", "u@c", "192.0.2.0/24/jane.doe@b/u@c",
            ["192.0.2.0/24/4451fe355@b/u@c"]
        ),
        (
            "192.0.2.7", "btv1==760cdc7c545==jane@b", "u@c", "192.0.2.0/24/jane@b/u@c",
            ["192.0.2.0/24/btv1==760cdc7c545==jane@b/u@c"]
        ),
        (
            "192.0.2.7", "msprvs1=17391mZ1xbbG7=bounces-265900-1234@b", "u@c", "192.0.2.0/24/bounces-#-#@b/u@c",
            [
                "192.0.2.0/24/msprvs1=17391mz1xbbg7=bounces-#-#@b/u@c",
                "192.0.2.0/24/msprvs1=17391mz1xbbg7=bounces-265900-1234@b/u@c",
            ]
        ),
        (
            "192.0.2.7", "SRS0=S7Ai=4B=orig.example=noc@fwd.example", "u@c",
            "192.0.2.0/24/srs0=orig.example=noc@fwd.example/u@c",
            ["192.0.2.0/24/srs0=s7ai=4b=orig.example=noc@fwd.example/u@c"]
        ),
        (
            "192.0.2.7", "SRS0=a+7i=4B=orig.example=noc-42@fwd.example", "u@c",
            "192.0.2.0/24/srs0=orig.example=noc-#@fwd.example/u@c", ["192.0.2.0/24/srs0=a@fwd.example/u@c"]
        ),
        (
            "192.0.2.7", "SRS0=S7Ai=4B=163.com=noc-7@fwd.example", "u@c",
            "192.0.2.0/24/srs0=163.com=noc-#@fwd.example/u@c",
            [
                "192.0.2.0/24/srs0=s7ai=4b=#.com=noc-#@fwd.example/u@c",
                "192.0.2.0/24/srs0=s7ai=4b=163.com=noc-7@fwd.example/u@c",
            ]
        ),
        // Separators
        (
            "192.0.2.7", "a/b-7@x", "c/d@y", #"192.0.2.0/24/a\/b-#@x/c\/d@y"#,
            ["192.0.2.0/24/a/b-#@x/c/d@y", "192.0.2.0/24/a/b-7@x/c/d@y"]
        ),
        // Final dots
        (
            "192.0.2.7", "a@s.example.", "bob@example.org.", "192.0.2.0/24/a@s.example/bob@example.org",
            ["192.0.2.0/24/a@s.example./bob@example.org."]
        ),
        (
            "192.0.2.7", "a-7@s.example.", "bob+tag@example.org.", "192.0.2.0/24/a-#@s.example/bob+tag@example.org",
            [
                "192.0.2.0/24/a-#@s.example./bob+tag@example.org.", "192.0.2.0/24/a-7@s.example./bob+tag@example.org.",
            ]
        ),
        // Networks
        ("::ffff:192.0.2.9", "a@b", "u@c", "192.0.2.0/24/a@b/u@c", []),
        ("64:ff9b::192.0.2.9", "a@b", "u@c", "192.0.2.0/24/a@b/u@c", ["64:ff9b::/48/a@b/u@c"]),
        (
            "64:ff9b::192.0.2.9", "a-7@b", "u@c", "192.0.2.0/24/a-#@b/u@c",
            ["64:ff9b::/48/a-#@b/u@c", "64:ff9b::/48/a-7@b/u@c"]
        ),
        ("64:ff9b:1:2::192.0.2.9", "a@b", "u@c", "192.0.2.0/24/a@b/u@c", ["64:ff9b:1::/48/a@b/u@c"]),
        ("::192.0.2.9", "a@b", "u@c", "192.0.2.0/24/a@b/u@c", ["::/48/a@b/u@c"]),
        ("::ffff:0:192.0.2.9", "a@b", "u@c", "192.0.2.0/24/a@b/u@c", ["::/48/a@b/u@c"]),
        ("2002:c000:209::1", "a@b", "u@c", "192.0.2.0/24/a@b/u@c", ["2002:c000:209::/48/a@b/u@c"]),
        (
            "2001:0:4136:e378:8000:63bf:3fff:fdd2", "a@b", "u@c", "192.0.2.0/24/a@b/u@c",
            ["2001:0:4136::/48/a@b/u@c"]
        ),
    ]

    @Test(arguments: triplets)
    func isLookedUpWhereItDiffers(
        _ client: String, _ sender: String, _ recipient: String, _ text: String, _ legacy: [String]
    ) {
        var envelope = Envelope()
        envelope.fill(client, sender, recipient)
        #expect(envelope.triplet == text)
        #expect(envelope.legacy == legacy)
    }

    /// The auto-whitelist has no legacy keys: what a translator's network has earned isn't a stranger's.
    @Test func theAutoWhitelistKnowsTheHostAlone() {
        var envelope = Envelope()
        envelope.fill("64:ff9b::192.0.2.9", "a@b", "u@c")
        #expect(envelope.networkText == "192.0.2.0/24")
        envelope.fill("64:ff9b::198.51.100.9", "a@b", "u@c")
        #expect(envelope.networkText == "198.51.100.0/24")
    }

    static let folded: [(sender: String, recipient: String, text: String, legacy: [String])] = [
        ("a@b", "bob@c", "a@b/bob@c", []),
        ("a@b", "Bob+Tag@C", "a@b/bob@c", ["a@b/bob+tag@c"]),
        ("a@b", "bob+x+y@c", "a@b/bob@c", ["a@b/bob+x+y@c"]),
        ("a@b", "bob+@c", "a@b/bob@c", ["a@b/bob+@c"]),
        ("a@b", "bob+tag", "a@b/bob", ["a@b/bob+tag"]),
        ("a@b", "bob@c+d", "a@b/bob@c+d", []),
        // What isn't an extension
        ("a@b", "+tag@c", "a@b/+tag@c", []),
        ("a@b", #""bob+tag"@c"#, #"a@b/"bob+tag"@c"#, []),
        ("", "SRS0+S7Ai=4B=orig.example=noc@c", "/srs0+s7ai=4b=orig.example=noc@c", []),
        // The last version's and that of 0.9.3 have the room; of the same tag there is one more only where one of them is ours.
        ("a-7@b", "bob+tag@c", "a-#@b/bob@c", ["a-#@b/bob+tag@c", "a-7@b/bob+tag@c"]),
        (
            "prvs=jane/0123abcdef@b", "bob+tag@c", "jane@b/bob@c",
            ["prvs=jane/0123abcdef@b/bob+tag@c", "jane@b/bob+tag@c"]
        ),
        ("a@b", "b/c+tag@d", #"a@b/b\/c@d"#, ["a@b/b/c+tag@d", #"a@b/b\/c+tag@d"#]),
    ]

    @Test(arguments: folded)
    func aRecipientLosesItsExtensionWhereTheSiteWantsIt(
        _ sender: String, _ recipient: String, _ text: String, _ legacy: [String]
    ) {
        var envelope = Envelope()
        envelope.fill("192.0.2.7", sender, recipient, foldsRecipient: true)
        let network = "192.0.2.0/24/"
        #expect(envelope.triplet == network + text)
        #expect(envelope.legacy == legacy.map { network + $0 })
    }
}

extension Envelope {
    fileprivate var legacy: [String] {
        mutating get {
            readKeys { _, first, second, _ in
                var texts: [String] = []
                if let first { texts.append(String(copying: first)) }
                if let second { texts.append(String(copying: second)) }
                return texts
            }
        }
    }
}
