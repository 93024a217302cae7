import NIOCore
package import RedisClient

extension RESPValue {
    package static func simple(_ text: String) -> RESPValue { .simple(ByteBuffer(string: text)) }
    package static func error(_ text: String) -> RESPValue { .error(ByteBuffer(string: text)) }
    package static func bulk(_ text: String) -> RESPValue { .bulk(ByteBuffer(string: text)) }
}

extension RedisLimits {
    /// For tests in which nothing hangs: the machine may be busy with all the others.
    package static var patient: RedisLimits {
        var limits = RedisLimits()
        limits.connect = .seconds(30)
        limits.reply = .seconds(30)
        limits.scouting = .seconds(30)
        return limits
    }
}
