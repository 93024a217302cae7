import Greylist

@testable import Import

/// Lines of Postfix' log: the first byte says how large the pieces are in which the log comes.
///
/// It is read the same as in one piece, and what is learnt was sent by ours to others, and not in the future.
@Sendable func checkPostfixLog(_ input: [UInt8]) throws(BrokenPromise) {
    guard let size = input.first else { return }
    let (whole, counts) = read(input.dropFirst(), inPiecesOf: input.count)
    let (parts, partCounts) = read(input.dropFirst(), inPiecesOf: Int(size) + 1)
    try expect(whole == parts && counts == partCounts, "in pieces it is read otherwise")
    try expect(counts.recipients == whole.count && counts.mails <= whole.count, "not all is counted")
    for mail in whole {
        try expect(isOurs(mail.sender.domain ?? []), "learnt from a stranger: \(mail)")
        try expect(!isOurs(mail.recipient.domain ?? []), "one of ours is learnt: \(mail)")
        try expect(mail.time <= now, "learnt from the future: \(mail)")
    }
}

private let now = Timestamp(seconds: 1_796_000_000)

@Sendable private func isOurs(_ domain: [UInt8]) -> Bool { domain == Array("our.example".utf8) }

private func read(_ bytes: ArraySlice<UInt8>, inPiecesOf size: Int) -> ([SentMail], SentMailCounts) {
    var log = PostfixLog(ImportOptions(now: now), mostOpen: 3, isLocal: isOurs)
    log.begin(written: now)
    for piece in pieces(of: bytes, size: size) { log.feed(piece.span) }
    log.end()
    return (log.takeMails(), log.counts)
}
