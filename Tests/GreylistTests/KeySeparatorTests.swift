import Greylist
import Testing

/// Different triplets never share a key, whatever bytes their addresses hold.
struct KeySeparatorTests {
    static let triplets: [(sender: String, recipient: String, text: String)] = [
        ("a/b@x", "c@y", #"a\/b@x/c@y"#),
        ("a", "b@x/c@y", #"a/b@x\/c@y"#),
        (#"a\"#, "b@x/c@y", #"a\\/b@x\/c@y"#),
        (#"a\/b@x"#, "c@y", #"a\\\/b@x/c@y"#),
        ("a@x/y-42", "c@y", #"a@x\/y-42/c@y"#),
        ("a/42@x", "c@y", #"a\/#@x/c@y"#),
        ("", "/", #"/\/"#),
        ("/", "u@c", #"\//u@c"#),
        ("SRS0=a/b=4B=orig.example=no/c@x", "c@y", #"srs0=orig.example=no\/c@x/c@y"#),
        ("a%2fb@x", "c@y", "a%2fb@x/c@y"),
    ]

    @Test(arguments: triplets)
    func aSlashIsEscaped(_ sender: String, _ recipient: String, _ text: String) {
        var envelope = Envelope()
        envelope.fill("192.0.2.7", sender, recipient)
        #expect(envelope.triplet == "192.0.2.0/24/\(text)")
    }

    /// All addresses of up to three of these bytes, as senders and as recipients.
    @Test func noTwoTripletsShareAKey() {
        let bytes = ["/", #"\"#, "a", "@"]
        var texts = [""]
        for _ in 0..<3 { texts += texts.flatMap { text in bytes.map { text + $0 } } }
        let addresses = Set(texts)
        var seen: [String: (String, String)] = [:]
        var envelope = Envelope()
        for sender in addresses {
            for recipient in addresses where !recipient.isEmpty {
                envelope.fill("192.0.2.7", sender, recipient)
                let other = seen.updateValue((sender, recipient), forKey: envelope.triplet)
                #expect(other == nil, "\(sender) to \(recipient), and \(String(describing: other))")
            }
        }
        #expect(seen.count == addresses.count * (addresses.count - 1))
    }
}
