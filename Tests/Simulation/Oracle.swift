import Engine
import Greylist

/// What all attempts were, and whether each answer is right: it knows who the senders are and when they came, and nothing of how
/// the engine decides.
final class Oracle {
    private let world: World
    private let conditions: Conditions
    /// All that was ever asked, by what it may be known under.
    private var attempts: [TrueKey: [Request]] = [:]
    /// Networks, and when their triplets may have passed for the first time.
    private var passes: [Int: Int] = [:]
    /// Whom our users wrote to: the user, and the sender's address or domain.
    private var addresses: Set<Correspondent> = []
    private var organisations: Set<Correspondent> = []
    /// How often mail of a sender's organisation was accepted, and by whom.
    private var accepted: [String: (count: Int, recipients: Set<Int>)] = [:]
    /// How often something has happened that may excuse that an entry is forgotten.
    private var excuses = 0
    /// How many requests were answered for each reason.
    private(set) var reasons = [Int](repeating: 0, count: 256)

    private struct Correspondent: Hashable {
        let user: Int
        var address = ""
        var domain = ""
    }

    init(_ world: World, under conditions: Conditions) { (self.world, self.conditions) = (world, conditions) }

    private var rules: Rules { conditions.rules }
    private var least: Int64 { rules.delay - rules.leeway }

    /// Something has happened for which stores, or daemons, may have forgotten what they knew.
    func noteExcuse() { excuses += 1 }

    /// One of our users writes to a sender; whether that is ever learnt, nobody waits to see.
    func noteOutgoing(_ request: Request) {
        addresses.insert(Correspondent(user: request.recipient, address: request.mail.address))
        organisations.insert(Correspondent(user: request.recipient, domain: request.mail.sender.domain))
    }

    // MARK: Attempts

    /// A request is on its way: what the store makes of it nobody knows until it is answered.
    func begin(_ request: Request) {
        for key in request.keys { attempts[key, default: []].append(request) }
        passes[request.host.network, default: 0] += 1
    }

    /// Compares an answer with what is known, and takes note of it.
    func take(_ request: Request) {
        guard let decision = request.decision, let reply = request.reply, let clock = request.clock else {
            preconditionFailure("a request is judged when its answer is there")
        }
        reasons[Int(decision.reason.rawValue)] += 1
        let mayLackStore = request.mayLackStore
        check(reply, for: decision, of: request)
        check(decision, of: request, clock, mayLackStore)
        follow(decision, of: request, clock, mayLackStore)
        if decision.isDeferral, !mayLackStore {
            request.mayHavePassed = false
            passes[request.host.network, default: 1] -= 1
        }
        note(decision, of: request, clock)
    }

    private func note(_ decision: NotedDecision, of request: Request, _ clock: ClosedRange<Int64>) {
        let message = request.message
        switch decision.reason {
        case .retried:
            message.hasPassed = true
            if let delay = decision.delay {
                message.firstAttempts.append(clock.lowerBound - delay...clock.upperBound - delay)
            }
        case .known, .correspondent, .earned, .released: message.hasPassed = true
        case .carried: message.carried += 1
        default: break
        }
        guard !decision.isDeferral else { return }
        var (count, recipients) = accepted[request.mail.sender.domain] ?? (0, [])
        count += 1
        recipients.insert(request.recipient)
        accepted[request.mail.sender.domain] = (count, recipients)
    }

    // MARK: What must never be

    private func fail(_ text: String, _ request: Request) {
        world.fail("request \(request.number) of mail \(request.mail.number): \(text)", about: request.tags)
    }

    /// Whether the reply says what was decided.
    private func check(_ reply: Request.Reply, for decision: NotedDecision, of request: Request) {
        switch reply {
        case .dunno: if decision.isDeferral { fail("\(decision.reason), and passed", request) }
        case .header:
            if decision.reason != .retried { fail("\(decision.reason), and told that it has waited", request) }
        case .deferral(let wait):
            if !decision.isDeferral { fail("\(decision.reason), and deferred", request) }
            if !(1...rules.delay).contains(wait) { fail("told to wait for \(wait) s", request) }
        }
    }

    /// Whether there was another attempt under one of its keys that is like this, by what the clock of its daemon said meanwhile.
    private func related(
        _ request: Request, where isMeant: (_ attempt: Request, _ clock: ClosedRange<Int64>) -> Bool
    ) -> Bool {
        request.keys.contains { key in
            attempts[key]?.contains { attempt in
                attempt !== request && attempt.clock.map { isMeant(attempt, $0) } ?? false
            } == true
        }
    }

    /// Whether its reason is one that it has.
    private func check(
        _ decision: NotedDecision, of request: Request, _ clock: ClosedRange<Int64>, _ mayLackStore: Bool
    ) {
        let sender = request.mail.sender
        switch decision.reason {
        case .new, .early: break
        case .retried:
            let isDue = related(request) { _, then in
                clock.upperBound - then.lowerBound >= least
                    && clock.lowerBound - then.upperBound <= rules.retryWindow
            }
            if !isDue {
                fail("passed as a retry, and there is no attempt under its keys \(least) s before or earlier", request)
            }
        case .known:
            let hasPassed = related(request) { attempt, then in
                attempt.mayHavePassed && clock.lowerBound - then.upperBound <= rules.maxAge
            }
            if !hasPassed { fail("passed as known, and nothing of its keys has passed", request) }
        case .carried:
            let message = request.message
            let isMeant = message.firstAttempts.contains { first in
                related(request) { $1.lowerBound <= first.upperBound + 60 && $1.upperBound >= first.lowerBound - 60 }
            }
            if !message.hasPassed || !sender.isProvable && !isMeant {
                fail("carried, and no other recipient of the message has passed", request)
            }
            if message.carried >= 10, !isMeant, !message.isInterrupted { fail("carried with ten others", request) }
        case .correspondent:
            let user = request.recipient
            let isKnown =
                addresses.contains(Correspondent(user: user, address: request.mail.address))
                || !sender.isShared && organisations.contains(Correspondent(user: user, domain: sender.domain))
            if !isKnown || !sender.isProvable { fail("passed as a correspondent, and is none", request) }
        case .earned:
            let (count, recipients) = accepted[sender.domain] ?? (0, [])
            let users = organisations.count { $0.domain == sender.domain }
            let isEarned =
                count >= Int(conditions.lane.earnDays) && recipients.count >= Int(conditions.lane.earnRecipients)
            if !sender.isProvable || sender.isShared || !isEarned && users < Int(conditions.lane.earnUsers) {
                fail("passed as earned, and has earned nothing", request)
            }
        case .autoWhitelisted:
            if rules.clientCount == 0 || passes[request.host.network, default: 0] < Int(rules.clientCount) {
                fail("passed by the auto-whitelist, and few of its triplets have", request)
            }
        case .pendingLimitReached:
            if rules.maxPendingPerNetwork > 1_000 { fail("passed as one too many, and there are few", request) }
        case .storeUnavailable:
            if !mayLackStore { fail("decided without the store, which was there", request) }
        default: fail("decided for a reason that it can't have: \(decision.reason)", request)
        }
    }

    // MARK: What must be

    /// A sender that comes again passes when it is due, unless something has gone wrong that excuses it.
    private func follow(
        _ decision: NotedDecision, of request: Request, _ clock: ClosedRange<Int64>, _ mayLackStore: Bool
    ) {
        guard decision.isDeferral, !mayLackStore else { return }
        let mail = request.mail
        let keys = Set(request.keys.filter { isUsed($0, of: mail.sender, decision) })
        let due = mail.deferrals[request.recipient]?.first { earlier in
            earlier.excuses == excuses && !earlier.keys.isDisjoint(with: keys)
                && clock.lowerBound - earlier.clock.upperBound >= rules.delay
                && clock.upperBound - earlier.clock.lowerBound < rules.retryWindow
        }
        if let due {
            let waited = clock.lowerBound - due.clock.upperBound
            fail("deferred (\(decision.reason)), though it was deferred \(waited) s ago and remembered", request)
        }
        guard decision.reason == .new || decision.reason == .early else { return }
        mail.deferrals[request.recipient, default: []].append(
            Mail.Deferral(keys: keys, clock: clock, excuses: excuses))
    }

    /// Whether the daemon could use a key: for that of the sender's organisation it needs a proof, and its mail mustn't wait
    /// from too many networks.
    private func isUsed(_ key: TrueKey, of sender: Sender, _ decision: NotedDecision) -> Bool {
        key.kind != .organisation || !sender.isShared && (decision.proof ?? .network) >= .name
    }
}
