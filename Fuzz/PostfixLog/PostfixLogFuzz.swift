import Greylist

@testable import Import

/// What libFuzzer calls with each of its inputs: the first byte says how large the pieces are in which the log comes.
///
/// Whatever it is, it has to be read the same as in one piece, and each recipient has to be of another domain than ours.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPostfixLog(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let size = bytes.first else { return 0 }
    let (whole, counts) = read(bytes, inPiecesOf: bytes.count)
    let (pieces, pieceCounts) = read(bytes, inPiecesOf: Int(size) + 1)
    precondition(whole == pieces && counts == pieceCounts, "in pieces it is read otherwise")
    precondition(counts.recipients == whole.count && counts.mails <= whole.count, "not counted")
    for mail in whole {
        precondition(isOurs(mail.sender.domain ?? []) && !isOurs(mail.recipient.domain ?? []), "not to be learnt")
        precondition(mail.time <= now, "in the future")
    }
    return 0
}

private let now = Timestamp(seconds: 1_796_000_000)

@Sendable private func isOurs(_ domain: [UInt8]) -> Bool { domain == Array("our.example".utf8) }

private func read(_ bytes: [UInt8], inPiecesOf size: Int) -> ([SentMail], SentMailCounts) {
    var log = PostfixLog(ImportOptions(now: now), mostOpen: 3, isLocal: isOurs)
    log.begin(written: now)
    for start in stride(from: 1, to: bytes.count, by: size) {
        log.feed(bytes.span.extracting(start..<min(start + size, bytes.count)))
    }
    log.end()
    return (log.takeMails(), log.counts)
}
