import Logging
import NIOCore
import Storage
import Testing

@testable import Server

/// What the log says of a store that comes and goes; a line within ten seconds of another is held back.
struct HealthReportTests {
    private static let gone = StoreError(.unavailable, "no disk")
    private static let full = StoreError(.writeRefused, "no room")
    private static let refused = StoreError(.misconfigured, "no password")

    /// Plays changes, each at its second, and gives all lines with the seconds they were told at.
    ///
    /// `nil` is an answer; three requests were answered without the store before each.
    private func lines(_ changes: [(second: Int64, fault: StoreError?)]) -> [String] {
        var report = HealthReport(pause: .seconds(10))
        var lines: [String] = []
        func look(at second: Int64) {
            guard let line = report.line(at: .second(second)) else { return }
            lines.append("\(second) \(line.level) \(line.text)")
        }
        for (second, fault) in changes {
            while let due = report.due, due < .second(second) { look(at: due.second) }
            if let fault {
                report.failed(fault, at: .second(second))
            } else {
                report.succeeded(at: .second(second), unanswered: 3)
            }
            look(at: second)
        }
        while let due = report.due { look(at: due.second) }
        return lines
    }

    private static func unavailable(_ error: String) -> String { "store unavailable (\(error)); answering without it" }

    @Test func aChangeIsToldOnceAndAtOnce() {
        #expect(
            lines([(0, nil), (1, Self.gone), (2, Self.gone), (20, Self.gone), (31, nil), (32, nil)]) == [
                "1 warning \(Self.unavailable("no disk"))",
                "31 notice the store answers again, after 30.0 s; 3 requests were answered without it",
            ])
    }

    @Test func aQuickReturnIsToldWhenThePauseIsOver() {
        #expect(
            lines([(0, Self.gone), (4, nil)]) == [
                "0 warning \(Self.unavailable("no disk"))",
                "10 notice the store answers again, after 4.0 s; 3 requests were answered without it",
            ])
    }

    @Test func whatDoesNotHoldIsNotTold() {
        #expect(lines([(0, Self.gone), (4, nil), (5, Self.gone)]) == ["0 warning \(Self.unavailable("no disk"))"])
    }

    @Test func aStoreThatFlapsIsToldEveryTenSecondsAtMost() {
        let flaps = (0..<50).map { (Int64($0), $0 % 2 == 0 ? Self.gone : nil) }
        let lines = lines(flaps)
        #expect(
            lines.prefix(2) == [
                "0 warning \(Self.unavailable("no disk"))",
                "11 notice the store answers again, after 6.0 s; 18 requests were answered without it"
                    + " (11 changes since the last such line)",
            ])
        #expect(lines.count == 6)
    }

    @Test func anotherKindOfFaultIsAChangeAndWrongSettingsAreAnError() {
        #expect(
            lines([(0, Self.gone), (20, Self.refused), (40, Self.full), (60, nil)]) == [
                "0 warning \(Self.unavailable("no disk"))",
                "20 error \(Self.unavailable("no password"))",
                "40 warning \(Self.unavailable("no room"))",
                "60 notice the store answers again, after 60.0 s; 3 requests were answered without it",
            ])
    }

    @Test func theNewestReasonIsTold() {
        let other = StoreError(.unavailable, "no answer")
        #expect(
            lines([(0, Self.gone), (12, nil), (13, Self.gone), (14, other)]).last
                == "22 warning \(Self.unavailable("no answer"))")
    }
}

extension NIODeadline {
    fileprivate static func second(_ second: Int64) -> NIODeadline {
        .uptimeNanoseconds(0) + .seconds(second)
    }

    fileprivate var second: Int64 { Int64(uptimeNanoseconds / 1_000_000_000) }
}
