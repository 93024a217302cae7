import Greylist
import Storage

/// What stores have answered to daemons, and so must know from then on: kept apart from any store.
///
/// It knows nothing of how a store writes; only what an answer promises to whoever asks after it.
final class StoreLedger: @unchecked Sendable {  // guarded by: the thread of its world
    /// What is promised of a key.
    struct Promise {
        /// When it was first seen, at the latest.
        var first: Int64
        var hasPassed: Bool
        /// When its last use was recorded, at the latest.
        var last: Int64
        /// The first attempt of whose retry was said that it is the first to pass.
        var retried: Int64?
        /// The number of the answer that promised it, and its time in the world.
        var number: Int
        var time: Int64

        /// Whether an entry is what was promised.
        func isKept(by sighting: Sighting) -> Bool {
            hasPassed ? !sighting.isPending : !sighting.isPending || sighting.first.seconds <= first
        }
    }

    private let world: World
    private let rules: Rules
    /// Whether the aliases of a triplet are promised as well as the triplet itself.
    var promisesAliases = true
    private var promises: [Key: Promise] = [:]
    /// Keys that were asked for, and how often without an answer so far: what is there of them nobody knows.
    private var unanswered: [Key: Int] = [:]
    /// How many answers there were.
    private(set) var answers = 0
    private var isSuspended = false
    /// What was asked for before there were so many answers promises nothing.
    private var suspendedUntil = 0

    init(_ world: World, _ rules: Rules) {
        (self.world, self.rules) = (world, rules)
    }

    /// Two servers believe that they are the one: what is answered meanwhile promises nothing.
    func suspend() { isSuspended = true }

    /// There is one again, which doesn't have what was written since that moment.
    func resume(without time: Int64) {
        isSuspended = false
        forget(since: time)
        // What was asked for meanwhile may be answered by either of them.
        answers += 1
        suspendedUntil = answers
    }

    /// Nothing that was promised after that moment holds any more.
    func forget(since time: Int64) {
        promises = promises.filter { $0.value.time < time }
    }

    /// All that is promised of the greylist now.
    var all: [(key: Key, promise: Promise)] { promises.map { ($0.key, $0.value) } }

    /// Whether nothing was answered of a key since.
    func isStanding(_ key: Key, since answers: Int) -> Bool {
        promises[key].map { $0.number <= answers } ?? false
    }

    private func isPromised(_ role: StoreQuery.Role) -> Bool { role == .triplet || role == .alias && promisesAliases }

    /// Takes note that something is asked for.
    func note(_ query: StoreQuery) {
        for lookup in query.lookups where lookup.role.isOwn { unanswered[lookup.key, default: 0] += 1 }
    }

    /// Compares an answer with what was promised before it was asked for, and takes note of it.
    ///
    /// - Parameter asked: how many answers there were when it was asked for
    func take(_ query: StoreQuery, since asked: Int) {
        guard let judgement = query.judgement else { return }
        answers += 1
        for lookup in query.lookups where lookup.role.isOwn { unanswered[lookup.key, default: 1] -= 1 }
        guard !isSuspended, asked >= suspendedUntil else { return }
        for lookup in query.lookups where isPromised(lookup.role) {
            if let promise = promises[lookup.key], promise.number <= asked {
                compare(judgement.verdict, with: promise, of: lookup.key, at: query.time.seconds, under: query.rules)
            }
        }
        if case .retried(let delay) = judgement.verdict,
            let key = query.lookups.first(where: { $0.role == .triplet })?.key
        {
            compare(retryOf: query.time.seconds - delay, of: key, at: query.time.seconds)
        }
        for lookup in query.lookups where isPromised(lookup.role) { note(judgement, of: lookup.key, query) }
    }

    /// Entries were handed over to the store, which was asked to take them when there were so many answers.
    func take(_ entries: [Entry], at now: Timestamp, since asked: Int) {
        answers += 1
        guard !isSuspended, asked >= suspendedUntil else { return }
        for entry in entries {
            let standing = promises[entry.key].flatMap { holds($0, at: now.seconds) ? $0 : nil }
            var promise = standing ?? fresh(entry.sighting.first.seconds)
            promise.first = min(promise.first, entry.sighting.first.seconds)
            if !entry.sighting.isPending { promise.hasPassed = true }
            promise.last = max(promise.last, entry.sighting.last.seconds)
            (promise.number, promise.time) = (answers, world.now)
            promises[entry.key] = promise
        }
    }

    private func fresh(_ first: Int64) -> Promise {
        Promise(first: first, hasPassed: false, last: first, number: answers, time: world.now)
    }

    /// Whether a promise says anything at that moment, by a daemon's clock.
    func holds(_ promise: Promise, at now: Int64) -> Bool {
        if promise.hasPassed { return now - promise.last <= rules.maxAge - rules.maxAge / 32 - 1 }
        return promise.first <= now && now - promise.first <= rules.retryWindow
    }

    /// Only one retry of a first attempt is the first to pass, however many there are at once.
    private func compare(retryOf first: Int64, of key: Key, at now: Int64) {
        guard let promise = promises[key], promise.retried == first, holds(promise, at: now) else { return }
        world.fail("two retries of one first attempt are told to be the first to pass", about: [.key(key.tag)])
    }

    private func compare(
        _ verdict: Verdict, with promise: Promise, of key: Key, at now: Int64, under rules: Rules
    ) {
        guard holds(promise, at: now) else { return }
        let waited = now - promise.first
        func complain(_ text: String) {
            world.fail(
                "\(text): first seen \(waited) s ago\(promise.hasPassed ? ", has passed" : ""), "
                    + "answered at \(Trace.clock(promise.time)), and now \(verdict)", about: [.key(key.tag)])
        }
        switch verdict {
        case .autoWhitelisted, .known: break
        case .new, .pendingLimitReached: complain("an answered record is lost")
        case .early(_, let delay):
            if promise.hasPassed { return complain("an answered pass is lost") }
            if waited >= rules.delay { return complain("a retry has to wait that is due") }
            if delay < waited { complain("the time of a first attempt is lost") }
        case .retried, .carried, .spared, .released:
            if promise.hasPassed { complain("an answered pass is lost") }
        }
    }

    private func note(_ judgement: Judgement, of key: Key, _ query: StoreQuery) {
        let now = query.time.seconds
        let old = promises[key]
        let standing = old.flatMap { holds($0, at: now) ? $0 : nil }
        var promise = standing ?? fresh(now)
        switch judgement.verdict {
        case .autoWhitelisted, .pendingLimitReached: return
        case .new:
            guard judgement.remember.triplet != nil else { return }
            // Perhaps it was changed since by somebody who was answered before.
            if standing == nil { promise = fresh(now) }
            promise.first = max(promise.first, now)
            promise.hasPassed = false
        case .early(_, let delay):
            guard judgement.remember.triplet != nil else { return }
            // What the others have is written where there was nothing.
            if old == nil, unanswered[key] == 0 { promise.first = now - delay }
        case .known:
            guard judgement.remember.triplet != nil else { return }
            promise.hasPassed = true
            promise.last = max(promise.last, now)
        case .retried(let delay):
            promise.hasPassed = true
            promise.last = max(promise.last, now)
            promise.retried = now - delay
        case .carried, .spared, .released:
            promise.hasPassed = true
            promise.last = max(promise.last, now)
        }
        (promise.number, promise.time) = (answers, world.now)
        promises[key] = promise
    }
}

extension Key {
    /// By which a trace knows it.
    var tag: UInt64 {
        switch self {
        case .digest(let digest): digest.leadingBytes
        case .text(let text): text.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
    }
}
