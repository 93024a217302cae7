import NIOCore

@testable import RedisClient

/// Replies of Redis: the first byte says how large the pieces are in which the others come.
///
/// They are read the same as in one piece.
@Sendable func checkRESP(_ input: [UInt8]) throws(BrokenPromise) {
    guard let size = input.first else { return }
    let whole = Reading(input.dropFirst(), inPiecesOf: input.count)
    try expect(Reading(input.dropFirst(), inPiecesOf: Int(size) + 1) == whole, "in pieces it is read otherwise")
    for value in whole.values {
        if case .error(let text) = value { _ = RedisError(reply: text) }
        _ = try? SlotMap(value, from: .unix(path: "/"))
        for step in [Handshake.Step.name, .memory, .role] { _ = Handshake().judge(value, to: step) }
    }
}

private struct Reading: Equatable {
    var values: [RESPValue] = []
    var error: RESPError?

    init(_ bytes: ArraySlice<UInt8>, inPiecesOf size: Int) {
        var decoder = RESPDecoder(limits: RESPLimits(line: 100, bulk: 100, elements: 20, depth: 8, reply: 1_000))
        var buffer = ByteBuffer()
        do throws(RESPError) {
            for piece in pieces(of: bytes, size: size) {
                buffer.writeBytes(piece)
                while let value = try decoder.next(in: &buffer) { values.append(value) }
            }
        } catch {
            self.error = error
        }
    }
}
