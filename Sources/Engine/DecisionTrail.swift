public import Greylist
import NIOConcurrencyHelpers
public import Policy
import Whitelists

/// What the history keeps of a decision, without its texts.
public struct NotedDecision: Sendable {
    /// When it was made.
    public let time: Timestamp
    /// Why.
    public let reason: ReasonCode
    /// Whether the mail had to wait, or would have had to where the site only observes.
    public let isDeferral: Bool
    /// Whether Postfix wasn't told of it: the site only observes.
    public let isObserved: Bool
    /// What told who the client is; nil where nobody asked.
    public let proof: ClientIdentity.Proof?
    /// The key under which the triplet was found; nil where it wasn't.
    public let matched: ClientIdentity.MatchedKey?
    /// How many seconds the sender was told to wait.
    public let wait: Int64?
    /// How many seconds ago the first attempt was.
    public let delay: Int64?
    /// How many milliseconds were waited for the DNS; nil where it wasn't asked.
    public let dnsMilliseconds: Int?
    /// Where its texts lie in the batch, in the order of ``Text``.
    fileprivate let texts: InlineArray<7, Range<Int32>>

    /// The texts of a decision: any bytes, cut to 512.
    public enum Text: Int, Sendable, CaseIterable {
        case clientAddress, clientName, helo, sender, recipient
        /// The organisation that the client is known by; empty where it is its network.
        case organisation
        /// The location of the whitelist entry that had a say; empty for none.
        case entry
    }
}

/// Decisions one behind the other, with copies of what was said, in storage that is used again.
public struct DecisionBatch: Sendable {
    /// How much of a text is kept, in bytes.
    public static let longestText = 512

    /// The decisions, in the order in which they were made.
    public private(set) var decisions: [NotedDecision] = []
    private var bytes: [UInt8] = []

    /// None yet.
    public init() {}

    /// How many there are.
    public var count: Int { decisions.count }

    /// Appends a decision.
    public mutating func append(_ record: DecisionRecord, on request: PolicyRequest, at now: Timestamp) {
        var wait: Int64?
        var delay: Int64?
        if case .judged(let verdict) = record.reason {
            switch verdict {
            case .new(let seconds), .pendingLimitReached(let seconds): wait = seconds
            case .early(let missing, let waited): (wait, delay) = (missing, waited)
            case .retried(let waited): delay = waited
            case .known, .autoWhitelisted, .carried, .spared, .released: break
            }
        }
        var texts = InlineArray<7, Range<Int32>>(repeating: 0..<0)
        texts[NotedDecision.Text.clientAddress.rawValue] = request.read(.clientAddress) { copy($0) }
        texts[NotedDecision.Text.clientName.rawValue] = request.readClientName { copy($0) }
        texts[NotedDecision.Text.helo.rawValue] = request.read(.heloName) { copy($0) }
        texts[NotedDecision.Text.sender.rawValue] = request.read(.sender) { copy($0) }
        texts[NotedDecision.Text.recipient.rawValue] = request.read(.recipient) { copy($0) }
        if let organisation = record.identity?.organisation, !organisation.isEmpty {
            texts[NotedDecision.Text.organisation.rawValue] = copy(organisation.span)
        }
        if let entry = record.entry {
            texts[NotedDecision.Text.entry.rawValue] = copy(Array(entry.location.utf8).span)
        }
        decisions.append(
            NotedDecision(
                time: now, reason: record.reason.code, isDeferral: record.isGreylisting,
                isObserved: record.withheld != nil, proof: record.identity?.proof, matched: record.identity?.matched,
                wait: wait, delay: delay, dnsMilliseconds: record.identity?.search?.milliseconds, texts: texts))
    }

    /// Appends all of another one.
    public mutating func append(contentsOf other: DecisionBatch) {
        let start = Int32(bytes.count)
        bytes.append(contentsOf: other.bytes)
        decisions.append(
            contentsOf: other.decisions.map { decision in
                var texts = decision.texts
                for index in texts.indices {
                    texts[index] = texts[index].lowerBound + start..<texts[index].upperBound + start
                }
                return NotedDecision(
                    time: decision.time, reason: decision.reason, isDeferral: decision.isDeferral,
                    isObserved: decision.isObserved, proof: decision.proof, matched: decision.matched,
                    wait: decision.wait, delay: decision.delay, dnsMilliseconds: decision.dnsMilliseconds, texts: texts)
            })
    }

    /// A text of one of its decisions.
    public func text(_ text: NotedDecision.Text, of decision: NotedDecision) -> ArraySlice<UInt8> {
        let range = decision.texts[text.rawValue]
        return bytes[Int(range.lowerBound)..<Int(range.upperBound)]
    }

    /// Removes all, and keeps the storage.
    public mutating func removeAll() {
        decisions.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    private mutating func copy(_ text: Span<UInt8>) -> Range<Int32> {
        let start = Int32(bytes.count)
        let count = min(text.count, Self.longestText)
        text.extracting(0..<count).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        return start..<start + Int32(count)
    }
}

/// Decisions of all event loops on their way to the history: a bounded queue that nobody waits for.
public final class DecisionQueue: Sendable {
    private struct State {
        var batch = DecisionBatch()
        var dropped = 0
    }

    private let limit: Int
    private let state = NIOLockedValueBox(State())

    /// An empty queue.
    ///
    /// - Parameter limit: how many decisions may wait
    public init(limit: Int) {
        self.limit = limit
    }

    /// Takes what waits, in exchange for an empty batch, whose storage is used from then on.
    ///
    /// - Returns: how many decisions found no room since the last time
    public func take(into batch: inout DecisionBatch) -> Int {
        batch.removeAll()
        return state.withLockedValue { state in
            swap(&state.batch, &batch)
            defer { state.dropped = 0 }
            return state.dropped
        }
    }

    /// Adds decisions as far as there is room, which the caller knows of, and empties the batch.
    ///
    /// - Returns: how many more may come
    fileprivate func add(_ batch: inout DecisionBatch, dropped: Int) -> Int {
        defer { batch.removeAll() }
        return state.withLockedValue { state in
            state.dropped += dropped
            if state.batch.count + batch.count <= limit {
                state.batch.append(contentsOf: batch)
            } else {
                state.dropped += batch.count
            }
            return limit - state.batch.count
        }
    }
}

/// The decisions of one event loop on their way to the history.
///
/// While the queue is full, they are counted and nothing else.
public struct DecisionTrail {
    private let queue: DecisionQueue
    private let limit: Int
    private var batch = DecisionBatch()
    private var dropped = 0
    /// How many more the queue had room for when it was last asked.
    private var room: Int

    /// For that queue; nothing is added to it before ``flush()``.
    public init(to queue: DecisionQueue) {
        self.queue = queue
        limit = queue.capacity
        room = queue.capacity
    }

    /// Appends a decision, if it is one that the history keeps and there is room.
    ///
    /// Of those that pass as usual there are many, and they say little: they find no room in the second half of the queue.
    public mutating func append(_ record: DecisionRecord, on request: PolicyRequest, at now: Timestamp) {
        let isUsual: Bool
        switch record.reason {
        case .notOurs(.nullSender): isUsual = true
        case .notOurs: return
        case .judged(.known), .judged(.autoWhitelisted), .whitelisted: isUsual = true
        case .judged, .storeFailed: isUsual = false
        }
        guard batch.count < (isUsual ? room - limit / 2 : room) else {
            dropped += 1
            return
        }
        batch.append(record, on: request, at: now)
    }

    /// Hands over what was appended.
    public mutating func flush() {
        guard batch.count > 0 || dropped > 0 else { return }
        room = queue.add(&batch, dropped: dropped)
        dropped = 0
    }
}

extension DecisionQueue {
    /// How many decisions may wait.
    fileprivate var capacity: Int { limit }
}
