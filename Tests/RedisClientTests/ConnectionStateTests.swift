import NIOCore
import RedisLab
import Testing

@testable import RedisClient

struct ConnectionStateTests {
    private typealias State = ConnectionState<String>

    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private static func state(_ handshake: Handshake = Handshake(), limits: RedisLimits = RedisLimits()) -> State {
        State(handshake: handshake, limits: limits, now: start)
    }

    /// A state that has been greeted.
    private static func ready(limits: RedisLimits = RedisLimits()) -> State {
        var state = state(limits: limits)
        for _ in state.connected(now: start) { _ = state.received(.simple("OK"), now: start) }
        return state
    }

    @Test func itIsReadyWhenTheGreetingIsAnswered() {
        var state = Self.state(Handshake(login: .init(user: "u", password: "p"), database: 3, demandsMaster: true))
        #expect(state.connected(now: Self.start) == [.login, .database, .name, .role])
        for _ in 0..<3 { #expect(state.received(.simple("OK"), now: Self.start).isNothing) }
        #expect(state.received(.array([.bulk("master"), .integer(0), .array([])]), now: Self.start).isReady)
    }

    @Test func nobodyGreetsTwice() {
        var state = Self.state()
        #expect(state.connected(now: Self.start) == [.name])
        #expect(state.connected(now: Self.start) == [])
    }

    static let verdicts: [(Handshake.Step, RESPValue, Handshake.Verdict)] = [
        (.login, .simple("OK"), .good),
        (
            .login, .error("WRONGPASS invalid"),
            .fault(RedisError(.misconfigured, "the server refuses the login: WRONGPASS invalid"))
        ),
        (
            .login, .error("ERR unknown command 'AUTH', with args beginning with: 'secret'"),
            .fault(RedisError(.misconfigured, "the server refuses the login: it doesn't take AUTH as we send it"))
        ),
        (.login, .error("LOADING x"), .fault(RedisError(.unavailable(.notServing), "LOADING x"))),
        (
            .database, .error("ERR DB index is out of range"),
            .fault(RedisError(.misconfigured, "the server refuses database 9: ERR DB index is out of range"))
        ),
        (
            .database, .error("ERR SELECT is not allowed in cluster mode"),
            .fault(
                RedisError(
                    .misconfigured, "the server refuses database 9: ERR SELECT is not allowed in cluster mode"))
        ),
        (.name, .error("NOPERM x"), .good), (.name, .error("ERR unknown command"), .good),
        (.name, .error("NOAUTH x"), .fault(RedisError(.misconfigured, "NOAUTH x"))),
        (.name, .error("DENIED x"), .fault(RedisError(.misconfigured, "DENIED x"))),
        (
            .name, .error("ERR max number of clients reached"),
            .fault(RedisError(.unavailable(.busy), "ERR max number of clients reached"))
        ),
        (.memory, .error("NOPERM x"), .good), (.memory, .null, .good),
        (.memory, .bulk("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n"), .good),
        (.memory, .bulk("# Memory\r\nmaxmemory:99\r\nmaxmemory_policy:noeviction\r\n"), .good),
        (
            .memory, .bulk("# Memory\r\nmaxmemory:99\r\nmaxmemory_human:99B\r\nmaxmemory_policy:allkeys-lru\r\n"),
            .warning(
                """
                the server may evict entries when its memory is full (maxmemory-policy allkeys-lru): \
                set maxmemory-policy noeviction
                """)
        ),
        (.role, .array([.bulk("master"), .integer(1)]), .good),
        (
            .role, .array([.bulk("slave"), .bulk("h")]),
            .fault(RedisError(.unavailable(.notServing), "the server is not a master"))
        ),
        (.role, .null, .fault(RedisError(.unavailable(.notServing), "the server is not a master"))),
        (
            .role, .error("NOPERM x"),
            .fault(RedisError(.misconfigured, "the server doesn't tell its role: NOPERM x"))
        ),
    ]

    @Test(arguments: verdicts)
    func eachStepOfTheHandshakeIsJudged(_ step: Handshake.Step, _ reply: RESPValue, _ verdict: Handshake.Verdict) {
        #expect(Handshake(database: 9).judge(reply, to: step) == verdict)
    }

    @Test func aRefusedStepClosesTheConnection() {
        var state = Self.state(Handshake(login: .init(password: "p")))
        _ = state.connected(now: Self.start)
        #expect(state.received(.error("WRONGPASS x"), now: Self.start).fault?.kind == .misconfigured)
        #expect(state.close() == [])
        #expect(state.received(.error("NOAUTH x"), now: Self.start).isNothing, "what comes later is of no interest")
    }

    @Test func aRemarkIsKeptUntilTheGreetingIsOver() {
        var state = Self.state(Handshake(demandsMaster: true, asksForMemory: true))
        #expect(state.connected(now: Self.start) == [.name, .memory, .role])
        _ = state.received(.simple("OK"), now: Self.start)
        let memory = RESPValue.bulk("maxmemory:1\r\nmaxmemory_policy:allkeys-lfu\r\n")
        #expect(state.received(memory, now: Self.start).isNothing)
        guard case .ready(let warning?) = state.received(.array([.bulk("master")]), now: Self.start) else {
            Issue.record("no warning")
            return
        }
        #expect(warning.contains("allkeys-lfu"))
    }

    @Test func repliesGoToTheCommandsInTheirOrder() {
        var state = Self.ready()
        #expect(state.send("a", afterAsking: false, now: Self.start) == nil)
        #expect(state.send("b", afterAsking: true, now: Self.start) == nil)
        #expect(state.send("c", afterAsking: false, now: Self.start) == nil)
        #expect(state.received(.integer(1), now: Self.start).delivered == "a")
        #expect(state.received(.simple("OK"), now: Self.start).isNothing, "that of ASKING is nobody's")
        #expect(state.received(.error("ERR x"), now: Self.start).delivered == "b")
        #expect(!state.isIdle)
        #expect(state.close() == ["c"])
        #expect(state.isIdle)
        #expect(state.received(.integer(3), now: Self.start).isNothing, "it is too late")
        #expect(state.close() == [])
    }

    @Test func aReplyToNothingClosesTheConnection() {
        var state = Self.ready()
        #expect(state.received(.simple("OK"), now: Self.start).fault?.kind == .unavailable(.unreachable))
        var other = Self.ready()
        #expect(other.received(.error("ERR x"), now: Self.start).fault?.message == "ERR x")
    }

    @Test func onlySoManyCommandsWait() {
        var limits = RedisLimits()
        limits.waiting = 2
        var state = Self.ready(limits: limits)
        #expect(state.send("a", afterAsking: false, now: Self.start) == nil)
        #expect(state.send("b", afterAsking: false, now: Self.start) == nil)
        #expect(state.send("c", afterAsking: false, now: Self.start)?.kind == .unavailable(.busy))
        _ = state.received(.integer(1), now: Self.start)
        #expect(state.send("c", afterAsking: false, now: Self.start) == nil)
    }

    @Test func aServerHasTimeToAnswer() {
        var connecting = Self.state()
        #expect(connecting.tick(now: Self.start + .seconds(2)) == .nothing)
        #expect(connecting.tick(now: Self.start + .milliseconds(2_001)).isClose)
        var handshake = Self.state()
        _ = handshake.connected(now: Self.start + .seconds(1))
        #expect(handshake.tick(now: Self.start + .milliseconds(2_001)).isClose, "it doesn't start again")
        var ready = Self.ready()
        _ = ready.send("a", afterAsking: false, now: Self.start + .seconds(1))
        _ = ready.send("b", afterAsking: false, now: Self.start + .seconds(4))
        #expect(ready.tick(now: Self.start + .seconds(6)) == .nothing)
        _ = ready.received(.integer(1), now: Self.start + .seconds(6))
        #expect(ready.tick(now: Self.start + .seconds(9)) == .nothing)
        #expect(ready.tick(now: Self.start + .milliseconds(9_001)).isClose)
        _ = ready.close()
        #expect(ready.tick(now: Self.start + .hours(1)) == .nothing)
    }

    @Test func aSilentConnectionIsTried() {
        var state = Self.ready()
        #expect(state.tick(now: Self.start + .milliseconds(9_999)) == .nothing)
        #expect(state.tick(now: Self.start + .seconds(10)) == .ping)
        #expect(state.tick(now: Self.start + .seconds(11)) == .nothing, "one at a time")
        #expect(state.received(.simple("PONG"), now: Self.start + .seconds(12)).isNothing)
        #expect(state.tick(now: Self.start + .seconds(21)) == .nothing)
        #expect(state.tick(now: Self.start + .seconds(22)) == .ping)
        #expect(state.tick(now: Self.start + .milliseconds(27_001)).isClose)
    }

    @Test func theGreetingIsWrittenAsTheServerWantsIt() {
        var buffer = ByteBuffer()
        Handshake(login: .init(password: "p")).write(.login, into: &buffer)
        #expect(String(buffer: buffer) == "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n")
        buffer.clear()
        let handshake = Handshake(login: .init(user: "u", password: "p"), database: 7)
        for step in [Handshake.Step.login, .database, .name, .memory, .role] { handshake.write(step, into: &buffer) }
        #expect(
            String(buffer: buffer).replacing("\r\n", with: " ") == """
                *3 $4 AUTH $1 u $1 p *2 $6 SELECT $1 7 *3 $6 CLIENT $7 SETNAME $4 tprt *2 $4 INFO $6 memory *1 $4 ROLE \
                \("")
                """)
    }
}

extension ConnectionState.ReplyAction {
    fileprivate var isNothing: Bool { if case .nothing = self { true } else { false } }
    fileprivate var isReady: Bool { if case .ready = self { true } else { false } }
    fileprivate var delivered: Command? { if case .deliver(let command) = self { command } else { nil } }
    fileprivate var fault: RedisError? { if case .close(let fault) = self { fault } else { nil } }
}

extension ConnectionState.TickAction {
    fileprivate var isClose: Bool { if case .close = self { true } else { false } }
}
