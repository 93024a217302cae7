import Control
import NIOCore

@testable import Server

/// What comes over the control socket: the first byte says how large the pieces are in which the others come.
///
/// Lines are the same as in one piece, and no longer than a request may be. A request, a reply, and what stands in either, are
/// read back from what is written of them, which is one line.
@Sendable func checkControl(_ input: [UInt8]) throws(BrokenPromise) {
    guard let size = input.first else { return }
    let stream = Array(input.dropFirst())
    let whole = Reading(stream, inPiecesOf: input.count)
    try expect(Reading(stream, inPiecesOf: Int(size) + 1) == whole, "in pieces it is read otherwise")
    for line in whole.lines {
        try expect(line.count < Reading.limit, "a line of \(line.count) bytes")
        try checkRequest(line)
        try checkReply(line)
    }
}

private struct Reading: Equatable {
    static let limit = 1_500
    var lines: [[UInt8]] = []
    var isTooLong = false

    init(_ bytes: [UInt8], inPiecesOf size: Int) {
        var stream = ControlLines(limit: Self.limit)
        do throws(ControlLines.TooLong) {
            for piece in pieces(of: bytes, size: size) {
                var piece = ByteBuffer(bytes: piece)
                stream.add(&piece)
                while let line = try stream.next() { lines.append(Array(line.readableBytesView)) }
            }
        } catch {
            isTooLong = true
        }
    }
}

private func checkRequest(_ line: [UInt8]) throws(BrokenPromise) {
    guard let request = try? ControlRequest(line: line) else { return }
    try checkLine(request.line)
    try expect(
        (try? ControlRequest(line: request.line.utf8.dropLast())) == request, "\(request) is read back otherwise")
    try check(request, LearnOrder.init, \.request)
    try check(request, IdentityOrder.init, \.request)
    try check(request, IdentityListOrder.init, \.request)
    try check(request, ImportOrder.init, \.request)
    try check(request, MailOrder.init, \.request)
}

private func checkReply(_ line: [UInt8]) throws(BrokenPromise) {
    guard let reply = try? ControlReply(line: line) else { return }
    try checkLine(reply.line)
    try expect((try? ControlReply(line: reply.line.utf8.dropLast())) == reply, "\(reply) is read back otherwise")
    try check(reply, LearnReceipt.init, \.reply)
    try check(reply, IdentityList.init, \.reply)
    try check(reply, ImportReceipt.init, \.reply)
    try check(reply, MailReceipt.init, \.reply)
    try check(reply, DaemonStatus.init, \.reply)
    try check(reply, WebCode.init, \.reply)
}

/// What a message means is the same once it is written.
private func check<Message, Meaning: Equatable>(
    _ message: Message, _ read: (Message) -> Meaning?, _ write: (Meaning) -> Message
) throws(BrokenPromise) {
    guard let meaning = read(message) else { return }
    try expect(read(write(meaning)) == meaning, "\(meaning) is read back otherwise")
}

private func checkLine(_ line: String) throws(BrokenPromise) {
    let ends = line.utf8.count { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    try expect(ends == 1 && line.utf8.last == UInt8(ascii: "\n"), "not one line: \(line)")
}
