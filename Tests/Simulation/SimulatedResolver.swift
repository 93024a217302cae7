import NIOCore
import NIOEmbedded
import SPF
import SPFZones

@testable import Resolver

/// The servers of the DNS, and the way to them.
final class Nameservers {
    let zone: Zone
    /// How long an answer takes, in microseconds.
    private var latency: ClosedRange<Int64> = 300...60_000
    /// How many questions of a thousand get no answer.
    private var loss = 3
    /// How many answers of a thousand say that the server has failed.
    private var failures = 3

    init(_ zone: Zone) { self.zone = zone }

    var faults: [Fault] {
        [
            Fault("the DNS is down") {
                self.loss = 1_000
            } end: {
                self.loss = 3
            },
            Fault("the DNS loses questions") {
                self.loss = 300
            } end: {
                self.loss = 3
            },
            Fault("the DNS is slow") {
                self.latency = 200_000...4_000_000
            } end: {
                self.latency = 300...60_000
            },
            Fault("the DNS fails") {
                self.failures = 500
            } end: {
                self.failures = 3
            },
        ]
    }

    /// Asks a question.
    func ask(_ question: DNSQuestion, in world: World, then answer: @escaping (DNSAnswer) -> Void) {
        guard !world.happens(loss) else { return }
        let hasFailed = world.happens(failures)
        world.after(microseconds: world.draw(latency)) { [zone] in
            answer(hasFailed ? .temporaryError : zone.answer(question))
        }
    }
}

/// The resolver of a daemon: all that it decides, with the simulated servers in the place of libunbound.
final class SimulatedResolver: @unchecked Sendable {  // guarded by: the thread of its world
    private enum Caller {
        case look(@Sendable (DNSAnswer, TimeAmount) -> Void)
        case check(@Sendable (SPFCheck, TimeAmount) -> Void)
    }

    /// How long answers hold.
    private static let lifetime = TimeAmount.seconds(300)

    private let world: World
    private let servers: Nameservers
    private var machine = ResolverMachine<Caller>(timeout: .seconds(5))
    private var timer: Scheduled<Void>?
    /// Which context asks; what one of before was asked isn't answered any more.
    private var context = 0

    init(in world: World, asking servers: Nameservers) { (self.world, self.servers) = (world, servers) }

    /// What the daemon asks.
    private(set) lazy var resolver = DNSResolver { [weak self] in self?.take($0) }

    private func take(_ request: ResolverRequest) {
        switch request {
        case .look(let question, let reply): machine.look(up: question, for: .look(reply), at: world.loop.now)
        case .check(let subject, let reply): machine.check(subject, for: .check(reply), at: world.loop.now)
        }
        act()
    }

    private func act() {
        var actions = machine.takeActions()
        while !actions.isEmpty {
            for action in actions { carryOut(action) }
            actions = machine.takeActions()
        }
        schedule()
    }

    private func carryOut(_ action: ResolverMachine<Caller>.Action) {
        switch action {
        case .send(let number, let question):
            servers.ask(question, in: world) { [weak self, context] answer in
                guard let self, context == self.context else { return }
                machine.answer(
                    number, answer, lifetime: answer == .temporaryError ? nil : Self.lifetime, at: world.loop.now)
                act()
            }
        case .cancel: break
        case .renew: context += 1
        case .answer(.look(let reply), let answer, let lifetime): reply(answer, lifetime)
        case .conclude(.check(let reply), let check, let lifetime): reply(check, lifetime)
        case .answer, .conclude: preconditionFailure("a caller gets what it asked for")
        case .noteOutage(let isDown): world.note([.everything], "the DNS is \(isDown ? "un" : "")available")
        }
    }

    private func schedule() {
        timer?.cancel()
        timer = nil
        guard let deadline = machine.nextDeadline else { return }
        timer = world.loop.scheduleTask(deadline: deadline) { [weak self] in
            guard let self else { return }
            machine.expire(at: world.loop.now)
            act()
        }
    }
}
