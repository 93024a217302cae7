import NIOConcurrencyHelpers

/// Remembers to which messages a header was prepended, so that a message with several recipients gets it once.
///
/// Postfix gives all requests about one message the same `instance`. The ledger is bounded: a message is forgotten when
/// another one takes its slot, and would at worst get its header twice. It is asked only when a triplet passes for the
/// first time, so its lock is no burden on the way of a request.
public final class HeaderLedger: Sendable {
    private let slots = NIOLockedValueBox([Int](repeating: 0, count: 4096))

    /// An empty ledger.
    public init() {}

    /// Whether the message hasn't had its header yet; from now on it has.
    ///
    /// Without an instance each request is a message.
    func claim(_ instance: Span<UInt8>) -> Bool {
        if instance.isEmpty { return true }
        var hasher = Hasher()
        instance.withUnsafeBytes { hasher.combine(bytes: $0) }
        let hash = hasher.finalize()
        return slots.withLockedValue { slots in
            let slot = Int(UInt(bitPattern: hash) % UInt(slots.count))
            if slots[slot] == hash { return false }
            slots[slot] = hash
            return true
        }
    }
}
