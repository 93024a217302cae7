import Greylist

@testable import Domains

/// A sender, a recipient, the domain of another sender, and a client's address, one a line.
///
/// A key has three slashes that aren't escaped, and no capitals; it doesn't depend on what the envelope held before, on capitals,
/// on a final dot, on a tag that changes with the day, or on an extension.
@Sendable func checkSender(_ input: [UInt8]) throws(BrokenPromise) {
    let lines = lines(of: input)
    guard lines.count >= 3 else { return }
    let (sender, recipient) = (lines[0], lines[1])
    var envelope = Envelope()
    let key = try tripletKey(sender, recipient, &envelope)
    try expect(key.count <= 2 * (sender.count + recipient.count) + 50, "a key of \(key.count) bytes")
    try expect(key.unescapedSlashes == 3, "a key of \(key.unescapedSlashes + 1) parts: \(key)")
    try expect(!key.contains { (0x41...0x5a).contains($0) }, "capitals in a key: \(key)")

    // Others come in between.
    _ = try tripletKey(lines[2], sender, &envelope)
    try expect(try tripletKey(sender, recipient, &envelope) == key, "another key the second time")
    let capitals = sender.map { (0x61...0x7a).contains($0) ? $0 - 0x20 : $0 }
    try expect(try tripletKey(capitals, recipient, &envelope) == key, "another key in capitals")
    if let end = sender.lastIndex(of: UInt8(ascii: "@")), end + 1 < sender.count, sender.last != UInt8(ascii: ".") {
        let dotted = sender + [UInt8(ascii: ".")]
        try expect(try tripletKey(dotted, recipient, &envelope) == key, "another key with a final dot")
    }
    try checkTags(sender, recipient, key, &envelope)
    try checkFolding(sender, recipient)
}

/// The key of the triplet of those two.
private func tripletKey(_ sender: [UInt8], _ recipient: [UInt8], _ envelope: inout Envelope) throws(BrokenPromise)
    -> [UInt8]
{
    let client = Array("192.0.2.7".utf8)
    let isAddressed = envelope.address(
        client: client.span, sender: sender.span, recipient: recipient.span,
        masks: PrefixLengths(ipv4: 24, ipv6: 48, nat64Prefixes: []), foldsRecipient: true)
    try expect(isAddressed, "no envelope")
    let texts = envelope.readKeys { triplet, first, second, network in
        (triplet.bytes, first?.count ?? 0, second?.count ?? 0, network.bytes)
    }
    try expect(texts.3 == Array("192.0.2.0/24".utf8), "another network: \(texts.3)")
    let longest = 2 * (sender.count + recipient.count) + 50
    try expect(max(texts.1, texts.2) <= longest, "an earlier key of \(max(texts.1, texts.2)) bytes")
    let organisation = Array("example.net".utf8)
    let alias = envelope.readAlias(ofHost: organisation.span) { $0.bytes }
    try expect(alias == Array("ptr:example.net".utf8) + texts.0.dropFirst(12), "another alias: \(alias)")
    let postgrey = envelope.readPostgreyTexts(.network(ipv4: 24, ipv6: 64)) { $0.count + $1.count }
    try expect(postgrey <= 2 * 512 + 2 * 48, "postgrey's texts have \(postgrey) bytes")
    return texts.0
}

/// A tag around a sender that has few, and an extension behind one that has none, make no other key.
private func checkTags(
    _ sender: [UInt8], _ recipient: [UInt8], _ key: [UInt8], _ envelope: inout Envelope
) throws(BrokenPromise) {
    let lowercased = sender.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }
    let local = 0..<(lowercased.lastIndex(of: UInt8(ascii: "@")) ?? lowercased.count)
    guard !local.isEmpty else { return }
    var (rest, tags) = (local, 0)
    while tags < 4, let tag = lowercased.span.senderTag(in: rest) { (rest, tags) = (tag.rest, tags + 1) }
    if tags < 4 {
        let tagged = Array("prvs=0123abcdef=".utf8) + sender
        try expect(try tripletKey(tagged, recipient, &envelope) == key, "another key with a tag around \(sender)")
    }
    let extended = Array(lowercased[local]) + Array("+x".utf8)
    if tags == 0, extended.span.senderTag(in: extended.indices) == nil {
        let whole = extended + lowercased[local.upperBound...]
        try expect(try tripletKey(whole, recipient, &envelope) == key, "another key with an extension behind \(sender)")
    }
}

/// Folded for a shared identity it gets no longer, but for the mark of the recipient.
private func checkFolding(_ sender: [UInt8], _ recipient: [UInt8]) throws(BrokenPromise) {
    var folded: [UInt8] = []
    folded.append(folding: sender.span, recipient: recipient.span)
    try expect(folded.count <= sender.count + 4, "folded, \(sender) is \(folded)")
}

extension [UInt8] {
    /// How many slashes have no backslash before them that makes them a part of an address.
    fileprivate var unescapedSlashes: Int {
        var (slashes, isEscaped) = (0, false)
        for byte in self {
            if byte == UInt8(ascii: "/"), !isEscaped { slashes += 1 }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
        return slashes
    }
}
