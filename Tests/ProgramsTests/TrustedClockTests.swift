import Greylist
import NIOConcurrencyHelpers
import Programs
import Testing

/// Time goes on where the clock of the machine jumps.
struct TrustedClockTests {
    /// Two clocks that a test moves, and what is told.
    private final class Machine: Sendable {
        private struct State: Sendable {
            var wall: Int64 = 1_800_000_000
            var uptime: Int64 = 5_000
            var events: [TrustedClock.Event] = []
        }

        private let state = NIOLockedValueBox(State())

        init(wall: Int64 = 1_800_000_000) {
            state.withLockedValue { $0.wall = wall }
        }

        var events: [TrustedClock.Event] { state.withLockedValue { $0.events } }

        func wait(_ seconds: Int64) {
            state.withLockedValue { state in
                state.wall += seconds
                state.uptime += seconds
            }
        }

        func jump(_ seconds: Int64) {
            state.withLockedValue { $0.wall += seconds }
        }

        func clock() -> TrustedClock {
            TrustedClock(
                wall: { [state] in Timestamp(seconds: state.withLockedValue { $0.wall }) },
                uptime: { [state] in state.withLockedValue { $0.uptime } },
                tell: { [state] event in state.withLockedValue { $0.events.append(event) } })
        }
    }

    private static let start: Int64 = 1_800_000_000
    private static let year: Int64 = 365 * 86_400

    @Test(arguments: [400 * 86_400, -400 * 86_400, 61, -61] as [Int64])
    func aJumpThatDoesNotLastNeverHappened(_ jump: Int64) {
        let machine = Machine()
        let clock = machine.clock()
        #expect(clock.now().seconds == Self.start)
        machine.jump(jump)
        #expect(clock.now().seconds == Self.start)
        #expect(clock.isDoubtful())
        machine.wait(3)
        #expect(clock.now().seconds == Self.start + 3)
        machine.jump(-jump)
        #expect(clock.now().seconds == Self.start + 3)
        #expect(!clock.isDoubtful())
        #expect(machine.events == [.jumped(seconds: jump), .isBack])
        #expect(clock.jumps == 1)
        machine.jump(jump)
        _ = clock.now()
        #expect(clock.jumps == 2)
    }

    @Test func aJumpThatLastsIsBelievedAndNothingIsRemovedForADay() {
        let machine = Machine()
        let clock = machine.clock()
        machine.jump(Self.year)
        #expect(clock.now().seconds == Self.start)
        machine.wait(299)
        #expect(clock.now().seconds == Self.start + 299)
        machine.wait(1)
        #expect(clock.now().seconds == Self.start + Self.year + 300)
        #expect(clock.isDoubtful())
        machine.wait(86_399)
        #expect(clock.isDoubtful())
        machine.wait(1)
        #expect(!clock.isDoubtful())
        #expect(clock.now().seconds == Self.start + Self.year + 86_700)
        #expect(machine.events == [.jumped(seconds: Self.year), .believed(seconds: Self.year)])
    }

    @Test func aJumpOfMinutesThatIsBelievedTakesNoPause() {
        let machine = Machine()
        let clock = machine.clock()
        machine.jump(-600)
        #expect(clock.isDoubtful())
        machine.wait(300)
        #expect(!clock.isDoubtful())
        #expect(clock.now().seconds == Self.start - 300)
    }

    @Test func anotherJumpBeginsAnew() {
        let machine = Machine()
        let clock = machine.clock()
        machine.jump(Self.year)
        #expect(clock.now().seconds == Self.start)
        machine.wait(200)
        machine.jump(Self.year)
        #expect(clock.now().seconds == Self.start + 200)
        machine.wait(200)
        #expect(clock.now().seconds == Self.start + 400)
        machine.wait(100)
        #expect(clock.now().seconds == Self.start + 2 * Self.year + 500)
    }

    @Test func smallStepsAreFollowedAtOnce() {
        let machine = Machine()
        let clock = machine.clock()
        var expected = Self.start
        for step in [1, -1, 60, -60, 37, 59, 60, 60] as [Int64] {
            machine.jump(step)
            machine.wait(1)
            expected += step + 1
            #expect(clock.now().seconds == expected)
            #expect(!clock.isDoubtful())
        }
        #expect(machine.events.isEmpty)
    }

    /// A machine without a battery begins in 1970, until NTP sets its clock.
    @Test func aClockThatIsCertainlyWrongIsSetRightAtOnce() {
        let machine = Machine(wall: 100)
        let clock = machine.clock()
        #expect(clock.now().seconds == 100)
        machine.jump(Self.start)
        #expect(clock.now().seconds == Self.start + 100)
        #expect(!clock.isDoubtful())
        #expect(machine.events.isEmpty)
    }
}
