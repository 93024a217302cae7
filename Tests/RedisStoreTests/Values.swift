import NIOCore

@testable import RedisStore

extension RESPValue {
    static func simple(_ text: String) -> RESPValue { .simple(ByteBuffer(string: text)) }
    static func error(_ text: String) -> RESPValue { .error(ByteBuffer(string: text)) }
    static func bulk(_ text: String) -> RESPValue { .bulk(ByteBuffer(string: text)) }
}
