import Greylist
import NIOConcurrencyHelpers
import NIOCore
import Storage

/// A batch of inquiries on its way through Redis.
///
/// Each goes its own way, and the batch is answered when all have arrived:
///
/// 1. What is known? A new triplet is made in the same step (`SET … NX GET`): one round trip. Where more than its entry
///    is wanted first, all that is wanted is read together.
/// 2. The judgement, in Swift.
/// 3. What is to be remembered is written, provided that nobody else was faster. Then it is judged once more, by what
///    that one wrote: so two servers never both find a triplet new, and only one of them sees it pass the first time.
final class Exchange: ReplyReceiver {
    /// What a reply is about.
    private enum Step: Int {
        case claim, readTriplet, readLegacy, readSecondLegacy, readClient, writeTriplet, writeClient
    }

    /// How far an inquiry is.
    private struct Progress {
        /// Records as they are in Redis; empty where there is none.
        var triplet = ByteBuffer()
        var legacy = (ByteBuffer(), ByteBuffer())
        var client = ByteBuffer()
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
    private static let mostClashes = 1_000

    private let teller: Teller
    private let done: @Sendable (Result<[Inquiry], StoreError>) -> Void
    private var batch: [Inquiry]
    private var progress: [Progress]
    private var open: Int

    init(
        _ batch: consuming [Inquiry], by teller: Teller,
        done: @escaping @Sendable (Result<[Inquiry], StoreError>) -> Void
    ) {
        self.teller = teller
        self.done = done
        open = batch.count
        progress = [Progress](repeating: Progress(), count: batch.count)
        self.batch = batch
    }

    /// Sends the first commands of all inquiries.
    func start() {
        guard let rules = batch.first?.rules else { return done(.success([])) }
        teller.pending.withLockedValue { if $0.isOutdated(under: rules) { $0 = PendingLedger(rules: rules) } }
        for place in batch.indices { begin(place) }
        teller.flush()
    }

    private func begin(_ place: Int) {
        let inquiry = batch[place]
        let isPlain = inquiry.question == .message && inquiry.client == nil && inquiry.legacyKeys.first == nil
        if isPlain, admits(inquiry) { return claim(place, inquiry) }
        if inquiry.asksForTriplet {
            read(inquiry.triplet, in: .greylist, .readTriplet, place)
            if let key = inquiry.legacyKeys.first { read(key, in: .greylist, .readLegacy, place) }
            if let key = inquiry.legacyKeys.second { read(key, in: .greylist, .readSecondLegacy, place) }
        }
        if let client = inquiry.client { read(client, in: .autoWhitelist, .readClient, place) }
        if progress[place].outstanding == 0 { judge(place) }
    }

    private func admits(_ inquiry: Inquiry) -> Bool {
        teller.pending.withLockedValue { pending in
            pending.admits(network: inquiry.network, at: inquiry.time, under: inquiry.rules)
        }
    }

    // MARK: Commands

    private func waiter(_ step: Step, _ place: Int) -> Waiter {
        progress[place].outstanding += 1
        return Waiter(receiver: self, tag: place << 3 | step.rawValue)
    }

    private func read(_ key: Key, in table: Table, _ step: Step, _ place: Int) {
        teller.draft(to: waiter(step, place)) { commands, buffer in commands.get(key, in: table, into: &buffer) }
    }

    private func claim(_ place: Int, _ inquiry: Inquiry) {
        reserve(place, inquiry)
        teller.draft(to: waiter(.claim, place)) { commands, buffer in
            commands.claim(
                inquiry.triplet, for: Sighting(firstAt: inquiry.time), at: inquiry.time, under: inquiry.rules,
                into: &buffer)
        }
    }

    private func write(
        _ sighting: Sighting, _ key: Key, over record: ByteBuffer, in table: Table, _ step: Step, _ place: Int,
        isLoaded: Bool = true
    ) {
        let (time, rules) = (batch[place].time, batch[place].rules)
        teller.draft(to: waiter(step, place)) { commands, buffer in
            commands.replace(
                key, in: table, record, with: sighting, at: time, under: rules, isLoaded: isLoaded, into: &buffer)
        }
    }

    // MARK: Replies

    func take(_ reply: Result<RESPValue, RedisFault>, tag: Int) {
        let place = tag >> 3
        guard let step = Step(rawValue: tag & 7) else { preconditionFailure("a reply to a step that there isn't") }
        progress[place].outstanding -= 1
        guard !progress[place].isDone else { return }
        switch reply {
        case .failure(let fault): fail(step, place, fault)
        case .success(let value): succeed(step, place, value)
        }
    }

    private func succeed(_ step: Step, _ place: Int, _ value: RESPValue) {
        switch step {
        case .claim:
            if value.isDone || value == .null { return written(place) }
            free(place)
            progress[place].triplet = value.record
            // An empty text is no record, and `SET … NX` leaves it there; the script takes it for nothing.
            if value.record.readableBytes == 0 { return writeTriplet(place, byScript: true) }
            judge(place)
        case .readTriplet, .readLegacy, .readSecondLegacy, .readClient:
            switch step {
            case .readTriplet: progress[place].triplet = value.record
            case .readLegacy: progress[place].legacy.0 = value.record
            case .readSecondLegacy: progress[place].legacy.1 = value.record
            default: progress[place].client = value.record
            }
            if progress[place].outstanding == 0 { judge(place) }
        case .writeTriplet:
            if value.isDone { return written(place) }
            progress[place].triplet = value.record
            judgeAgain(place)
        case .writeClient:
            if !value.isDone, let client = batch[place].client { countAgain(client, over: value.record, place) }
            finishIfIdle(place)
        }
    }

    private func fail(_ step: Step, _ place: Int, _ fault: RedisFault) {
        switch (step, fault.kind) {
        case (.claim, .other) where fault.isSyntaxError && teller.commands.hasSetNXGet:
            teller.commands.hasSetNXGet = false
            claim(place, batch[place])
        case (.claim, .other) where fault.isSyntaxError, (.claim, .noScript): writeTriplet(place, byScript: true)
        case (.writeTriplet, .noScript): writeTriplet(place, byScript: true)
        case (.writeClient, .noScript):
            writeClient(place, isLoaded: false)
            // Judged once more meanwhile, there may be nothing to count.
            finishIfIdle(place)
        // A count that is lost is no reason to take a verdict back that the greylist keeps.
        case (.writeClient, _): finishIfIdle(place)
        default:
            free(place)
            batch[place].judgement = nil
            batch[place].fault = StoreError(fault)
            finish(place)
        }
    }

    // MARK: The way of an inquiry

    private func judge(_ place: Int) {
        let (inquiry, stored, legacy) = (batch[place], progress[place].triplet, progress[place].legacy)
        var known = Known(client: EntryText.sighting(progress[place].client))
        let remember = teller.pending.withLockedValue { pending in
            let own = inquiry.counting(EntryText.sighting(stored), heeding: pending)
            known.triplet =
                own
                ?? inquiry.counting(EntryText.sighting(legacy.0), heeding: pending)
                ?? inquiry.counting(EntryText.sighting(legacy.1), heeding: pending)
            return batch[place].judge(known, isLegacy: own == nil, heeding: pending)
        }
        if remember.triplet != nil { writeTriplet(place) }
        if remember.client != nil, !progress[place].isCounted {
            progress[place].isCounted = true
            writeClient(place)
        }
        finishIfIdle(place)
    }

    private func judgeAgain(_ place: Int) {
        progress[place].clashes += 1
        guard progress[place].clashes < Self.mostClashes else {
            batch[place].judgement = nil
            batch[place].fault = StoreError(.unavailable, "redis: others keep changing the entry")
            return finish(place)
        }
        judge(place)
    }

    /// - Parameter byScript: whether the whole script is to be sent, since the server hasn't got it or has no better way
    private func writeTriplet(_ place: Int, byScript: Bool = false) {
        let inquiry = batch[place]
        let sighting = inquiry.judgement?.remember.triplet ?? Sighting(firstAt: inquiry.time)
        let record = progress[place].triplet
        if sighting.isPending, record.readableBytes == 0, !byScript { return claim(place, inquiry) }
        write(sighting, inquiry.triplet, over: record, in: .greylist, .writeTriplet, place, isLoaded: !byScript)
    }

    private func writeClient(_ place: Int, isLoaded: Bool = true) {
        guard let client = batch[place].client, let sighting = batch[place].judgement?.remember.client else { return }
        write(
            sighting, client, over: progress[place].client, in: .autoWhitelist, .writeClient, place, isLoaded: isLoaded)
    }

    /// Somebody else counted the client meanwhile: count it over what he wrote.
    private func countAgain(_ client: Key, over record: ByteBuffer, _ place: Int) {
        let inquiry = batch[place]
        progress[place].client = record
        progress[place].clashes += 1
        guard inquiry.judgement?.verdict != .autoWhitelisted, progress[place].clashes < Self.mostClashes else { return }
        batch[place].judgement?.remember.client = countPass(
            of: EntryText.sighting(record), at: inquiry.time, under: inquiry.rules)
        writeClient(place)
    }

    /// What was to be written is; where that was before any judgement, the triplet is new.
    private func written(_ place: Int) {
        var inquiry = batch[place]
        if inquiry.judgement == nil {
            inquiry.judgement = Greylist.judge(Known(), at: inquiry.time, under: inquiry.rules)
            batch[place].judgement = inquiry.judgement
        }
        let (stored, wasReserved) = (EntryText.sighting(progress[place].triplet), progress[place].isReserved)
        progress[place].isReserved = false
        teller.pending.withLockedValue { pending in
            if wasReserved { pending.free(network: inquiry.network, at: inquiry.time) }
            pending.replace(
                stored, with: inquiry.judgement?.remember.triplet, network: inquiry.network, under: inquiry.rules)
            pending.commit()
        }
        finishIfIdle(place)
    }

    /// Keeps a place for the entry while it is being made.
    private func reserve(_ place: Int, _ inquiry: Inquiry) {
        guard !progress[place].isReserved else { return }
        progress[place].isReserved = true
        teller.pending.withLockedValue { $0.reserve(network: inquiry.network, at: inquiry.time) }
    }

    private func free(_ place: Int) {
        guard progress[place].isReserved else { return }
        progress[place].isReserved = false
        let inquiry = batch[place]
        teller.pending.withLockedValue { $0.free(network: inquiry.network, at: inquiry.time) }
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

extension EntryText {
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
