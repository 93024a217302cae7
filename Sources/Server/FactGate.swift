import Engine
import NIOCore
import Policy

/// Which requests of one event loop wait for what the whitelists need of the DNS, and until when.
///
/// A request goes on once: when all of it is there, when its time is over, or at the end of the server. A pure machine, as
/// ``ProofGate`` is.
///
/// - `Origin`: who waits for a decision
struct FactGate<Origin> {
    /// A request that waits.
    struct Pending {
        let origin: Origin
        let request: PolicyRequest
        let start: NIODeadline
        /// What is known so far.
        var facts: DNSFacts
        /// How many answers are missing.
        var missing: Int
    }

    private let budget: TimeAmount
    /// In the order of their numbers, and so of their deadlines.
    private var pending: [(number: Int, request: Pending)] = []
    private var lastNumber = 0

    /// A gate where nobody waits.
    ///
    /// - Parameter budget: how long a request may wait
    init(budget: TimeAmount) {
        self.budget = budget
    }

    /// Keeps a request, and returns the number under which its answers come.
    mutating func admit(_ request: Pending) -> Int {
        lastNumber += 1
        pending.append((lastNumber, request))
        return lastNumber
    }

    /// When the request that has waited longest is to go on; nil where nobody waits.
    var deadline: NIODeadline? { pending.first.map { $0.request.start + budget } }

    /// Takes an answer; returns the request whose last one it was.
    mutating func take(_ number: Int, _ note: (inout DNSFacts) -> Void) -> Pending? {
        guard let index = pending.firstIndex(where: { $0.number == number }) else { return nil }
        note(&pending[index].request.facts)
        pending[index].request.missing -= 1
        return pending[index].request.missing == 0 ? pending.remove(at: index).request : nil
    }

    /// The request that has waited longest, if its time is over.
    mutating func takeLate(at now: NIODeadline) -> Pending? {
        guard let deadline, deadline <= now else { return nil }
        return pending.removeFirst().request
    }

    /// All that wait, for the end of the server.
    mutating func takeAll() -> [Pending] {
        defer { pending = [] }
        return pending.map(\.request)
    }
}
