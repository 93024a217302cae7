import NIOCore
import RedisLab
import TestSupport
import Testing

@testable import RedisClient

/// What a server sends is broken at random: whatever becomes of it, it is read the same in one piece and in many.
struct RESPMutationTests {
    private static let seeds = RESPDecoderTests.values.map { Array($0.0.utf8) }

    private enum Reading: Equatable {
        case values([RESPValue])
        case refused(after: Int, RESPError)
    }

    @Test(arguments: 0..<20)
    func brokenStreamsAreReadTheSameInAllPieces(_ seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        for _ in 0..<1_000 {
            let bytes = Self.mutant(using: &generator)
            let whole = Self.read([bytes])
            #expect(Self.read(Self.cut(bytes, using: &generator)) == whole, "\(bytes)")
            #expect(Self.read(bytes.map { [$0] }) == whole, "\(bytes)")
        }
    }

    private static func read(_ pieces: [[UInt8]]) -> Reading {
        let limits = RESPLimits(line: 40, bulk: 30, elements: 6, depth: 4, reply: 120)
        var decoder = RESPDecoder(limits: limits)
        var buffer = ByteBuffer()
        var values: [RESPValue] = []
        do throws(RESPError) {
            for piece in pieces {
                buffer.writeBytes(piece)
                while let value = try decoder.next(in: &buffer) { values.append(value) }
            }
            return .values(values)
        } catch {
            return .refused(after: values.count, error)
        }
    }

    private static func mutant(using generator: inout SeededRandom) -> [UInt8] {
        var bytes = (0..<Int.random(in: 1...4, using: &generator)).flatMap { _ in
            seeds.randomElement(using: &generator) ?? []
        }
        for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: bytes.indices, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[place] = .random(in: 0...255, using: &generator)
            case 1: bytes[place] = Array("+-:$*\r\n0123456789".utf8).randomElement(using: &generator) ?? 0
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(bytes[Int.random(in: bytes.indices, using: &generator)], at: place)
            default: bytes.removeSubrange(place...)
            }
        }
        return bytes
    }

    private static func cut(_ bytes: [UInt8], using generator: inout SeededRandom) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...rest.count, using: &generator)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
