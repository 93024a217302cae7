import NIOCore

@testable import RedisClient

/// What libFuzzer calls with each of its inputs: the first byte says how large the pieces are in which the others come.
///
/// Whatever they are, they have to be read the same as in one piece, and nothing may crash.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRESP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let size = bytes.first else { return 0 }
    let whole = read(bytes.dropFirst(), inPiecesOf: bytes.count)
    let pieces = read(bytes.dropFirst(), inPiecesOf: Int(size) + 1)
    precondition(whole == pieces, "in pieces it is read otherwise")
    for case .values(let values) in [whole] {
        for case .error(let text) in values { _ = RedisError(reply: text) }
        for value in values {
            _ = try? SlotMap(value, from: .unix(path: "/"))
            for step in [Handshake.Step.name, .memory, .role] { _ = Handshake().judge(value, to: step) }
        }
    }
    return 0
}

private enum Reading: Equatable {
    case values([RESPValue])
    case refused(after: Int, RESPError)
}

private func read(_ bytes: ArraySlice<UInt8>, inPiecesOf size: Int) -> Reading {
    var decoder = RESPDecoder(limits: RESPLimits(line: 100, bulk: 100, elements: 20, depth: 8, reply: 1_000))
    var buffer = ByteBuffer()
    var values: [RESPValue] = []
    var rest = bytes
    do throws(RESPError) {
        while !rest.isEmpty {
            buffer.writeBytes(rest.prefix(size))
            rest = rest.dropFirst(size)
            while let value = try decoder.next(in: &buffer) { values.append(value) }
        }
        return .values(values)
    } catch {
        return .refused(after: values.count, error)
    }
}
