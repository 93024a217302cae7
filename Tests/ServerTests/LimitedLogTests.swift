import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Server

/// Lines that clients cause: so many in a span of time, and then a count, by a clock that is moved by hand.
struct LimitedLogTests {
    @Test func aBurstPassesAndTheRestIsCounted() {
        var limiter = LineLimiter(burst: 3, span: .seconds(60))
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        for _ in 0..<3 { #expect(limiter.admit(at: start) == (true, 0)) }
        #expect(limiter.due == nil)
        for second: Int64 in 0..<50 { #expect(limiter.admit(at: start + .seconds(second)) == (false, 0)) }
        #expect(limiter.due == start + .seconds(60))
        #expect(limiter.takeSuppressed(at: start + .seconds(59)) == 0)
        #expect(limiter.takeSuppressed(at: start + .seconds(60)) == 50)
        #expect(limiter.takeSuppressed(at: start + .seconds(61)) == 0)
        // The next span begins with the next line.
        for _ in 0..<3 { #expect(limiter.admit(at: start + .seconds(100)) == (true, 0)) }
        #expect(limiter.admit(at: start + .seconds(159)) == (false, 0))
        // Where no timer has told of it, the first line of the next span does.
        #expect(limiter.admit(at: start + .seconds(160)) == (true, 1))
        #expect(limiter.takeSuppressed() == 0)
    }

    private let recorder = LogRecorder()

    private func log(level: Logger.Level = .info, by clock: EmbeddedEventLoop) -> LimitedLog {
        LimitedLog(logger: recorder.logger(level: level), clock: clock)
    }

    @Test func theSuppressedAreToldWhenTheSpanIsOver() {
        let clock = EmbeddedEventLoop()
        let log = log(by: clock)
        for number in 0..<15_600 { log.log(.disconnection, "line \(number)") }
        #expect(recorder.lines == (0..<10).map { "warning line \($0)" })
        clock.advanceTime(by: .seconds(59))
        #expect(recorder.lines.count == 10)
        clock.advanceTime(by: .seconds(1))
        #expect(
            recorder.lines.dropFirst(10) == [
                "warning 15590 similar messages suppressed: clients disconnected without a reply"
            ])
        clock.advanceTime(by: .seconds(1_000))
        #expect(recorder.lines.count == 11)
        log.log(.disconnection, "again")
        #expect(recorder.lines.last == "warning again")
    }

    @Test(arguments: LimitedLog.Kind.allCases)
    func eachKindIsLimitedByItself(_ kind: LimitedLog.Kind) {
        let clock = EmbeddedEventLoop()
        let log = log(by: clock)
        for _ in 0..<100 { log.log(kind, level: .notice, "a") }
        for other in LimitedLog.Kind.allCases where other != kind { log.log(other, level: .notice, "b") }
        #expect(recorder.lines.count { $0 == "notice a" } == 10)
        #expect(recorder.lines.count { $0 == "notice b" } == LimitedLog.Kind.allCases.count - 1)
        clock.advanceTime(by: .seconds(60))
    }

    @Test func atTheEndAllIsTold() {
        let clock = EmbeddedEventLoop()
        let log = log(by: clock)
        for _ in 0..<12 { log.log(.strayLines, "a") }
        log.finish()
        log.finish()
        clock.advanceTime(by: .seconds(60))
        #expect(
            recorder.lines.dropFirst(10) == [
                "warning 2 similar messages suppressed: lines before a first request skipped"
            ])
    }

    @Test func whatIsNotLoggedIsNotCounted() {
        let clock = EmbeddedEventLoop()
        let log = log(level: .error, by: clock)
        for _ in 0..<100 { log.log(.disconnection, "a") }
        log.finish()
        clock.advanceTime(by: .seconds(60))
        #expect(recorder.lines.isEmpty)
    }
}
