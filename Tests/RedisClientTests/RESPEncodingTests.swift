import NIOCore
import RedisLab
import Testing

@testable import RedisClient

struct RESPEncodingTests {
    @Test func aCommandIsAnArrayOfTexts() {
        var buffer = ByteBuffer()
        buffer.writeCommand("SET", arguments: 4)
        buffer.writeBulk("é")
        buffer.writeBulk(ByteBuffer(bytes: [0, 13, 10, 255]))
        buffer.writeBulk(Array("span".utf8).span)
        buffer.writeBulk(-42)
        #expect(
            Array(buffer.readableBytesView) == Array("*5\r\n$3\r\nSET\r\n$2\r\né\r\n$4\r\n".utf8)
                + [0, 13, 10, 255] + Array("\r\n$4\r\nspan\r\n$3\r\n-42\r\n".utf8))
    }

    @Test func anArgumentMayComeInParts() {
        var buffer = ByteBuffer()
        buffer.writeCommand("GET", arguments: 1)
        buffer.writeBulk(length: 3 + 5) {
            $0.append("key")
            $0.append(decimal: 12_345)
        }
        #expect(String(buffer: buffer) == "*2\r\n$3\r\nGET\r\n$8\r\nkey12345\r\n")
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, -1, -9, -10, 65_535, .max, .min] as [Int])
    func numbersAreWrittenInDecimal(_ number: Int) {
        var buffer = ByteBuffer()
        buffer.writeBulk(number)
        let digits = String(number)
        #expect(String(buffer: buffer) == "$\(digits.utf8.count)\r\n\(digits)\r\n")
        #expect(Int(decimal: Array(digits.utf8).span) == number)
    }

    /// The sums are those of `CLUSTER KEYSLOT`.
    @Test(arguments: [
        ("", 0), ("foo", 12182), ("bar", 5061), ("123456789", 0x31c3), ("{user1000}.following", 3443),
        ("{user1000}.followers", 3443), ("user1000", 3443), ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015),
        ("{bar", 4015), ("foo{bar}{zap}", 5061), ("{}", 15257), ("a}b{", 6027),
    ])
    func keysHaveTheSlotsOfTheCluster(_ key: String, _ slot: Int) {
        #expect(KeySlot.of(Array(key.utf8).span) == UInt16(slot))
    }
}
