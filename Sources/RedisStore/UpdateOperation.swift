import Greylist
import NIOConcurrencyHelpers
import NIOCore
import Storage

/// A batch of queries on its way through Redis.
///
/// Each goes its own way, and the batch is answered when all have arrived:
///
/// 1. What is known? A query with nothing but its triplet makes a new entry in the same step (`SET … NX GET`): one round
///    trip. Any other has all its lookups read together.
/// 2. The judgement, in Swift.
/// 3. What is to be remembered is written, provided that nobody else was faster. Then it is judged once more, by what
///    that one wrote: so two servers never both find a triplet new, and only one of them sees it pass the first time.
final class UpdateOperation: ReplyReceiver {
    /// What a reply is about: a command, and the lookup that it belongs to.
    private struct Step {
        enum Command: Int {
            case claim, read, write
        }

        let command: Command
        /// The position of the lookup in its query.
        let lookup: Int

        /// The number that the reply comes with, for the query at that position of the batch.
        func tag(_ place: Int) -> Int { place << 8 | command.rawValue << 4 | lookup }

        init(_ command: Command, _ lookup: Int) {
            (self.command, self.lookup) = (command, lookup)
        }

        init(tag: Int) {
            guard let command = Command(rawValue: tag >> 4 & 15) else {
                preconditionFailure("a reply to a command that doesn't exist")
            }
            self.init(command, tag & 15)
        }
    }

    /// How far a query is.
    private struct Progress {
        /// The records that the lookups found; empty where there is none.
        var records = InlineArray<4, ByteBuffer>(repeating: ByteBuffer())
        /// How many replies are outstanding.
        var outstanding = 0
        /// Whether the client is being counted for this request: once is enough, however often it is judged.
        var isCounted = false
        /// Whether a place is kept for the entry that is being made.
        var isReserved = false
        /// How often somebody else was faster.
        var clashes = 0
        var isDone = false
    }

    /// Enough for every server of a large site to be faster.
    private static let maxClashes = 1_000

    private let teller: Teller
    private let done: @Sendable (Result<[StoreQuery], StoreError>) -> Void
    private var batch: [StoreQuery]
    private var progress: [Progress]
    private var open: Int

    init(
        _ batch: consuming [StoreQuery], by teller: Teller,
        done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        self.teller = teller
        self.done = done
        open = batch.count
        progress = [Progress](repeating: Progress(), count: batch.count)
        self.batch = batch
    }

    /// Sends the first commands of all queries.
    func start() {
        guard let rules = batch.first?.rules else { return done(.success([])) }
        teller.pending.withLockedValue { if $0.isOutdated(under: rules) { $0 = PendingLimiter(rules: rules) } }
        for place in batch.indices { begin(place) }
        teller.flush()
    }

    private func begin(_ place: Int) {
        let lookups = batch[place].lookups
        if lookups.count == 1, lookups[0].role == .triplet, admits(batch[place]) { return claim(place, 0) }
        for index in lookups.indices { read(place, index) }
        if lookups.isEmpty { judge(place) }
    }

    private func admits(_ query: StoreQuery) -> Bool {
        teller.pending.withLockedValue { pending in
            pending.admits(network: query.network, at: query.time, under: query.rules)
        }
    }

    // MARK: Commands

    private func waiter(_ command: Step.Command, _ lookup: Int, _ place: Int) -> Waiter {
        progress[place].outstanding += 1
        return Waiter(receiver: self, tag: Step(command, lookup).tag(place))
    }

    private func read(_ place: Int, _ index: Int) {
        let lookup = batch[place].lookups[index]
        teller.draft(to: waiter(.read, index, place)) { commands, buffer in
            commands.get(lookup.key, in: lookup.table, into: &buffer)
        }
    }

    private func claim(_ place: Int, _ index: Int) {
        reserve(place)
        let query = batch[place]
        teller.draft(to: waiter(.claim, index, place)) { commands, buffer in
            commands.claim(
                query.lookups[index].key, for: Sighting(firstAt: query.time), at: query.time, under: query.rules,
                into: &buffer)
        }
    }

    /// - Parameter isLoaded: whether the server is believed to have the script
    private func write(_ sighting: Sighting, _ place: Int, _ index: Int, isLoaded: Bool = true) {
        let (query, record) = (batch[place], progress[place].records[index])
        let lookup = query.lookups[index]
        teller.draft(to: waiter(.write, index, place)) { commands, buffer in
            commands.replace(
                lookup.key, in: lookup.table, record, with: sighting, at: query.time, under: query.rules,
                isLoaded: isLoaded, into: &buffer)
        }
    }

    // MARK: Replies

    func take(_ reply: Result<RESPValue, RedisFault>, tag: Int) {
        let (place, step) = (tag >> 8, Step(tag: tag))
        progress[place].outstanding -= 1
        guard !progress[place].isDone else { return }
        switch reply {
        case .failure(let fault): fail(step, place, fault)
        case .success(let value): succeed(step, place, value)
        }
    }

    private func succeed(_ step: Step, _ place: Int, _ value: RESPValue) {
        switch (step.command, batch[place].lookups[step.lookup].role) {
        case (.claim, _):
            if value.isDone || value == .null { return written(place, step.lookup) }
            free(place)
            progress[place].records[step.lookup] = value.record
            // An empty text is no record, and `SET … NX` leaves it there; the script takes it for nothing.
            if value.record.readableBytes == 0 { return writeTriplet(place, step.lookup, byScript: true) }
            judge(place)
        case (.read, _):
            progress[place].records[step.lookup] = value.record
            if progress[place].outstanding == 0 { judge(place) }
        case (.write, .client):
            if !value.isDone { countAgain(place, step.lookup, over: value.record) }
            finishIfIdle(place)
        case (.write, .triplet), (.write, .legacy):
            if value.isDone { return written(place, step.lookup) }
            progress[place].records[step.lookup] = value.record
            judgeAgain(place)
        }
    }

    private func fail(_ step: Step, _ place: Int, _ fault: RedisFault) {
        let (index, isClient) = (step.lookup, batch[place].lookups[step.lookup].role == .client)
        switch (step.command, fault.kind) {
        case (.claim, .other) where fault.isSyntaxError && teller.commands.hasSetNXGet:
            teller.commands.hasSetNXGet = false
            claim(place, index)
        case (.claim, .other) where fault.isSyntaxError, (.claim, .noScript):
            writeTriplet(place, index, byScript: true)
        case (.write, .noScript) where isClient:
            writeClient(place, index, isLoaded: false)
            // Judged once more meanwhile, there may be nothing to count.
            finishIfIdle(place)
        case (.write, .noScript): writeTriplet(place, index, byScript: true)
        // A count that is lost is no reason to take a verdict back that the greylist keeps.
        case (.write, _) where isClient: finishIfIdle(place)
        default:
            free(place)
            batch[place].judgement = nil
            batch[place].error = StoreError(fault)
            finish(place)
        }
    }

    // MARK: The way of a query

    private func judge(_ place: Int) {
        let query = batch[place]
        let stored = teller.pending.withLockedValue { limiter in
            query.state(under: limiter) { LegacyRecord.sighting(progress[place].records[$0]) }
        }
        let changes = batch[place].judge(stored)
        for index in query.lookups.indices {
            switch query.lookups[index].role {
            case .triplet where changes.triplet != nil: writeTriplet(place, index)
            case .client where changes.client != nil && !progress[place].isCounted:
                progress[place].isCounted = true
                writeClient(place, index)
            case .triplet, .client, .legacy: break
            }
        }
        finishIfIdle(place)
    }

    private func judgeAgain(_ place: Int) {
        progress[place].clashes += 1
        guard progress[place].clashes < Self.maxClashes else {
            batch[place].judgement = nil
            batch[place].error = StoreError(.unavailable, "redis: others keep changing the entry")
            return finish(place)
        }
        judge(place)
    }

    /// - Parameter byScript: whether the whole script is to be sent, since the server doesn't have it or has no better way
    private func writeTriplet(_ place: Int, _ index: Int, byScript: Bool = false) {
        let query = batch[place]
        let sighting = query.judgement?.remember.triplet ?? Sighting(firstAt: query.time)
        if sighting.isPending, progress[place].records[index].readableBytes == 0, !byScript {
            return claim(place, index)
        }
        write(sighting, place, index, isLoaded: !byScript)
    }

    private func writeClient(_ place: Int, _ index: Int, isLoaded: Bool = true) {
        guard let sighting = batch[place].judgement?.remember.client else { return }
        write(sighting, place, index, isLoaded: isLoaded)
    }

    /// Somebody else counted the client meanwhile: count it over what was written.
    private func countAgain(_ place: Int, _ index: Int, over record: ByteBuffer) {
        let query = batch[place]
        progress[place].records[index] = record
        progress[place].clashes += 1
        guard query.judgement?.verdict != .autoWhitelisted, progress[place].clashes < Self.maxClashes else { return }
        batch[place].judgement?.remember.client = countPass(
            of: LegacyRecord.sighting(record), at: query.time, under: query.rules)
        writeClient(place, index)
    }

    /// What was to be written is; where that was before any judgement, the triplet is new.
    private func written(_ place: Int, _ index: Int) {
        if batch[place].judgement == nil { _ = batch[place].judge(StoredState()) }
        let query = batch[place]
        let (old, wasReserved) = (LegacyRecord.sighting(progress[place].records[index]), progress[place].isReserved)
        progress[place].isReserved = false
        teller.pending.withLockedValue { pending in
            if wasReserved { pending.free(network: query.network, at: query.time) }
            if let new = query.judgement?.remember.triplet {
                if let old { pending.remove(old, network: query.network) }
                pending.add(new, network: query.network, under: query.rules)
            }
            pending.commit()
        }
        finishIfIdle(place)
    }

    /// Keeps a place for the entry while it is being made.
    private func reserve(_ place: Int) {
        guard !progress[place].isReserved else { return }
        progress[place].isReserved = true
        let query = batch[place]
        teller.pending.withLockedValue { $0.reserve(network: query.network, at: query.time) }
    }

    private func free(_ place: Int) {
        guard progress[place].isReserved else { return }
        progress[place].isReserved = false
        let query = batch[place]
        teller.pending.withLockedValue { $0.free(network: query.network, at: query.time) }
    }

    private func finishIfIdle(_ place: Int) {
        if progress[place].outstanding == 0, !progress[place].isDone { finish(place) }
    }

    private func finish(_ place: Int) {
        free(place)
        progress[place].isDone = true
        open -= 1
        if open == 0 { done(.success(batch)) }
    }
}

extension RESPValue {
    /// Whether the script did what it was to do.
    fileprivate var isDone: Bool { self == .integer(1) }

    /// A record; empty where there is none.
    fileprivate var record: ByteBuffer { text ?? ByteBuffer() }
}

extension RedisFault {
    /// What servers before Redis 7 say to `SET … NX GET`.
    fileprivate var isSyntaxError: Bool { message.lowercased().contains("syntax error") }
}

extension LegacyRecord {
    static func sighting(_ record: ByteBuffer) -> Sighting? {
        sighting(record.readableBytesUInt8Span)
    }
}

extension StoreError {
    init(_ fault: RedisFault) {
        let code: Code =
            switch fault.kind {
            case .writeRefused: .writeRefused
            case .misconfigured: .misconfigured
            case .wrongType: .corrupt
            case .unavailable, .moved, .ask, .tryAgain, .noScript, .other: .unavailable
            }
        self.init(code, "redis: \(fault.message)")
    }
}
