import NIOCore

/// Sends each command to the node that has its slot.
///
/// Who has which slots is asked at the start, now and then, and whenever something doesn't fit. In between the nodes
/// themselves say where to go (`MOVED`, `ASK`); that is followed at once.
final class ClusterClient {
    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
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
        on eventLoop: any EventLoop, configuration: RedisConfiguration, limits: RedisLimits, seeds: [RedisEndpoint]
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.limits = limits
        self.seeds = seeds.map { .tcp($0) }
    }

    private lazy var nodes: ClusterNodes = ClusterNodes { [unowned self] address in
        NodeClient(
            on: eventLoop, configuration: configuration, handshake: configuration.handshake(demandsMaster: false),
            limits: limits,
            owner: .init(
                locate: { $0.found(address) },
                settle: { [weak self] in self?.settle($0, $1, at: $2) },
                lost: { [weak self] _ in
                    self?.nodes.doubt()
                    self?.poller.ask(elsewhere: true)
                }))
    }

    private lazy var poller: TopologyPoller = TopologyPoller(
        on: eventLoop, configuration: configuration, login: configuration.login, limits: limits,
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

/// Who has which slots, as a node of a cluster says it in answer to `CLUSTER SLOTS`.
struct SlotMap: Equatable {
    struct Span: Equatable {
        var slots: ClosedRange<Int>
        var master: ServerAddress
    }

    var spans: [Span] = []
    /// All nodes, replicas too: any of them can be asked.
    var nodes: [ServerAddress] = []

    /// Reads an answer: `[first, last, [host, port, …], [host, port, …] …]` for each range, the master first.
    init(_ reply: RESPValue, from asked: ServerAddress) throws(RedisError) {
        guard let ranges = reply.elements else { throw .unreadableSlots }
        for range in ranges {
            guard let fields = range.elements, fields.count >= 3, let first = fields[0].number,
                let last = fields[1].number, first >= 0, first <= last, last < KeySlot.count
            else { throw .unreadableSlots }
            var addresses: [ServerAddress] = []
            for node in fields[2...] {
                guard let node = node.elements, node.count >= 2, let port = node[1].number, (1...65535).contains(port)
                else { throw .unreadableSlots }
                // Without a host it is that of the node that was asked; so is one that has yet to be told its name.
                let host = node[0].string ?? ""
                addresses.append(asked.resolve(.init(host: host == "?" ? "" : host, port: port)))
            }
            spans.append(Span(slots: first...last, master: addresses[0]))
            for address in addresses where !nodes.contains(address) { nodes.append(address) }
        }
        guard !spans.isEmpty else {
            throw RedisError(.unavailable(.clusterDown), "the cluster has given no slots to its nodes")
        }
    }

    /// The nodes that have slots, in an order of their own.
    var masters: [ServerAddress] {
        Set(spans.map(\.master)).sorted { $0.description < $1.description }
    }
}

extension RedisError {
    fileprivate static let unreadableSlots = RedisError(
        .unavailable(.clusterDown), "the answer to CLUSTER SLOTS can't be understood")
}

/// The slot of a cluster that keeps a key: CRC16 (XMODEM) of the key, or of its hash tag, modulo 16384.
///
/// The hash tag is what stands between the first `{` and the next `}`, unless it is empty: keys with the same one are
/// in the same slot, so that one script may use them together.
package enum KeySlot {
    static let count = 16384

    /// The slot of that key.
    package static func of(_ key: Span<UInt8>) -> UInt16 {
        crc16(key.extracting(hashTag(of: key))) % UInt16(count)
    }

    private static func hashTag(of key: Span<UInt8>) -> Range<Int> {
        guard let open = key.firstIndex(of: UInt8(ascii: "{"), from: 0),
            let close = key.firstIndex(of: UInt8(ascii: "}"), from: open + 1), close > open + 1
        else { return key.indices }
        return (open + 1)..<close
    }

    private static func crc16(_ bytes: Span<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for index in bytes.indices { crc = crc << 8 ^ table[Int(UInt8(truncatingIfNeeded: crc >> 8) ^ bytes[index])] }
        return crc
    }

    /// What a byte does to the sum: the polynomial 0x1021, most significant bit first.
    private static let table: [UInt16] = (0..<256).map { byte in
        var crc = UInt16(byte) << 8
        for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
        return crc
    }
}

extension Span<UInt8> {
    fileprivate func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        var index = start
        while index < count, self[index] != byte { index += 1 }
        return index < count ? index : nil
    }
}
