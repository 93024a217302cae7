import NIOCore
import RedisLab
import Testing

@testable import RedisClient

struct RedisErrorTests {
    static let replies: [(String, RedisError.Kind)] = [
        ("READONLY You can't write against a read only replica.", .unavailable(.notServing)),
        ("MASTERDOWN Link with MASTER is down", .unavailable(.notServing)),
        ("LOADING Redis is loading the dataset in memory", .unavailable(.notServing)),
        ("CLUSTERDOWN Hash slot not served", .unavailable(.clusterDown)),
        ("BUSY Redis is busy running a script.", .unavailable(.busy)),
        ("ERR max number of clients reached", .unavailable(.busy)),
        ("OOM command not allowed when used memory > 'maxmemory'.", .writeRefused),
        ("OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:1.", .writeRefused),
        ("MISCONF Redis is configured to save RDB snapshots, but", .writeRefused),
        ("NOREPLICAS Not enough good replicas to write.", .writeRefused),
        ("NOAUTH Authentication required.", .misconfigured),
        ("WRONGPASS invalid username-password pair or user is disabled.", .misconfigured),
        ("NOPERM this user has no permissions to run the 'evalsha' command", .misconfigured),
        ("DENIED Redis is running in protected mode", .misconfigured),
        ("ERR invalid password", .misconfigured),
        ("ERR Client sent AUTH, but no password is set", .misconfigured),
        ("ERR AUTH <password> called without any password configured for the default user.", .misconfigured),
        ("ERR DB index is out of range", .misconfigured),
        ("ERR The user executing the script can't run this command or subcommand script: 1f", .misconfigured),
        ("MOVED 3999 127.0.0.1:6381", .moved(slot: 3999, .init(host: "127.0.0.1", port: 6381))),
        ("MOVED 0 ::1:6381", .moved(slot: 0, .init(host: "::1", port: 6381))),
        ("MOVED 16383 :6381", .moved(slot: 16383, .init(host: "", port: 6381))),
        ("MOVED 1 ?:6381", .moved(slot: 1, .init(host: "", port: 6381))),
        ("ASK 3999 node-1.example:6381", .ask(slot: 3999, .init(host: "node-1.example", port: 6381))),
        ("MOVED", .other), ("MOVED 3999", .other), ("MOVED 16384 h:1", .other), ("MOVED x h:1", .other),
        ("MOVED 1 h", .other), ("MOVED 1 h:0", .other), ("MOVED 1 h:65536", .other), ("ASK -1 h:1", .other),
        ("TRYAGAIN Multiple keys request during rehashing of slot", .tryAgain),
        ("NOSCRIPT No matching script. Please use EVAL.", .noScript),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", .wrongType),
        ("ERR unknown command", .other), ("", .other), (" ", .other), ("ERR", .other), ("OOMPH", .other),
        // From inside a script, before Redis 7.
        (
            "ERR Error running script (call to f_1f): @user_script:1: @user_script: 1: -OOM command not allowed",
            .writeRefused
        ),
        (
            "ERR Error running script (call to f_1f): @user_script:1: -READONLY You can't write against a read only",
            .unavailable(.notServing)
        ),
        ("ERR Error running script (call to f_1f): @user_script:1: -MISCONF Errors writing to the AOF", .writeRefused),
        ("ERR Error running script (call to f_1f): @user_script:1: -WRONGTYPE Operation", .wrongType),
        ("ERR Error running script (call to f-X): x - y -z @user_script:1: Script attempted to access a nil", .other),
    ]

    @Test(arguments: replies)
    func anErrorReplyHasAClass(_ text: String, _ kind: RedisError.Kind) {
        let fault = RedisError(reply: ByteBuffer(string: text))
        #expect(fault.kind == kind)
        #expect(fault.message == text)
    }

    @Test func aMessageIsFitForTheLog() {
        let text = "ERR a\nb\u{1b}[31m\0é" + String(repeating: "x", count: 500)
        let message = RedisError(reply: ByteBuffer(string: text)).message
        #expect(message.hasPrefix("ERR a?b?[31m???xxx"))
        #expect(message.utf8.count == 200)
    }

    @Test func attemptsComeLessAndLessOften() {
        var backoff = Backoff()
        let whole = (0..<8).map { _ in backoff.next(random: 0).nanoseconds / 1_000_000 }
        #expect(whole == [100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000])
        for _ in 0..<100 { _ = backoff.next(random: 0.5) }
        #expect(backoff.next(random: 0) == .seconds(3))
        #expect(backoff.next(random: 1) == .milliseconds(1_500))
        backoff.reset()
        #expect(backoff.next(random: 1) == .milliseconds(50))
    }
}
