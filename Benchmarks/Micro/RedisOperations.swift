import Greylist
import NIOCore
import RedisClient
import RedisStore
import SampleOptions
import Storage

/// What a request costs between us and a Redis: one command, one reply.
enum RedisOperations {
    static func all() -> [Operation] {
        encoding() + [
            decoding("null", "$-1\r\n"), decoding("a record", "$12\r\n0,1800000000\r\n"),
            decoding("an array of four", "*4\r\n$1\r\n0\r\n:17\r\n+OK\r\n$-1\r\n"),
        ]
    }

    private static func encoding() -> [Operation] {
        var commands = EntryCommands(layout: RedisLayout(keyPrefix: ""), isCluster: false)
        let text = Array("192.0.2.0/24/sender@example.org/user@example.com".utf8)
        let (key, sighting, rules) = (Key(text.span, isHashed: true), Sighting(firstAt: Samples.now), Rules.sample())
        var buffer = ByteBuffer()
        return [
            Operation("RESP: write the command for a new triplet") {
                buffer.clear()
                _ = commands.claim(key, for: sighting, at: Samples.now, under: rules, into: &buffer)
                return buffer.readableBytes
            }
        ]
    }

    private static func decoding(_ name: String, _ text: String) -> Operation {
        let reply = ByteBuffer(string: text)
        var decoder = RESPDecoder()
        return Operation("RESP: read \(name)") {
            var buffer = reply
            guard let value = try? decoder.next(in: &buffer) else { return .min }
            return value == .null ? 1 : 2
        }
    }
}
