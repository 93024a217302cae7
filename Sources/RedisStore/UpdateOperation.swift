import Greylist
import NIOConcurrencyHelpers
import NIOCore
import RedisClient
import Storage

/// A batch of queries on its way through Redis.
///
/// Each goes its own way, and the batch is answered when all have arrived:
///
/// 1. What is known? A query with nothing but its triplet, which would have to wait, makes a new entry in the same step
///    (`SET … NX GET`): one round trip. Any other has all its lookups read together.
/// 2. The judgement, in Swift.
/// 3. What is to be remembered is written, provided that nobody else was faster. Of the triplet's own key it is judged
///    once more then, by what that one wrote: so two servers never both find a triplet new, and only one of them sees it
///    pass the first time. Of an alias what is there by then is merged with ours: it may lie on another server, and no
///    verdict hangs on being the first there.
final class UpdateOperation: ReplyHandler {
    /// What a reply is about: a command, and the lookup that it belongs to.
    private struct Step {
        enum Command: Int {
            case claim, read, write
        }

        let command: Command
        /// The position of the lookup in its query.
        let lookup: Int

        /// The number that the reply comes with, for the query at that position of the batch.
        func tag(_ position: Int) -> Int { position << 10 | command.rawValue << 8 | lookup }

        init(_ command: Command, _ lookup: Int) {
            (self.command, self.lookup) = (command, lookup)
        }

        init(tag: Int) {
            guard let command = Command(rawValue: tag >> 8 & 3) else {
                preconditionFailure("a reply to a command that doesn't exist")
            }
            self.init(command, tag & 255)
        }
    }

    /// How far a query is.
    private struct Progress {
        /// The records that the lookups found; empty where there is none.
        var records = Records()
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

    /// Records of lookups, of which most queries have few.
    private struct Records {
        private var few = InlineArray<8, ByteBuffer>(repeating: ByteBuffer())
        private var more: [ByteBuffer] = []

        subscript(index: Int) -> ByteBuffer {
            get {
                if index < few.count { return few[index] }
                return index - few.count < more.count ? more[index - few.count] : ByteBuffer()
            }
            set {
                if index < few.count {
                    few[index] = newValue
                    return
                }
                while more.count <= index - few.count { more.append(ByteBuffer()) }
                more[index - few.count] = newValue
            }
        }
    }

    /// Enough for every server of a large site to be faster.
    private static let maxClashes = 1_000

    private let batcher: CommandBatcher
    private let done: @Sendable (Result<[StoreQuery], StoreError>) -> Void
    private var batch: [StoreQuery]
    private var progress: [Progress]
    private var open: Int

    init(
        _ batch: consuming [StoreQuery], by batcher: CommandBatcher,
        done: @escaping @Sendable (Result<[StoreQuery], StoreError>) -> Void
    ) {
        self.batcher = batcher
        self.done = done
        open = batch.count
        progress = [Progress](repeating: Progress(), count: batch.count)
        self.batch = batch
    }

    /// Sends the first commands of all queries.
    func start() {
        guard let rules = batch.first?.rules else { return done(.success([])) }
        batcher.pending.withLockedValue { if $0.isOutdated(under: rules) { $0 = $0.restarted(under: rules) } }
        for position in batch.indices { begin(position) }
        batcher.flush()
    }

    private func begin(_ position: Int) {
        let lookups = batch[position].lookups
        if lookups.count == 1, lookups[0].role == .triplet, batch[position].waitsWhereNew, admits(batch[position]) {
            return claim(position, 0)
        }
        for index in lookups.indices { read(position, index) }
        if lookups.isEmpty { judge(position) }
    }

    private func admits(_ query: StoreQuery) -> Bool {
        batcher.pending.withLockedValue { pending in
            pending.admits(network: query.network, at: query.time, under: query.rules)
        }
    }

    // MARK: Commands

    private func pendingReply(_ command: Step.Command, _ lookup: Int, _ position: Int) -> PendingReply {
        progress[position].outstanding += 1
        return PendingReply(handler: self, tag: Step(command, lookup).tag(position))
    }

    private func read(_ position: Int, _ index: Int) {
        let lookup = batch[position].lookups[index]
        batcher.draft(to: pendingReply(.read, index, position)) { commands, buffer in
            commands.get(lookup.key, in: lookup.table, into: &buffer)
        }
    }

    private func claim(_ position: Int, _ index: Int) {
        let query = batch[position]
        if query.lookups[index].role == .triplet { reserve(position) }
        let sighting = query.judgement?.remember.triplet ?? Sighting(firstAt: query.time)
        batcher.draft(to: pendingReply(.claim, index, position)) { commands, buffer in
            commands.claim(
                query.lookups[index].key, for: sighting, at: query.time, under: query.rules, into: &buffer)
        }
    }

    /// - Parameter isLoaded: whether the server is believed to have the script
    private func write(_ sighting: Sighting, _ position: Int, _ index: Int, isLoaded: Bool = true) {
        let (query, record) = (batch[position], progress[position].records[index])
        let lookup = query.lookups[index]
        batcher.draft(to: pendingReply(.write, index, position)) { commands, buffer in
            commands.replace(
                lookup.key, in: lookup.table, record, with: sighting, at: query.time, under: query.rules,
                isLoaded: isLoaded, into: &buffer)
        }
    }

    // MARK: Replies

    func handle(_ reply: Result<RESPValue, RedisError>, tag: Int) {
        let (position, step) = (tag >> 10, Step(tag: tag))
        progress[position].outstanding -= 1
        guard !progress[position].isDone else { return }
        switch reply {
        case .failure(let fault): fail(step, position, fault)
        case .success(let value): succeed(step, position, value)
        }
    }

    private func succeed(_ step: Step, _ position: Int, _ value: RESPValue) {
        switch (step.command, batch[position].lookups[step.lookup].role) {
        case (.claim, .alias) where value.isDone || value == .null, (.write, .alias) where value.isDone:
            written(position, step.lookup)
        case (.claim, .alias), (.write, .alias): mergeAlias(position, step.lookup, over: value.record)
        case (.claim, _):
            if value.isDone || value == .null { return written(position, step.lookup) }
            free(position)
            progress[position].records[step.lookup] = value.record
            // An empty text is no record, and `SET … NX` leaves it there; the script takes it for nothing.
            if value.record.readableBytes == 0 { return writeTriplet(position, step.lookup, byScript: true) }
            judge(position)
        case (.read, _):
            progress[position].records[step.lookup] = value.record
            if progress[position].outstanding == 0 { judge(position) }
        case (.write, .client):
            if !value.isDone { countAgain(position, step.lookup, over: value.record) }
            finishIfIdle(position)
        case (.write, .triplet), (.write, .legacy), (.write, .legacyClient):
            if value.isDone { return written(position, step.lookup) }
            progress[position].records[step.lookup] = value.record
            judgeAgain(position)
        }
    }

    private func fail(_ step: Step, _ position: Int, _ fault: RedisError) {
        let index = step.lookup
        let (isTriplet, isClient) = (
            batch[position].lookups[index].role == .triplet, batch[position].lookups[index].role == .client
        )
        switch (step.command, fault.kind) {
        case (.claim, .other) where fault.isSyntaxError && batcher.commands.hasSetNXGet:
            batcher.commands.hasSetNXGet = false
            claim(position, index)
        case (.claim, .other) where fault.isSyntaxError, (.claim, .noScript):
            writeTriplet(position, index, byScript: true)
        case (.write, .noScript) where isClient:
            writeClient(position, index, isLoaded: false)
            // Judged once more meanwhile, there may be nothing to count.
            finishIfIdle(position)
        case (.write, .noScript): writeTriplet(position, index, byScript: true)
        // A count or an alias that is lost is no reason to take a verdict back that the greylist keeps.
        case (.claim, _) where !isTriplet, (.write, _) where !isTriplet: finishIfIdle(position)
        default:
            free(position)
            batch[position].judgement = nil
            batch[position].error = StoreError(fault)
            finish(position)
        }
    }

    // MARK: The way of a query

    private func judge(_ position: Int) {
        let query = batch[position]
        let stored = batcher.pending.withLockedValue { limiter in
            query.state(under: limiter) { LegacyRecord.sighting(progress[position].records[$0]) }
        }
        let changes = batch[position].judge(stored)
        if stored.isPendingLimitReached { batcher.pending.withLockedValue { batch[position].noteRefusal(in: &$0) } }
        for index in query.lookups.indices {
            switch query.lookups[index].role {
            case .triplet where needsWrite(position, index), .alias where needsWrite(position, index):
                writeTriplet(position, index)
            case .client where changes.client != nil && !progress[position].isCounted:
                progress[position].isCounted = true
                writeClient(position, index)
            case .triplet, .alias, .client, .legacy, .legacyClient: break
            }
        }
        finishIfIdle(position)
    }

    /// Whether what is to be remembered of the triplet says more than the record that is there.
    private func needsWrite(_ position: Int, _ index: Int) -> Bool {
        guard let triplet = batch[position].judgement?.remember.triplet else { return false }
        let found = LegacyRecord.sighting(progress[position].records[index])
        return batcher.pending.withLockedValue { batch[position].needsWrite(found, triplet, under: $0) }
    }

    private func judgeAgain(_ position: Int) {
        progress[position].clashes += 1
        guard progress[position].clashes < Self.maxClashes else {
            batch[position].judgement = nil
            batch[position].error = StoreError(.unavailable, "redis: others keep changing the entry")
            return finish(position)
        }
        judge(position)
    }

    /// - Parameter byScript: whether the whole script is to be sent, since the server doesn't have it or has no better way
    private func writeTriplet(_ position: Int, _ index: Int, byScript: Bool = false) {
        let query = batch[position]
        let sighting = query.judgement?.remember.triplet ?? Sighting(firstAt: query.time)
        if sighting.isPending, progress[position].records[index].readableBytes == 0, !byScript {
            return claim(position, index)
        }
        write(sighting, position, index, isLoaded: !byScript)
    }

    private func writeClient(_ position: Int, _ index: Int, isLoaded: Bool = true) {
        guard let sighting = batch[position].judgement?.remember.client else { return }
        write(sighting, position, index, isLoaded: isLoaded)
    }

    /// Somebody else counted the client meanwhile: count it over what was written.
    private func countAgain(_ position: Int, _ index: Int, over record: ByteBuffer) {
        let query = batch[position]
        progress[position].records[index] = record
        progress[position].clashes += 1
        guard query.judgement?.verdict != .autoWhitelisted, progress[position].clashes < Self.maxClashes else { return }
        batch[position].judgement?.remember.client = countPass(
            of: LegacyRecord.sighting(record), at: query.time, under: query.rules)
        writeClient(position, index)
    }

    /// Somebody else wrote under the alias meanwhile: ours is written over it where it says more.
    private func mergeAlias(_ position: Int, _ index: Int, over record: ByteBuffer) {
        progress[position].records[index] = record
        progress[position].clashes += 1
        if progress[position].clashes < Self.maxClashes, needsWrite(position, index),
            let sighting = batch[position].judgement?.remember.triplet
        {
            write(sighting, position, index)
        }
        finishIfIdle(position)
    }

    /// What was to be written is; where that was before any judgement, the triplet is new.
    private func written(_ position: Int, _ index: Int) {
        if batch[position].judgement == nil { _ = batch[position].judge(StoredState()) }
        let query = batch[position]
        let role = query.lookups[index].role
        let old = LegacyRecord.sighting(progress[position].records[index])
        if role == .triplet { free(position) }
        if let new = query.judgement?.remember.triplet {
            batcher.pending.withLockedValue { pending in
                if let old { pending.remove(old, network: query.network(for: role)) }
                pending.add(new, network: query.network(for: role), under: query.rules)
                pending.commit()
            }
        }
        finishIfIdle(position)
    }

    /// Keeps a place for the entry while it is being made.
    private func reserve(_ position: Int) {
        guard !progress[position].isReserved else { return }
        progress[position].isReserved = true
        let query = batch[position]
        batcher.pending.withLockedValue { $0.reserve(network: query.network, at: query.time) }
    }

    private func free(_ position: Int) {
        guard progress[position].isReserved else { return }
        progress[position].isReserved = false
        let query = batch[position]
        batcher.pending.withLockedValue { $0.free(network: query.network, at: query.time) }
    }

    private func finishIfIdle(_ position: Int) {
        if progress[position].outstanding == 0, !progress[position].isDone { finish(position) }
    }

    private func finish(_ position: Int) {
        free(position)
        progress[position].isDone = true
        open -= 1
        if open == 0 { done(.success(batch)) }
    }
}

extension StoreQuery {
    /// Whether all that there is to be written of a triplet that was never seen is that it waits.
    fileprivate var waitsWhereNew: Bool { !isPreliminary && merit == nil && !carrying.passesNew }
}

extension RESPValue {
    /// Whether the script did what it was to do.
    fileprivate var isDone: Bool { self == .integer(1) }

    /// A record; empty where there is none.
    fileprivate var record: ByteBuffer { text ?? ByteBuffer() }
}

extension RedisError {
    /// What servers before Redis 7 say to `SET … NX GET`.
    fileprivate var isSyntaxError: Bool { message.lowercased().contains("syntax error") }
}

extension LegacyRecord {
    static func sighting(_ record: ByteBuffer) -> Sighting? {
        sighting(record.readableBytesUInt8Span)
    }
}

extension StoreError {
    init(_ fault: RedisError) {
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
