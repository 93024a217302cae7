import Greylist
import Storage

@testable import Import

/// Databases of other greylisters as text: three bytes say whose it is, how large the pieces are in which it comes, and with what
/// options it is read.
///
/// It is read the same as in one piece. Each line is taken, skipped or left out, and what is said of it is one line. An entry has
/// times that can be, and mailboxes that can be kept, and finds its place, the same each time.
@Sendable func checkImport(_ input: [UInt8]) throws(BrokenPromise) {
    guard input.count > 3 else { return }
    let format = formats[Int(input[0]) % formats.count]
    var options = ImportOptions(now: now, utcOffset: Int64(input[2] % 24) * 3_600 - 43_200, mostJoined: 5)
    options.delay = input[2] & 0x80 == 0 ? nil : 60
    let text = Array(input.dropFirst(3))
    let whole = Reading(format, text, inPiecesOf: text.count, options)
    let parts = Reading(format, text, inPiecesOf: Int(input[1]) + 1, options)
    try expect(parts == whole, "in pieces it is read otherwise")
    let counts = whole.counts
    if whole.error == nil {
        let sum = counts.takenLines + counts.skippedLines + counts.leftOutLines
        try expect(sum >= counts.lines, "\(counts.lines) lines, of which \(sum) are told of: \(counts)")
    }
    try expect(counts.entries == whole.entries.count, "\(whole.entries.count) entries, \(counts.entries) counted")
    try expect(counts.told.count <= ImportCounts.mostTold, "\(counts.told.count) lines are told")
    for text in counts.told.map(\.description) + [whole.error?.description ?? ""] {
        try expect(!text.utf8.contains { $0 < 0x20 || $0 == 0x7f }, "not on one line: \(text)")
    }
    var (site, other) = (sample, sample)
    for entry in whole.entries {
        try check(entry)
        try expect(site.place(entry) == other.place(entry), "another place the second time: \(entry)")
    }
    try expect(site.takeCounted().count <= whole.entries.count, "more clients than entries")
}

private let now = Timestamp(seconds: 1_796_000_000)
private let formats =
    ImportKind.allCases.map { ImportFormat.database($0) } + ForeignListKind.allCases.map { ImportFormat.whitelist($0) }
private let sample = SiteEntries(
    masks: PrefixLengths(ipv4: 24, ipv6: 48, nat64Prefixes: []), foldsRecipient: true, keys: .plain,
    keepsPostgreyDigests: true)

private struct Reading: Equatable {
    var entries: [ImportedEntry] = []
    var counts = ImportCounts()
    var error: ImportError?

    init(_ format: ImportFormat, _ text: [UInt8], inPiecesOf size: Int, _ options: ImportOptions) {
        var parser = ImportParser(format, options: options)
        do throws(ImportError) {
            parser.begin(file: "dump")
            for piece in pieces(of: text, size: size) { try parser.feed(piece.span) }
            try parser.end()
            try parser.finish()
        } catch {
            self.error = error
        }
        entries = parser.takeEntries()
        counts = parser.counts
    }
}

private func check(_ entry: ImportedEntry) throws(BrokenPromise) {
    switch entry {
    case .triplet(let triplet):
        try check(triplet.times.first, triplet.times.last)
        try expect(!triplet.recipient.isEmpty, "no recipient")
        for mailbox in [triplet.sender, triplet.recipient] {
            try expect(mailbox.count <= Outlet.longestMailbox && mailbox.span.isPrintable, "no mailbox: \(mailbox)")
        }
    case .client(let client): try check(client.first, client.last)
    case .digest(let digest): try check(digest.sighting.first, digest.sighting.last)
    case .whitelist(let entry): try checkSpelling(of: entry)
    }
}

private func check(_ first: Timestamp, _ last: Timestamp) throws(BrokenPromise) {
    try expect(first <= last && last <= now && first.seconds >= 946_684_800, "times that can't be: \(first), \(last)")
}
