import Logging
import NIOConcurrencyHelpers
import NIOCore
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

    /// A log whose time stands, with what it has scheduled and written.
    private final class Stage: Sendable {
        struct State: Sendable {
            var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
            var timers: [(due: NIODeadline, body: @Sendable () -> Void)] = []
            var lines: [String] = []
        }
        let state = NIOLockedValueBox(State())

        func log(level: Logger.Level = .info) -> LimitedLog {
            var logger = Logger(label: "test") { _ in Recorder(state: self.state) }
            logger.logLevel = level
            return LimitedLog(
                logger: logger, now: { self.state.withLockedValue(\.now) },
                schedule: { due, body in self.state.withLockedValue { $0.timers.append((due, body)) } })
        }

        func move(_ seconds: Int64) {
            let due = state.withLockedValue { state in
                state.now = state.now + .seconds(seconds)
                let now = state.now
                defer { state.timers.removeAll { $0.due <= now } }
                return state.timers.filter { $0.due <= now }
            }
            for timer in due { timer.body() }
        }

        var lines: [String] { state.withLockedValue(\.lines) }
    }

    private struct Recorder: LogHandler {
        let state: NIOLockedValueBox<Stage.State>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            state.withLockedValue { $0.lines.append("\(event.level) \(event.message)") }
        }
    }

    @Test func theSuppressedAreToldWhenTheSpanIsOver() {
        let stage = Stage()
        let log = stage.log()
        for number in 0..<15_600 { log.log(.disconnection, "line \(number)") }
        #expect(stage.lines == (0..<10).map { "warning line \($0)" })
        #expect(stage.state.withLockedValue { $0.timers.count } == 1)
        stage.move(59)
        #expect(stage.lines.count == 10)
        stage.move(1)
        #expect(
            stage.lines.dropFirst(10) == [
                "warning 15590 similar messages suppressed: clients disconnected without a reply"
            ])
        stage.move(1_000)
        #expect(stage.lines.count == 11)
        log.log(.disconnection, "again")
        #expect(stage.lines.last == "warning again")
    }

    @Test(arguments: LimitedLog.Kind.allCases)
    func eachKindIsLimitedByItself(_ kind: LimitedLog.Kind) {
        let stage = Stage()
        let log = stage.log()
        for _ in 0..<100 { log.log(kind, level: .notice, "a") }
        for other in LimitedLog.Kind.allCases where other != kind { log.log(other, level: .notice, "b") }
        #expect(stage.lines.count { $0 == "notice a" } == 10)
        #expect(stage.lines.count { $0 == "notice b" } == LimitedLog.Kind.allCases.count - 1)
    }

    @Test func atTheEndAllIsTold() {
        let stage = Stage()
        let log = stage.log()
        for _ in 0..<12 { log.log(.strayLines, "a") }
        log.finish()
        log.finish()
        #expect(
            stage.lines.dropFirst(10) == ["warning 2 similar messages suppressed: lines before a first request skipped"]
        )
    }

    @Test func whatIsNotLoggedIsNotCounted() {
        let stage = Stage()
        let log = stage.log(level: .error)
        for _ in 0..<100 { log.log(.disconnection, "a") }
        log.finish()
        #expect(stage.lines.isEmpty)
        #expect(stage.state.withLockedValue { $0.timers.isEmpty })
    }
}
