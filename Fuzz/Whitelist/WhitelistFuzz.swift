import Greylist
import Whitelists

@testable import WhitelistFiles

/// A whitelist in JSON.
///
/// An entry that is read, written down, is read the same; what is said of others are lines, and so many at most. Where an
/// entry is added to the text and taken out again, all others are as they were. No request makes the matching end.
@Sendable func checkWhitelist(_ input: [UInt8]) throws(BrokenPromise) {
    guard let (entries, remarks) = readEntries(input) else { return }
    try check(remarks)
    for entry in entries { try checkSpelling(of: entry) }
    let whitelist = Whitelist(entries, source: "list")
    for attributes in sampleRequests {
        _ = SampleRequest(attributes: attributes)?.match(in: whitelist, at: Timestamp(seconds: 1_796_000_000))
    }
    try checkEditing(of: input, entries)
}

private let sampleRequests = [
    [
        "client_address": "192.0.2.7", "client_name": "mail.example.org", "helo_name": "mail.example.org",
        "sender": "a@example.org", "recipient": "u+x@example.com",
    ],
    ["client_address": "2001:db8::7", "client_name": "unknown", "sender": "", "recipient": "postmaster"],
]

/// The entries of a text, and what is said of others; nil where it is none.
private func readEntries(_ bytes: [UInt8]) -> ([WhitelistEntry], remarks: [String])? {
    let collector = EntryCollector<[WhitelistEntry]>([])
    let options = SourceOptions(allowsPatterns: true, allowsWide: true)
    guard (try? JSONWhitelist(path: "list", options: options).read(bytes, into: collector)) != nil else { return nil }
    return (collector.sink, collector.messages + collector.notes)
}

/// What is said of entries is on a line each.
func check(_ remarks: [String]) throws(BrokenPromise) {
    try expect(remarks.count <= 2 * WhitelistLimits.messages + 1, "\(remarks.count) remarks")
    for remark in remarks { try expect(!remark.utf8.contains { $0 < 0x20 }, "a remark of several lines: \(remark)") }
}

/// An entry is read back from its own text.
func checkSpelling(of entry: WhitelistEntry) throws(BrokenPromise) {
    let (again, remarks) = readEntries(Array("{\"list\": [\(entry.text)]}".utf8)) ?? ([], ["it isn't JSON"])
    try expect(again.count == 1, "\(entry.text) is no entry: \(remarks)")
    try expect(again.first?.text == entry.text, "\(entry.text) is read back as \(again.map(\.text))")
    try expect(again.first?.condition == entry.condition, "\(entry.text) has another condition")
    try expect(again.first?.expires == entry.expires, "\(entry.text) ends otherwise")
}

private func checkEditing(of bytes: [UInt8], _ entries: [WhitelistEntry]) throws(BrokenPromise) {
    guard let address = AddressLiteral("fuzz@added.example") else { return }
    let entry = WhitelistEntry(.sender(address), comment: "added")
    for isFirst in [true, false] {
        do throws(WhitelistError) {
            var text = try WhitelistText(path: "list", bytes: bytes)
            guard try text.add(entry, to: "friends", isFirst: isFirst) else { continue }
            let more = readEntries(text.bytes)?.0.count { $0.condition == entry.condition } ?? 0
            let isThere = more > entries.count { $0.condition == entry.condition }
            guard isThere, try text.remove(.condition(entry.condition), from: "friends") else {
                throw WhitelistError("added, it isn't there: \(String(decoding: text.bytes, as: UTF8.self))")
            }
            let left = readEntries(text.bytes)?.0.map(\.text)
            guard left == entries.map(\.text) else { throw WhitelistError("added and removed: \(left as Any)") }
        } catch {
            try expect(!error.description.hasPrefix("added"), error.description)
        }
    }
}
