import Domains
import Engine
import Greylist
import Storage

/// The mail servers of a site with their daemons, and all who write to them.
final class Site {
    /// How many recipients there are.
    static let recipients = 120
    /// How long open requests may be, in milliseconds, before somebody looks.
    private static let round: Int64 = 2_000
    /// A sender gives up after so many tries.
    static let mostTries = 40

    let conditions: Conditions
    let world: World
    private let ground: any Ground
    private let ledger: StoreLedger
    let oracle: Oracle
    let population: Population
    private let nameservers: Nameservers
    private let organisations: Organisations
    let daemons: [Daemon]
    private var openings: [Int: Opening] = [:]
    var lastRequest = 0
    var lastMail = 0
    var lastMessage = 0
    /// Mails that are on their way.
    var mails: [Int: Mail] = [:]
    /// Those that were delivered, some of which have successors.
    var delivered: [Mail] = []
    private(set) var isHealed = false
    /// What is wrong now, by its number.
    private var current: [Int: Fault] = [:]
    private var lastFault = 0
    private(set) var answered = 0
    private(set) var faultCounts: [String: Int] = [:]

    init(in world: World, on kind: GroundKind) throws {
        self.world = world
        conditions = Conditions(ground: kind, using: &world.random)
        ledger = StoreLedger(world, conditions.rules)
        ground = try Self.ground(kind, in: world, under: conditions, ledger)
        ledger.promisesAliases = ground.promisesAliases
        oracle = Oracle(world, under: conditions)
        population = Population(using: &world.random)
        nameservers = Nameservers(population.zone)
        let shared = SharedIdentityFile(path: "shared", text: Array("shared \(Sender.freemail)\n".utf8))
        organisations = Organisations(suffixes: .builtIn(), shared: SharedIdentities([shared]))
        daemons = (0..<ground.daemons).map { number in
            Daemon(number, in: world, offset: world.draw(-1_500...1_500))
        }
    }

    private static func ground(
        _ kind: GroundKind, in world: World, under conditions: Conditions, _ ledger: StoreLedger
    ) throws -> any Ground {
        switch kind {
        case .store: CentralStore(in: world)
        case .redis: RedisGround(in: world, ledger)
        case .journal: try JournalGround(in: world, under: conditions, ledger)
        }
    }

    /// How often which reason was given.
    var reasons: [(reason: String, count: Int)] {
        oracle.reasons.enumerated().compactMap { code, count in
            count == 0 ? nil : (ReasonCode(rawValue: UInt8(code)).map { "\($0)" } ?? "?", count)
        }.sorted { $0.count > $1.count }
    }

    // MARK: The world's course

    func start() {
        (ground as? RedisGround)?.forget = { [unowned self] in oracle.noteExcuse() }
        // After a moment somebody starts them again.
        (ground as? JournalGround)?.kill = { [unowned self] in
            for daemon in daemons { kill(daemon) }
            if conditions.syncInterval != nil { oracle.noteExcuse() }
            world.after(world.draw(100...20_000)) { [self] in for daemon in daemons { boot(daemon) } }
        }
        for daemon in daemons { boot(daemon) }
        nextWave()
        nextFault()
        look()
    }

    func end() {
        for daemon in daemons { kill(daemon) }
        world.settle()
        ground.end()
        world.end()
    }

    /// Nothing goes wrong any more, and no mail begins: all that is on its way is to arrive.
    func heal() {
        isHealed = true
        for number in current.keys.sorted() { current[number]?.end() }
        current = [:]
        for mail in mails.values { mail.tries = 0 }
        world.note([.everything], "all is well from here on")
        for daemon in daemons where daemon.life == nil { boot(daemon) }
    }

    /// Whether all that was on its way has arrived.
    var isQuiet: Bool {
        mails.isEmpty && daemons.allSatisfy { $0.life?.requests.isEmpty == true }
    }

    private func boot(_ daemon: Daemon) {
        guard daemon.life == nil else { return }
        do {
            let opening = try ground.open(daemon, loops: ground.loops)
            openings[daemon.number] = opening
            let name = "daemon \(daemon.number)"
            let stores = opening.stores.map { WatchedStore($0, of: name, in: world, ledger) }
            let rest = WatchedStore(opening.rest, of: name, in: world, ledger)
            daemon.life = try Life(
                daemon, under: conditions, stores: stores, rest: rest,
                lookUp: { [world] keys, done in
                    world.run {
                        do throws(StoreError) {
                            done(.success(try await rest.find(keys, in: .identity)))
                        } catch {
                            done(.failure(error))
                        }
                    }
                }, resolver: SimulatedResolver(in: world, asking: nameservers), organisations: organisations)
            world.note([.everything], "daemon \(daemon.number) starts")
        } catch {
            world.fail("daemon \(daemon.number) can't start: \(error)")
        }
    }

    private func kill(_ daemon: Daemon) {
        guard let life = daemon.life else { return }
        daemon.life = nil
        life.end()
        openings.removeValue(forKey: daemon.number)?.end()
    }

    // MARK: What goes wrong

    private func nextFault() {
        let pause: ClosedRange<Int64> =
            switch conditions.weather {
            case .calm: 36_000_000...360_000_000
            case .usual: 120_000...7_200_000
            case .rough: 10_000...1_200_000
            }
        world.after(world.draw(pause)) { [self] in
            if !isHealed {
                breakSomething()
                nextFault()
            }
        }
    }

    private func breakSomething() {
        var faults = ground.faults + nameservers.faults
        for daemon in daemons { faults.append(crash(of: daemon)) }
        if conditions.setsClocks { faults += daemons.map(clockStep) }
        let fault = world.pick(faults)
        faultCounts[fault.name, default: 0] += 1
        world.note([.everything], fault.name)
        fault.begin()
        lastFault += 1
        let number = lastFault
        current[number] = fault
        let length = world.happens(700) ? world.draw(500...30_000) : world.draw(30_000...900_000)
        world.after(length) { [self] in
            guard let fault = current.removeValue(forKey: number) else { return }
            world.note([.everything], "over: \(fault.name)")
            fault.end()
        }
    }

    private func crash(of daemon: Daemon) -> Fault {
        Fault("daemon \(daemon.number) is killed") { [self] in
            kill(daemon)
        } end: { [self] in
            boot(daemon)
        }
    }

    private func clockStep(of daemon: Daemon) -> Fault {
        let step = world.happens(500) ? world.draw(-30_000...30_000) : world.draw(-7_200_000...7_200_000)
        return Fault("the clock of daemon \(daemon.number) is set by \(step) ms") { [self] in
            daemon.setClock(by: step)
            ledger.forget(since: 0)
            oracle.noteExcuse()
        } end: { [self] in
            daemon.setClock(by: -step)
            ledger.forget(since: 0)
            oracle.noteExcuse()
        }
    }

    /// Looks whether a request is overdue.
    private func look() {
        world.quietly(after: Self.round) { [self] in
            for daemon in daemons {
                for request in daemon.life.map({ Array($0.requests.values) }) ?? [] where request.isOverdue {
                    world.fail(
                        "request \(request.number) isn't answered within \(Conditions.requestDeadline) ms",
                        about: request.tags)
                }
            }
            look()
        }
    }

    // MARK: Replies

    func take(_ text: String, for request: Request) {
        answered += 1
        world.note(request.tags, "request \(request.number): \(text)")
        request.note(request.life.daemon.clock)
        if let turn = request.turn, world.now - turn > Conditions.requestDeadline {
            world.fail("request \(request.number) is answered after \(world.now - turn) ms", about: request.tags)
        }
        guard let reply = Request.Reply(text, to: request.recipient) else {
            return world.fail("request \(request.number) got what isn't a reply to it: \(text)", about: request.tags)
        }
        request.reply = reply
        if request.message.isOutgoing {
            request.life.requests[request.number] = nil
            if reply != .dunno { world.fail("mail of our own users isn't passed", about: request.tags) }
            return request.settle(reply)
        }
        world.soon { [self, life = request.life] in
            readDecisions(of: life)
            request.settle(reply)
        }
    }

    /// Reads what a daemon says of its decisions, and has them judged.
    private func readDecisions(of life: Life) {
        guard !life.isOver else { return }
        var batch = DecisionBatch()
        if life.decisions.take(into: &batch) > 0 { world.fail("decisions found no room") }
        for decision in batch.decisions {
            let helo = String(decoding: batch.text(.helo, of: decision), as: UTF8.self)
            guard let number = Int(helo.dropFirst().prefix { $0 != "." }), let request = life.requests[number] else {
                return world.fail("daemon \(life.daemon.number) has decided about \(helo), which isn't asked about")
            }
            guard request.decision == nil else {
                return world.fail("request \(number) is decided twice", about: request.tags)
            }
            request.decision = decision
            guard !request.isAbandoned else {
                // The reply went to a connection that is no more.
                request.note(life.daemon.clock)
                life.requests[number] = nil
                continue
            }
            guard request.reply != nil else {
                return world.fail("request \(number) is decided, and there is no reply", about: request.tags)
            }
            life.requests[number] = nil
            oracle.take(request)
            if !decision.isDeferral, world.happens(300) { keep(request.mail, request.recipient) }
        }
    }

    /// Mail that has been accepted may come once more.
    private func keep(_ mail: Mail, _ recipient: Int) {
        if delivered.count > 300 { delivered.removeFirst(100) }
        delivered.append(Mail(mail.number, from: mail.sender, address: mail.address, to: [recipient], pace: mail.pace))
    }
}

extension Request {
    /// Whether nobody has answered it in time.
    fileprivate var isOverdue: Bool {
        guard let turn, reply == nil, !isAbandoned else { return false }
        return life.world.now - turn > Conditions.requestDeadline
    }

    /// Whether it may have been decided without the store.
    var mayLackStore: Bool { store?.mayHaveFailed(since: turn ?? 0) ?? true }
}

extension Request.Reply {
    /// The reply in these words; nil where it is none, or that to another recipient.
    fileprivate init?(_ text: String, to recipient: Int) {
        let words = text.split(separator: " ")
        let domain = "u\(recipient).site.example"
        switch (words.first, words.count) {
        case ("action=DUNNO", 1): self = .dunno
        case ("action=DEFER_IF_PERMIT", 3):
            guard let wait = Int64(words[1]), words[2] == domain else { return nil }
            self = .deferral(wait: wait)
        case ("action=PREPEND", 4):
            guard words[1] == "X-Greylist:", let delay = Int64(words[2]), words[3] == domain else { return nil }
            self = .header(delay: delay)
        default: return nil
        }
    }
}
