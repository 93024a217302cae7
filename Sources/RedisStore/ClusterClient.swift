import NIOCore
import Storage

/// Sends each command to the node that has its slot.
///
/// Who has which slots is asked at the start, now and then, and whenever something doesn't fit. In between the nodes
/// themselves say where to go (`MOVED`, `ASK`); that is followed at once.
final class ClusterClient {
    private let eventLoop: any EventLoop
    private let access: RedisAccess
    private let limits: RedisLimits
    private let seeds: [ServerAddress]
    /// Why nobody has told yet who has which slots.
    private var fault: RedisError?
    /// What waits until somebody has.
    private var queue: [Command] = []
    private var askers: [(Result<[RedisClient.Master], RedisError>) -> Void] = []
    private var isFlushScheduled = false
    private var isClosed = false

    init(
        on eventLoop: any EventLoop, access: RedisAccess, limits: RedisLimits, seeds: [RedisLocation.Endpoint]
    ) {
        self.eventLoop = eventLoop
        self.access = access
        self.limits = limits
        self.seeds = seeds.map { .tcp($0) }
    }

    private lazy var nodes: ClusterNodes = ClusterNodes { [unowned self] address in
        NodeClient(
            on: eventLoop, access: access, handshake: access.handshake(demandsMaster: false), limits: limits,
            owner: .init(
                locate: { $0.found(address) },
                settle: { [weak self] in self?.settle($0, $1, at: $2) },
                lost: { [weak self] _ in
                    self?.nodes.doubt()
                    self?.poller.ask(elsewhere: true)
                }))
    }

    private lazy var poller: TopologyPoller = TopologyPoller(
        on: eventLoop, access: access, login: access.login, limits: limits,
        query: .init(
            command: question, pace: limits.clusterPace,
            candidates: { [weak self] in self?.candidates ?? [] },
            answered: { [weak self] (reply, asked) throws(RedisError) in
                self?.adopt(try SlotMap(reply, from: asked))
            },
            failed: { [weak self] in self?.lose($0) }))

    /// What is to be sent once more, when the nodes have gone on with moving its keys.
    private lazy var retryQueue = RetryQueue(on: eventLoop) { [weak self] commands in
        for command in commands { self?.submit(command) }
        self?.flush()
    }

    private var question: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeCommand("CLUSTER", arguments: 1)
        buffer.writeBulk("SLOTS")
        return buffer
    }

    /// The nodes that are known, and those of the URL, which may be all that is left.
    private var candidates: [ServerAddress] {
        guard let known = nodes.map?.nodes else { return seeds }
        return known + seeds.filter { !known.contains($0) }
    }

    /// Whether commands are sent to every node that there is.
    var isReady: Bool { !isClosed && nodes.areReady }

    func start() {
        poller.ask()
    }

    func close() {
        isClosed = true
        poller.close()
        let waiting = queue + retryQueue.cancel()
        queue = []
        nodes.close()
        for command in waiting { command.pendingReply.fail(.closed) }
        answerAskers(.failure(.closed))
    }

    /// Takes a command of which ``flush()`` is to be called soon.
    func submit(_ command: Command) {
        if isClosed { return command.pendingReply.fail(.closed) }
        guard nodes.map != nil else { return enqueue(command) }
        guard let owner = nodes.owner(of: command.slot) else {
            poller.ask()
            return command.pendingReply.fail(
                RedisError(.unavailable(.clusterDown), "no node of the cluster has the slot"))
        }
        owner.submit(command)
    }

    /// Takes a command for that node.
    func submit(_ command: Command, on address: ServerAddress) {
        guard let node = nodes[address] else {
            return command.pendingReply.fail(
                isClosed ? .closed : RedisError(.unavailable(.notServing), "\(address) is not a master of the cluster"))
        }
        node.submit(command)
    }

    /// Sends what was taken.
    func flush() {
        nodes.flush()
    }

    private func enqueue(_ command: Command) {
        if let fault { return command.pendingReply.fail(fault) }
        guard queue.count < limits.waiting else {
            return command.pendingReply.fail(RedisError(.unavailable(.busy), "\(limits.waiting) commands wait"))
        }
        queue.append(command)
    }

    // MARK: Who has what

    /// Tells the masters, once they are known.
    func masters(_ done: @escaping (Result<[RedisClient.Master], RedisError>) -> Void) {
        if isClosed { return done(.failure(.closed)) }
        if let map = nodes.map { return done(.success(map.masters.map { .node($0) })) }
        if let fault { return done(.failure(fault)) }
        askers.append(done)
    }

    private func answerAskers(_ answer: Result<[RedisClient.Master], RedisError>) {
        let askers = askers
        self.askers = []
        for asker in askers { asker(answer) }
    }

    private func adopt(_ map: SlotMap) {
        fault = nil
        nodes.adopt(map)
        let queue = queue
        self.queue = []
        for command in queue { submit(command) }
        flush()
        answerAskers(.success(map.masters.map { .node($0) }))
    }

    /// Nobody says who has what; what is believed is believed on.
    private func lose(_ fault: RedisError) {
        guard nodes.map == nil else { return }
        self.fault = fault
        let queue = queue
        self.queue = []
        for command in queue { command.pendingReply.fail(fault) }
        answerAskers(.failure(fault))
    }

    // MARK: Answers that send elsewhere

    private func settle(_ command: Command, _ fault: RedisError, at node: NodeClient) {
        switch fault.kind {
        case .moved(let slot, let endpoint):
            guard !isClosed, let address = node.address?.resolve(endpoint) else {
                return command.pendingReply.fail(fault)
            }
            let target = nodes.join(address)
            nodes.move(slot, to: target)
            poller.ask()
            resend(command, isAsking: false) { target.submit($0) }
        case .ask(_, let endpoint):
            guard !isClosed, let address = node.address?.resolve(endpoint) else {
                return command.pendingReply.fail(fault)
            }
            let target = nodes.join(address)
            resend(command, isAsking: true) { target.submit($0) }
        case .tryAgain where !isClosed: resend(command, isAsking: false) { retryQueue.add($0) }
        case .unavailable(.clusterDown):
            poller.ask()
            command.pendingReply.fail(fault)
        default: command.pendingReply.fail(fault)
        }
    }

    private func resend(_ command: Command, isAsking: Bool, by send: (Command) -> Void) {
        guard command.redirections < limits.redirections else {
            return command.pendingReply.fail(
                RedisError(.unavailable(.clusterDown), "the nodes sent the command elsewhere too often"))
        }
        var command = command
        command.redirections += 1
        command.isAsking = isAsking
        send(command)
        flushSoon()
    }

    /// Sends what many replies of one turn have sent elsewhere.
    private func flushSoon() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }
}
