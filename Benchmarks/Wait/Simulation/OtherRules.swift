import Greylist
import SPF
import SampleOptions

/// postgrey as far as its key, its delay and its auto-whitelist go.
struct SimulatedPostgrey {
    private struct Entry {
        let first: Int64
        var last: Int64
    }

    private var entries: [[UInt8]: Entry] = [:]
    /// How many triplets of a client passed, and when that was counted last.
    private var clients: [[UInt8]: (count: UInt32, last: Int64)] = [:]
    private var envelope = Envelope()
    private let rules: Rules

    /// One that has seen no mail, with the delay, retry window and auto-whitelist of these rules.
    init(_ rules: Rules) {
        self.rules = rules
    }

    /// Whether an attempt passes.
    mutating func passes(_ traced: TracedAttempt) -> Bool {
        let isAddressed = envelope.address(
            client: Array(traced.host.address.text.utf8).span, sender: Array(traced.sender.utf8).span,
            recipient: Array(traced.recipient.utf8).span, masks: .sample())
        precondition(isAddressed, "the trace has addresses")
        let (key, client) = envelope.readPostgreyTexts(.network(ipv4: 24, ipv6: 64)) { triplet, client in
            (triplet.withUnsafeBufferPointer { Array($0) }, client.withUnsafeBufferPointer { Array($0) })
        }
        let now = Timestamp(milliseconds: traced.time).seconds
        if rules.clientCount > 0, let known = clients[client], known.count >= rules.clientCount {
            if now >= known.last + 3_600 { clients[client] = (known.count + 1, now) }
            return true
        }
        var entry = entries[key] ?? Entry(first: now, last: now)
        let hasPassed = entry.last - entry.first >= rules.delay
        if !hasPassed, now - entry.first > rules.retryWindow { entry = Entry(first: now, last: now) }
        entry.last = now
        entries[key] = entry
        guard now - entry.first >= rules.delay else { return false }
        let counted = clients[client]
        if !hasPassed, counted.map({ now >= $0.last + 3_600 }) ?? true {
            clients[client] = ((counted?.count ?? 0) + 1, now)
        }
        return true
    }
}

/// rspamd's module greylist, applied to all mail.
///
/// A mail passes once its body, or its sender and recipient from that network, was first seen long enough ago. Both are kept for a day after they were first seen, or last passed.
///
/// Its lists of domains are left out, as those of postgrey and TPRT are.
struct SimulatedRspamd {
    private enum Key: Hashable {
        case body(Int)
        case envelope(network: UInt128, sender: String, recipient: String)
    }

    private static let lifetime: Int64 = 86_400

    private var entries: [Key: (first: Int64, end: Int64)] = [:]
    private let delay: Int64

    /// One that has seen no mail, with the delay of these rules.
    init(_ rules: Rules) {
        delay = rules.delay
    }

    /// Whether an attempt passes.
    ///
    /// - Parameter body: the number of its text
    mutating func passes(_ traced: TracedAttempt, body: Int) -> Bool {
        let now = Timestamp(milliseconds: traced.time).seconds
        let network: UInt128 =
            switch traced.host.address {
            case .ipv4(let value): UInt128(value >> 13)
            case .ipv6(let value): value >> 64
            }
        let keys = [Key.body(body), .envelope(network: network, sender: traced.sender, recipient: traced.recipient)]
        let found = keys.compactMap { entries[$0] }.filter { now < $0.end }
        if found.isEmpty {
            for key in keys { entries[key] = (now, now + Self.lifetime) }
            return false
        }
        guard found.contains(where: { now - $0.first >= delay }) else { return false }
        for key in keys {
            if let entry = entries[key], now < entry.end { entries[key] = (entry.first, now + Self.lifetime) }
        }
        return true
    }
}
