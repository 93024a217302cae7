import NIOCore
import Policy
import TestSupport
import Testing

/// Streams with bytes changed at random: whatever comes, it is read the same however it is cut, and nothing that isn't
/// asked is answered.
struct StrayMutationTests {
    private struct Reading: Equatable {
        var senders: [[UInt8]] = []
        var violation: PolicyError?
    }

    private static let pieces: [[UInt8]] = [
        "\n", "\r\n", "\r", "hello\n", "<<EOF\r\n", "sender=a\n", "sender=b\r\n", "request=smtpd_access_policy\n",
        "recipient=c\n", "QUIT\n", "GET / HTTP/1.1\r\n", "=\n", "x=y=z\n", " \n", "request=x\n", "\u{1}\n",
    ].map { Array($0.utf8) }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func cutsMakeNoDifference(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<250 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                bytes += Self.pieces.randomElement(using: &random) ?? []
            }
            if Bool.random(using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let whole = read([bytes])
            #expect(read(bytes.map { [$0] }) == whole)
            let cut = Int.random(in: 0...bytes.count, using: &random)
            #expect(read([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
            // As many replies as there are empty lines that end something, at most.
            let ends = bytes.split(separator: 10, omittingEmptySubsequences: false)
            #expect(whole.senders.count <= ends.count { $0.isEmpty || $0.elementsEqual([13]) })
        }
    }

    private func read(_ pieces: [[UInt8]]) -> Reading {
        var decoder = PolicyDecoder()
        var buffer = ByteBuffer()
        var reading = Reading()
        do throws(PolicyError) {
            for piece in pieces {
                buffer.writeBytes(piece)
                while let request = try decoder.next(in: &buffer) {
                    reading.senders.append(request.read(.sender) { value in value.indices.map { value[$0] } })
                }
            }
            try decoder.end(leaving: buffer)
        } catch {
            reading.violation = error
        }
        return reading
    }
}
