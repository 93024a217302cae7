import NIOCore
import Testing

@testable import Server

/// When the store is asked, and when it is left alone.
///
/// No pause is cut here, unless it is said.
struct CircuitBreakerTests {
    enum Step: Sendable {
        case answered, failed, late
        /// What the probe came to.
        case probeAnswered, probeFailed, probeLate
        case wait(Int64)
        /// What follows from all before: is everybody admitted, is a probe, is nobody?
        case everybody, probe, nobody
    }

    struct Story: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: [Step]

        init(_ testDescription: String, _ steps: [Step]) {
            self.testDescription = testDescription
            self.steps = steps
        }
    }

    static let fiveFailures = [Step](repeating: .failed, count: 5)

    static let stories = [
        Story("four failures are borne", [.failed, .failed, .failed, .failed, .everybody]),
        Story("the fifth opens", fiveFailures + [.nobody]),
        Story(
            "an answer begins the count anew",
            fiveFailures.dropLast() + [.answered] + fiveFailures.dropLast() + [.everybody]),
        Story("one that is late opens at once", [.late, .nobody]),
        Story("nobody is admitted before the pause is over", [.late, .wait(249), .nobody]),
        Story("then one is, as the probe", [.late, .wait(250), .probe, .nobody, .wait(60_000), .nobody]),
        Story("the probe's answer closes", [.late, .wait(250), .probe, .probeAnswered, .everybody]),
        Story("and five failures open again", [.late, .wait(250), .probe, .probeAnswered] + fiveFailures + [.nobody]),
        Story(
            "after each probe that fails the pause is twice as long, up to the longest",
            [.late, .wait(250), .probe, .probeFailed, .wait(499), .nobody, .wait(1), .probe, .probeLate]
                + [.wait(999), .nobody, .wait(1), .probe, .probeFailed, .wait(1_999), .nobody, .wait(1), .probe]
                + [
                    .probeLate, .wait(3_999), .nobody, .wait(1), .probe, .probeLate, .wait(3_999), .nobody, .wait(1),
                    .probe,
                ]),
        Story(
            "after an answer it is short again",
            [.late, .wait(250), .probe, .probeFailed, .wait(500), .probe, .probeAnswered, .late, .wait(250), .probe]),
        Story(
            "others that were with the store when it opened count no more",
            [.late, .answered, .nobody, .failed, .late, .wait(250), .probe, .answered, .late, .failed, .nobody]
                + [.probeAnswered, .everybody]),
    ]

    @Test(arguments: stories)
    func plays(_ story: Story) {
        var breaker = CircuitBreaker(pauses: .milliseconds(250)...(.seconds(4)))
        var now = NIODeadline.uptimeNanoseconds(1)
        for (number, step) in story.steps.enumerated() {
            func note(_ result: CircuitBreaker.Result, isProbe: Bool = false) {
                breaker.note(result, isProbe: isProbe, at: now, jitter: 0)
            }
            switch step {
            case .answered: note(.answered)
            case .failed: note(.failed)
            case .late: note(.late)
            case .probeAnswered: note(.answered, isProbe: true)
            case .probeFailed: note(.failed, isProbe: true)
            case .probeLate: note(.late, isProbe: true)
            case .wait(let milliseconds): now = now + .milliseconds(milliseconds)
            case .everybody: #expect(breaker.isClosed, "step \(number)")
            case .probe:
                #expect(!breaker.isClosed, "step \(number)")
                let isAdmitted = breaker.admitsProbe(at: now)
                #expect(isAdmitted, "step \(number)")
            case .nobody:
                #expect(!breaker.isClosed, "step \(number)")
                let isAdmitted = breaker.admitsProbe(at: now)
                #expect(!isAdmitted, "step \(number)")
            }
        }
    }

    @Test(arguments: [(0, 250), (0.5, 188), (1, 125)])
    func thePauseIsCutByUpToAHalf(_ jitter: Double, _ milliseconds: Int64) {
        var breaker = CircuitBreaker(pauses: .milliseconds(250)...(.seconds(4)))
        let now = NIODeadline.uptimeNanoseconds(1)
        breaker.note(.late, isProbe: false, at: now, jitter: jitter)
        let isEarlyAdmitted = breaker.admitsProbe(at: now + .milliseconds(milliseconds - 1))
        let isAdmitted = breaker.admitsProbe(at: now + .milliseconds(milliseconds))
        #expect(!isEarlyAdmitted)
        #expect(isAdmitted)
    }
}
